"""The price list: prices by period without gap or overlap, and concessions that a second person agrees to (B-F1)."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select

from desk import at_desk
from tenant.errors import NotFound, Refusal
from tenant.models import BillingRun, ChargeType, Concession, Tariff
from tenant.rules.terms import BillingState, ChargeBasis, ConcessionKind, ConcessionState, Role
from tenant.services import charges, concessions, tariffs

NEW_YEAR = date(2026, 1, 1)
JANUARY = (NEW_YEAR, date(2026, 1, 31))


def item(session, office_id):
    row = ChargeType(office_id=office_id, name="电梯费", basis=ChargeBasis.UNIT, is_monthly=True)
    session.add(row)
    session.flush()
    return row


def spans(session, row):
    rows = session.scalars(select(Tariff).where(Tariff.charge_type_id == row.id).order_by(Tariff.from_on))
    return [(tariff.from_on, tariff.to_on, tariff.price) for tariff in rows]


def refused(act, *arguments, **more):
    with pytest.raises(Refusal) as found:
        act(*arguments, **more)
    return found.value.code, found.value.field


def test_b_f1_a_new_price_ends_the_one_before_on_the_day_before(database, cast):
    with at_desk(database, cast.north) as session:
        lift = item(session, cast.north.id)
        tariffs.publish(session, lift.id, Decimal(30), date(2024, 1, 1), basis="前期物业服务合同")
        tariffs.publish(session, lift.id, Decimal("32.5"), NEW_YEAR)
        assert spans(session, lift) == [
            (date(2024, 1, 1), date(2025, 12, 31), Decimal(30)),
            (NEW_YEAR, None, Decimal("32.5")),
        ]


def test_b_f1_no_two_prices_hold_on_one_day_and_no_day_is_left_without(database, cast):
    with at_desk(database, cast.north) as session:
        lift = item(session, cast.north.id)
        tariffs.publish(session, lift.id, Decimal(30), date(2024, 1, 1), to_on=date(2025, 6, 30))
        for first in (date(2025, 6, 30), date(2024, 1, 1)):
            assert refused(tariffs.publish, session, lift.id, Decimal(1), first)[0] == "tariff_overlap"
        assert refused(tariffs.publish, session, lift.id, Decimal(1), date(2025, 7, 2)) == ("tariff_gap", "from_on")
        tariffs.publish(session, lift.id, Decimal(31), date(2025, 7, 1))
        earlier = tariffs.publish, session, lift.id, Decimal(29), date(2023, 1, 1)
        assert refused(*earlier) == ("tariff_overlap", "to_on")
        assert refused(*earlier, to_on=date(2024, 1, 1)) == ("tariff_overlap", "to_on")
        assert refused(*earlier, to_on=date(2023, 12, 30)) == ("tariff_gap", "to_on")
        tariffs.publish(session, lift.id, Decimal(29), date(2023, 1, 1), to_on=date(2023, 12, 31))


@pytest.mark.parametrize("price", ["-0.01", "0.00001", "NaN", "100000000"])
def test_a_price_that_is_none_is_refused(database, cast, price):
    with at_desk(database, cast.north) as session:
        lift = item(session, cast.north.id)
        assert refused(tariffs.publish, session, lift.id, Decimal(price), NEW_YEAR) == ("bad_price", "price")


def test_b_f1_what_is_charged_stays_explained_by_its_price(database, cast):
    with at_desk(database, cast.north) as session:
        lift = item(session, cast.north.id)
        held = tariffs.publish(session, lift.id, Decimal(30), date(2024, 1, 1))
        charge = charges.post(session, cast.north.unit.id, lift.id, JANUARY, date(2026, 1, 10))
        run = BillingRun(
            office_id=cast.north.id, month=NEW_YEAR, due_on=NEW_YEAR, charge_types=[], state=BillingState.POSTED
        )
        session.add(run)
        session.flush()
        charge.billing_run_id = run.id
        session.flush()
        assert refused(tariffs.publish, session, lift.id, Decimal(31), date(2026, 1, 31))[0] == "charged_meanwhile"
        assert refused(tariffs.end, session, held.id, date(2026, 1, 30))[0] == "charged_meanwhile"
        tariffs.publish(session, lift.id, Decimal(31), date(2026, 2, 1))


def test_an_item_of_another_office_has_no_price_here(database, cast):
    with at_desk(database, cast.south) as session:
        theirs = item(session, cast.south.id).id
        session.commit()
    with at_desk(database, cast.north) as session:
        with pytest.raises(NotFound):
            tariffs.publish(session, theirs, Decimal(1), NEW_YEAR)
        with pytest.raises(NotFound):
            concessions.ask(session, cast.south.unit.id, ConcessionKind.VACANT, Decimal("0.7"), JANUARY, "空置")


# --------------------------------------------------------------------------------------------------------- concessions
def asked(session, house, share="0.7"):
    return concessions.ask(session, house.unit.id, ConcessionKind.VACANT, Decimal(share), JANUARY, "业主长期在外")


def test_who_asks_for_a_concession_does_not_agree_to_it(database, cast):
    with database.session(cast.north.scope(), cast.north.actor(Role.FINANCE_ASSISTANT)) as session:
        row_id = asked(session, cast.north).id
        assert refused(concessions.decide, session, row_id, agreed=True) == ("second_person_needed", "state")
        assert concessions.approved(session, cast.north.id, *JANUARY) == []
        session.commit()
    with database.session(cast.north.scope(), cast.north.actor(Role.DIRECTOR)) as session:
        concessions.decide(session, row_id, agreed=True)
        assert [row.id for row in concessions.approved(session, cast.north.id, *JANUARY)] == [row_id]
        assert refused(concessions.decide, session, row_id, agreed=False)[0] == "decided_already"
        concessions.withdraw(session, row_id)
        assert concessions.approved(session, cast.north.id, *JANUARY) == []
        assert session.get_one(Concession, row_id).state is ConcessionState.WITHDRAWN


def test_who_asked_in_one_posting_does_not_agree_in_another(database, cast):
    with database.session(cast.north.scope(), cast.north.actor(Role.FINANCE_ASSISTANT)) as session:
        row_id = asked(session, cast.north).id
        session.commit()
    promoted = replace(cast.north.actor(Role.DIRECTOR), staff_id=cast.north.people[Role.FINANCE_ASSISTANT].staff_id)
    with database.session(cast.north.scope(), promoted) as session:
        assert refused(concessions.decide, session, row_id, agreed=True) == ("second_person_needed", "state")


@pytest.mark.parametrize("share", ["1", "-0.1", "0.00001", "NaN"])
def test_a_share_that_is_no_concession_is_refused(database, cast, share):
    with at_desk(database, cast.north) as session:
        assert refused(asked, session, cast.north, share) == ("bad_share", "share")
