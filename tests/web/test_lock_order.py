"""Who acts on a record of a matter waits at its ticket, and holds nothing that others need who have the ticket."""

from collections.abc import Callable
from threading import Thread
from time import monotonic, sleep

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from cast import Cast
from desk import at_desk, complaint, request
from tenant import clock
from tenant.models import Complaint, ServiceRequest, Ticket, WorkOrder
from tenant.rules.terms import Role
from tenant.services import requests

LOOKS_FOR = 4.0
"""Seconds: many times what a page takes to come to its locks."""


def is_free(database, house, model, row_id):
    """Tell whether nobody holds the row."""
    with at_desk(database, house) as session:
        try:
            session.execute(select(model.id).where(model.id == row_id).with_for_update(nowait=True, key_share=True))
        except OperationalError:
            return False
        return True


def sent(session, house):
    matter = request(session, house)
    return requests.dispatch(session, matter.id, house.engineering.id)


CASES = {
    "requests": (ServiceRequest, request, "contact", Role.FRONT_DESK),
    "complaints": (Complaint, complaint, "contact", Role.FRONT_DESK),
    "work_orders": (WorkOrder, sent, "receive", Role.DEPARTMENT_HEAD),
}


@pytest.mark.parametrize("path", CASES)
def test_a_verb_waits_at_the_ticket_before_it_holds_the_record(database, cast: Cast, sign_in: Callable, path):
    model, make_one, verb, role = CASES[path]
    person = sign_in(cast.north.people[role].staff)
    with at_desk(database, cast.north, clock.now()) as session:
        row = make_one(session, cast.north)
        row_id, ticket_id = row.id, row.request.ticket_id if path == "work_orders" else row.ticket_id
        session.commit()
    acting = Thread(target=person.post, args=(f"/{path}/act/{verb}/?id={row_id}", {}))
    with at_desk(database, cast.north) as session:
        session.execute(select(Ticket.id).where(Ticket.id == ticket_id).with_for_update())
        acting.start()
        until = monotonic() + LOOKS_FOR
        while monotonic() < until:
            assert is_free(database, cast.north, model, row_id)
            sleep(0.1)
        assert acting.is_alive()
    acting.join(timeout=30)
    assert not acting.is_alive()
