"""The arrears ladder, rule by rule, on both sides of each boundary: B-F2, B-F3, B-F4, B-F5, B-F7."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from decimal import Decimal
from threading import Barrier
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

import make
from desk import at_desk, sweep_dunning
from tenant import clock
from tenant.journal import CLOCKWORK
from tenant.models import DueAction, DunningNotice, Mail
from tenant.rules.terms import DueState, DunningLevel, DunningNoticeState, PaymentMethod, Role
from tenant.scoping import Scope
from tenant.services import dunning, payments
from tenant.unscoped import Reason, across_offices

DUE = date(2026, 1, 31)
REMINDER, LETTER, SUIT, WATCH = (
    DunningLevel.REMINDER,
    DunningLevel.LETTER,
    DunningLevel.SUIT,
    DunningLevel.WATCH,
)


@pytest.fixture(autouse=True)
def noise(database, cast):
    """The other office's owner has owed for years."""
    with at_desk(database, cast.south) as session:
        make.charge(session, cast.south.unit, cast.south.owner, date(2023, 1, 1))
        session.commit()


def morning(day):
    return datetime(day.year, day.month, day.day, 8, 30, tzinfo=ZoneInfo("Asia/Shanghai"))


def sweep(session, house, day):
    return [(notice.level, notice.sequence) for notice in sweep_dunning(session, house, morning(day))]


@pytest.fixture
def small(database, cast):
    """An owner of one flat among many: no big customer, with a mail address and a charge due on 31 January."""
    with at_desk(database, cast.north) as session:
        yield owing(session, cast.north)


def owing(session, house, *, email="owner@north.invalid", area="88.50"):
    owner = make.owner(session, house.id, email=email)
    unit = make.unit(session, house.id, area=Decimal(area))
    make.unit(session, house.id, area=Decimal(100_000))
    make.ownership(session, unit, owner)
    make.charge(session, unit, owner, DUE)
    session.house, session.owner, session.unit = house, owner, unit
    return session


def test_b_f2_a_reminder_every_month_from_the_day_after_the_due_date_to_six_months(small):
    days = {
        date(2026, 1, 31): [],
        date(2026, 2, 1): [(REMINDER, 1)],
        date(2026, 2, 27): [],
        date(2026, 2, 28): [(REMINDER, 2)],
        date(2026, 3, 30): [],
        date(2026, 3, 31): [(REMINDER, 3)],
        date(2026, 4, 30): [(REMINDER, 4)],
        date(2026, 5, 31): [(WATCH, 1), (REMINDER, 5)],
        date(2026, 6, 30): [(REMINDER, 6)],
        date(2026, 7, 30): [],
        date(2026, 7, 31): [(LETTER, 1)],
        date(2026, 8, 31): [],
    }
    assert {day: sweep(small, small.house, day) for day in days} == days


def test_b_f7_watch_for_a_sale_from_the_day_after_three_months(small):
    sweep(small, small.house, date(2026, 4, 30))
    assert sweep(small, small.house, date(2026, 5, 1)) == [(WATCH, 1)]


def test_b_f3_letters_at_six_and_twelve_months_b_f4_a_suit_at_eighteen(small):
    sweep(small, small.house, date(2026, 7, 30))
    days = {
        date(2026, 7, 31): [(LETTER, 1)],
        date(2027, 1, 30): [],
        date(2027, 1, 31): [(LETTER, 2)],
        date(2027, 7, 30): [],
        date(2027, 7, 31): [(SUIT, 1)],
        date(2028, 7, 31): [],
    }
    assert {day: sweep(small, small.house, day) for day in days} == days


def test_b_f5_a_big_customer_gets_the_letter_after_three_months_and_the_suit_at_six(database, cast):
    with at_desk(database, cast.north) as session:
        owing(session, cast.north, area="5000")
        sweep(session, cast.north, date(2026, 4, 30))
        days = {
            date(2026, 4, 30): [],
            date(2026, 5, 1): [(WATCH, 1), (LETTER, 1)],
            date(2026, 7, 30): [(REMINDER, 6)],
            date(2026, 7, 31): [(SUIT, 1)],
            date(2027, 1, 31): [],
        }
        taken = {day: sorted(sweep(session, cast.north, day), key=days[day].index) for day in days}
        assert taken == days


def test_reminders_that_were_missed_are_not_sent_late_in_a_heap(small):
    assert sweep(small, small.house, date(2026, 4, 20)) == [(REMINDER, 3)]
    assert sweep(small, small.house, date(2026, 4, 30)) == [(REMINDER, 4)]
    assert sweep(small, small.house, date(2029, 1, 1)) == [(WATCH, 1), (SUIT, 1)]


def test_the_same_day_twice_takes_and_plans_nothing_the_second_time(small):
    at = morning(date(2026, 5, 1))
    assert sweep_dunning(small, small.house, at)
    before = [small.scalar(select(func.count(model.id))) for model in (DunningNotice, DueAction, Mail)]
    assert dunning.plan_steps(small, small.house.id, at) == 0
    assert sweep_dunning(small, small.house, at + timedelta(hours=5)) == []
    assert [small.scalar(select(func.count(model.id))) for model in (DunningNotice, DueAction, Mail)] == before


def test_a_reminder_goes_to_the_owner_and_states_amount_and_possible_late_fee(small):
    notice = sweep_dunning(small, small.house, morning(date(2026, 2, 10)))[0]
    assert notice.owner_address == "owner@north.invalid"
    assert notice.tell == ()
    assert (notice.amount, notice.late_fee) == (Decimal("100.00"), Decimal("0.50"))
    assert small.get(DunningNotice, notice.notice_id).state is DunningNoticeState.SENT


def test_a_reminder_without_an_address_waits_to_be_delivered_by_hand(database, cast):
    with at_desk(database, cast.north) as session:
        owing(session, cast.north, email=None)
        notice = sweep_dunning(session, cast.north, morning(date(2026, 2, 10)))[0]
        assert notice.owner_address is None
        assert session.get(DunningNotice, notice.notice_id).state is DunningNoticeState.PLANNED


def test_nothing_legal_leaves_by_itself(small):
    sweep(small, small.house, date(2026, 6, 30))
    for day in (date(2026, 7, 31), date(2027, 1, 31), date(2027, 7, 31)):
        notice = sweep_dunning(small, small.house, morning(day))[0]
        assert notice.owner_address is None
        assert set(notice.tell) == {Role.DIRECTOR, Role.FINANCE_ASSISTANT}
        assert small.get(DunningNotice, notice.notice_id).state is DunningNoticeState.PLANNED


def paid(session, amount, day):
    with clock.at(morning(day)):
        return payments.receive(session, session.owner.id, Decimal(amount), PaymentMethod.TRANSFER)


def test_a_debt_paid_between_planning_and_taking_brings_no_notice(small):
    at = morning(date(2026, 2, 1))
    assert dunning.plan_steps(small, small.house.id, at) == 1
    paid(small, "100.00", date(2026, 2, 1))
    assert sweep_dunning(small, small.house, at) == []
    assert small.scalars(select(DunningNotice)).all() == []
    assert small.scalars(select(DueAction.state).where(DueAction.rule == "dunning")).all() == [DueState.CANCELLED]


def test_a_payment_that_turns_out_void_brings_the_step_back(small):
    at = morning(date(2026, 2, 1))
    dunning.plan_steps(small, small.house.id, at)
    payment = paid(small, "100.00", date(2026, 2, 1))
    assert sweep_dunning(small, small.house, at) == []
    payments.void(small, payment.id, "退票")
    assert sweep(small, small.house, date(2026, 2, 2)) == [(REMINDER, 1)]
    assert sweep(small, small.house, date(2026, 2, 2)) == []


def test_a_part_payment_changes_the_amount_and_not_the_age(small):
    paid(small, "60.00", date(2026, 2, 20))
    notice = sweep_dunning(small, small.house, morning(date(2026, 3, 1)))[0]
    assert (notice.sequence, notice.amount, notice.oldest_due_on) == (2, Decimal("40.00"), DUE)


def test_who_pays_the_oldest_charge_is_not_dunned_for_it_and_climbs_on_from_the_next(small):
    kind = make.charge_type(small, small.house.id)
    make.charge(small, small.unit, small.owner, date(2026, 2, 28), charge_type=kind)
    assert sweep(small, small.house, date(2026, 4, 15)) == [(REMINDER, 3)]
    paid(small, "100.00", date(2026, 4, 16))
    assert sweep(small, small.house, date(2026, 4, 16)) == []
    assert sweep(small, small.house, date(2026, 4, 27)) == []
    assert sweep(small, small.house, date(2026, 4, 28)) == [(REMINDER, 3)]


def test_b_f4_who_pays_one_month_of_twenty_before_the_first_sweep_escapes_no_suit(small):
    make.charge(small, small.unit, small.owner, date(2026, 2, 28))
    paid(small, "100.00", date(2027, 9, 15))
    assert sweep(small, small.house, date(2027, 9, 16)) == [(WATCH, 1), (SUIT, 1)]


def test_b_f3_a_letter_that_went_out_is_not_written_again_because_a_month_was_paid(small):
    make.charge(small, small.unit, small.owner, date(2026, 2, 28))
    assert (LETTER, 1) in sweep(small, small.house, date(2026, 9, 15))
    paid(small, "100.00", date(2026, 9, 16))
    assert sweep(small, small.house, date(2026, 9, 16)) == []


def test_two_planners_at_once_plan_each_step_once(database, cast):
    at, start = morning(date(2026, 5, 1)), Barrier(2)
    with across_offices(database, Reason.SETTING_UP) as session:
        office = make.office(session, company_id=cast.east.id)
        unit, owner = make.unit(session, office.id), make.owner(session, office.id)
        make.charge(session, unit, owner, DUE)
        session.commit()

    def plan():
        start.wait()
        with database.session(Scope.of([office.id]), CLOCKWORK) as session:
            planned = dunning.plan_steps(session, office.id, at)
            session.commit()
            return planned

    with ThreadPoolExecutor(2) as pool:
        assert sorted(job.result() for job in [pool.submit(plan) for _ in range(2)]) == [0, 2]


def test_a_sweep_of_one_office_leaves_the_other_alone(database, cast, small):
    assert {row.office_id for row in sweep_dunning(small, cast.north, morning(date(2026, 2, 1)))} == {cast.north.id}
    with at_desk(database, cast.south) as session:
        assert session.scalars(select(DunningNotice)).all() == []
        assert sweep(session, cast.south, date(2026, 2, 1)) == [(WATCH, 1), (SUIT, 1)]


def test_a_day_begins_at_the_offices_midnight(small):
    before = datetime(2026, 1, 31, 23, 59, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert sweep_dunning(small, small.house, before) == []
    assert len(sweep_dunning(small, small.house, before + timedelta(minutes=1))) == 1
