"""Defects under warranty for tests: registered, issued to a builder, and brought to a state on the straight way."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from tenant.errors import Refusal
from tenant.models import Builder
from tenant.rules.terms import RectificationState
from tenant.services import defects, rectifications

TODAY = date(2026, 3, 2)
AGREED = TODAY + timedelta(days=7)


def defect(session, house, **fields):
    """Register a defect of the house's unit."""
    matter = {"office_id": house.id, "unit_id": house.unit.id, "content": "主卧外墙渗水", "part": "外墙"}
    return defects.register_defect(session, **matter | fields)


def builder(session, house, name="恒基建设"):
    """Return the office's builder of that name, made where there is none."""
    known = session.scalars(select(Builder).where(Builder.office_id == house.id, Builder.name == name)).first()
    row = known or Builder(office_id=house.id, name=name)
    session.add(row)
    session.flush()
    return row


def issued(session, house, found, agreed_on=AGREED, name="恒基建设"):
    """Confirm the defect, with the owner's signature, and issue a record of it."""
    if found.confirmed_at is None:
        defects.confirm(session, found.id, "防水层开裂", owner_signed=True)
    return rectifications.issue(session, found.id, builder(session, house, name).id, agreed_on)


def brought_to(session, house, state, found=None):
    """Return a record brought to a state on the straight way."""
    record = issued(session, house, found or defect(session, house))
    ways = {
        RectificationState.SIGNED_FOR: lambda: rectifications.sign_for(session, record.id, "周工"),
        RectificationState.RETURNED: lambda: rectifications.report_done(session, record.id),
        RectificationState.ACCEPTED: lambda: rectifications.accept(session, record.id),
        RectificationState.OWNER_SIGNED: lambda: rectifications.owner_sign(session, record.id),
        RectificationState.FILED: lambda: rectifications.file(session, record.id),
    }
    for reached, step in ways.items():
        if record.state is state:
            break
        step()
        assert record.state is reached
    return record


def refused(act, *arguments, **named):
    """Return the refusal that the act answers with."""
    with pytest.raises(Refusal) as caught:
        act(*arguments, **named)
    return caught.value
