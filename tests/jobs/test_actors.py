"""Actors carry ids and nothing else: who asked and which office it is, they read from the database again."""

import inspect

import pytest
from sqlalchemy import select

from audit.models import AuditEntry
from importers.apply import preview
from tasks import actors
from tasks.actors import DUTIES, Works
from tenant.journal import CLOCKWORK
from tenant.models import ImportBatch, Owner
from tenant.rules.terms import ImportState, Role
from tenant.unscoped import Reason, across_offices
from workbooks import builders


@pytest.fixture
def works(database, settings):
    return Works(database, settings)


@pytest.fixture
def batch_id(database, cast):
    """A roster of the north office, previewed."""
    with database.session(cast.north.scope(), cast.north.actor(Role.OFFICE_ADMIN)) as session:
        made = preview(session, cast.north.office, "roster", "名册.xlsx", builders.plain())
        session.commit()
        return made.id


def look(database, statement):
    with across_offices(database, Reason.SIGNING_IN) as session:
        return list(session.scalars(statement))


def test_an_import_is_applied_as_the_person_who_asked_and_once(database, cast, works, batch_id):
    post = cast.north.people[Role.OFFICE_ADMIN]
    ids = {"batch_id": batch_id, "office_id": cast.north.id, "posting_id": post.id}
    owners = len(look(database, select(Owner.id)))
    actors.perform(works, "apply_import", ids)
    (state,) = look(database, select(ImportBatch.state).where(ImportBatch.id == batch_id))
    assert state is ImportState.APPLIED
    written = len(look(database, select(Owner.id)))
    assert written > owners
    last = look(database, select(AuditEntry).where(AuditEntry.verb == "owner.create").order_by(AuditEntry.id.desc()))[0]
    assert (last.actor_id, last.actor_name) == (post.staff_id, post.staff.name)
    actors.perform(works, "apply_import", ids)
    assert len(look(database, select(Owner.id))) == written


def test_an_import_of_another_office_is_not_found_there(database, cast, works, batch_id):
    actors.perform(works, "apply_import", {"batch_id": batch_id, "office_id": cast.south.id})
    (state,) = look(database, select(ImportBatch.state).where(ImportBatch.id == batch_id))
    assert state is ImportState.PREVIEWED


def test_who_has_no_posting_at_the_office_acts_in_nobodys_name(cast, works):
    assert actors._doer(works, cast.north.id, cast.south.people[Role.OFFICE_ADMIN].id) == CLOCKWORK


def test_an_error_of_one_message_is_logged_and_ends_with_it(works, caplog, monkeypatch):
    monkeypatch.setitem(DUTIES, "tidy", actors.Duty(lambda works: 1 / 0, "sweeps"))
    actors.perform(works, "tidy", {})
    assert "tidy failed" in caplog.text


@pytest.mark.parametrize("name", DUTIES)
def test_an_actor_takes_ids_and_is_short(name):
    function = DUTIES[name].function
    taken = [parameter for parameter in inspect.signature(function).parameters if parameter != "works"]
    assert all(parameter.endswith("_id") for parameter in taken)
    assert len(inspect.getsource(function).splitlines()) <= 15


def test_imports_mails_and_sweeps_wait_in_queues_of_their_own():
    assert {duty.queue for duty in DUTIES.values()} == {"sweeps", "mail", "imports"}
