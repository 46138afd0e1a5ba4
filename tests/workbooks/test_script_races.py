"""A plan that was made while somebody wrote is planned again: what it did not see, it does not write past."""

from dataclasses import replace

import pytest
from sqlalchemy import func, select

import make
from importers import batches
from importers.apply import apply, preview
from importers.sheets import kind_named
from tenant.models import Owner
from tenant.rules.terms import ImportState, Role
from workbooks import builders


@pytest.fixture
def north(database, cast):
    with database.session(cast.north.scope(), cast.north.actor(Role.OFFICE_ADMIN)) as session:
        yield session


def test_an_owner_registered_while_the_plan_was_made_is_not_registered_again(north, cast, monkeypatch):
    kind = kind_named("roster")

    def load_and_be_overtaken(session, office):
        state = kind.load(session, office)
        make.owner(session, office.id, name="张三", phone=builders.phone_of(1))
        session.flush()
        return state

    with monkeypatch.context() as overtaken:
        overtaken.setattr(batches, "kind_named", lambda _: replace(kind, load=load_and_be_overtaken))
        batch = preview(north, cast.north.office, "roster", "名册.xlsx", builders.plain())
    apply(north, batch.id)
    assert batch.state is ImportState.APPLIED
    assert north.scalar(select(func.count(Owner.id)).where(Owner.name == "张三")) == 1
