"""Time limits of the group, a company or an office: which holds, for which clocks, and for how long (A-O2, A-O3)."""

import pytest
from sqlalchemy import select

import make
from desk import DAY, HOUR, MINUTE, call, request, running, sweep_escalations
from limiting import REPLY, TODAY, own
from tenant import clock, policy
from tenant.models import ClockPolicy, DueAction, Office, OfficeClockPolicy, Ticket
from tenant.rules.limits import limit_for
from tenant.rules.terms import (
    ClockCalendar,
    ClockKind,
    ClockMeasure,
    DueState,
    PauseReason,
    PostingLevel,
    RequestCategory,
    Role,
    TicketKind,
)
from tenant.services import clock_plans, clocks, limit_drafts, limits, pauses, replanning, warnings
from tenant.unscoped import Reason, across_offices

NOON = make.NOON


@pytest.fixture
def group(database):
    """Put limits of the group and of companies into force, and take them away again: ``group(amount=20)``."""
    made = []

    def put(company=None, **said):
        with across_offices(database, Reason.SETTING_UP) as session, clock.at(NOON):
            row = ClockPolicy(company_id=None if company is None else company.id, **REPLY | said)
            session.add(row)
            session.flush()
            made.append(row.id)
            limit_drafts.activate(session, ClockPolicy, row.id)
            session.commit()
            return row.id

    yield put
    with across_offices(database, Reason.SETTING_UP) as session:
        for row in session.scalars(select(ClockPolicy).where(ClockPolicy.id.in_(made))):
            session.delete(row)
        session.commit()


def holding(session, house, day=TODAY, kind=ClockKind.FIRST_REPLY, held=frozenset({"repair", "ordinary"})):
    found = limits.in_force(session, session.get(Office, house.id), day)
    return limit_for(found, TicketKind.REQUEST, kind, held)


def reply_of(session, filed):
    return running(session, filed.ticket_id)[ClockKind.FIRST_REPLY]


def ladder(session, filed, row):
    return clocks.ladder_of(session, session.get(Ticket, filed.ticket_id), row)


# ---- which holds
def test_without_any_of_their_own_the_tables_hold(session, house):
    assert limits.in_force(session, session.get(Office, house.id), TODAY) == policy.limits()


def test_an_office_stands_before_its_company_and_that_before_the_group(session, cast, group):
    house = cast.north
    group(amount=20)
    assert (holding(session, house).term.amount, holding(session, house).level) == (20, PostingLevel.GROUP)
    group(cast.east, amount=25)
    assert (holding(session, house).term.amount, holding(session, house).level) == (25, PostingLevel.COMPANY)
    group(amount=21, effective_on=TODAY + DAY)
    assert holding(session, house, TODAY + 2 * DAY).term.amount == 25
    with clock.at(NOON):
        own(session, house, amount=30)
    found = holding(session, house)
    assert (found.term.amount, found.level, found.term.source) == (30, PostingLevel.OFFICE, "A-W4")


def test_another_company_s_limit_holds_for_none_of_ours(session, cast, group):
    group(cast.west, amount=99)
    assert holding(session, cast.north).term.amount == 15


def test_drafts_later_days_and_what_was_withdrawn_hold_for_nothing(session, house):
    session.add(OfficeClockPolicy(office_id=house.id, **REPLY, amount=90))
    with clock.at(NOON):
        own(session, house, amount=40, effective_on=TODAY + DAY)
        gone = own(session, house, amount=50)
        limit_drafts.withdraw(session, OfficeClockPolicy, gone.id)
    assert holding(session, house).term.amount == 15
    assert holding(session, house, TODAY + DAY).term.amount == 40


def test_of_several_the_one_that_came_into_force_last_holds(session, house):
    with clock.at(NOON):
        own(session, house, amount=40, effective_on=TODAY + 2 * DAY)
        own(session, house, amount=30)
    assert [holding(session, house, TODAY + n * DAY).term.amount for n in range(4)] == [30, 30, 40, 40]


def test_what_narrows_a_limit_holds_for_that_alone_and_never_before_what_is_urgent(session, house):
    with clock.at(NOON):
        own(session, house, amount=60, qualifier="consultation")
        own(session, house, amount=10, qualifier="urgent")
    amounts = [
        holding(session, house, held=held).term.amount
        for held in ({"repair", "ordinary"}, {"consultation", "ordinary"}, {"consultation", "urgent"})
    ]
    assert amounts == [15, 60, 10]


def test_a_draft_is_tried_where_nothing_nearer_holds(session, house):
    with clock.at(NOON):
        own(session, house, amount=30)
    now = limits.in_force(session, session.get(Office, house.id), TODAY)
    of_group = ClockPolicy(**REPLY, amount=5, minimum=0, warning=0)
    of_office = OfficeClockPolicy(office_id=house.id, **REPLY, amount=7, minimum=0, warning=0)
    assert limits.with_draft(now, of_group) == now
    tried = limit_for(limits.with_draft(now, of_office), TicketKind.REQUEST, ClockKind.FIRST_REPLY, {"repair"})
    assert tried.term.amount == 7


# ---- the life of a clock
def test_a_w4_a_clock_begins_by_the_limit_of_its_day_and_keeps_it(session, house):
    with clock.at(NOON):
        limit = own(session, house, amount=30)
        filed = request(session, house)
        own(session, house, amount=40, effective_on=TODAY + DAY)
    kept = reply_of(session, filed)
    assert (kept.due_at, kept.office_policy_id, kept.source) == (NOON + 30 * MINUTE, limit.id, "A-W4")
    with clock.at(NOON + DAY):
        later = reply_of(session, request(session, house))
    assert later.due_at == NOON + DAY + 40 * MINUTE


def test_a_limit_withdrawn_goes_on_governing_the_clocks_that_began_by_it(session, house):
    steps = [{"level": 1, "role": "director", "after": 0}]
    with clock.at(NOON):
        limit = own(session, house, amount=30, steps=steps)
        filed = request(session, house)
        limit_drafts.withdraw(session, OfficeClockPolicy, limit.id)
    raised = sweep_escalations(session, NOON + 31 * MINUTE)
    told = [(row.clock_kind, row.tell) for row in raised if row.ticket_id == filed.ticket_id]
    assert (ClockKind.FIRST_REPLY, (Role.DIRECTOR,)) in told


def test_who_is_told_stays_who_it_was_through_waiting(session, house):
    steps = [{"level": 1, "role": "director", "after": 5}, {"level": 2, "role": "company_centre", "after": 30}]
    with clock.at(NOON):
        own(session, house, amount=30, pauses=["owner"], steps=steps)
        filed = request(session, house)
    with clock.at(NOON + 10 * MINUTE):
        pauses.pause(session, filed.ticket_id, PauseReason.OWNER, NOON + DAY)
        assert ClockKind.FIRST_REPLY not in running(session, filed.ticket_id)
    with clock.at(NOON + HOUR):
        pauses.resume(session, filed.ticket_id)
    again = reply_of(session, filed)
    assert (again.due_at, again.cycle) == (NOON + HOUR + 20 * MINUTE, 2)
    assert [step.role for step in ladder(session, filed, again)] == [Role.DIRECTOR, Role.COMPANY_CENTRE]
    planned = session.scalars(select(DueAction).where(DueAction.subject_id == again.id)).one()
    assert (planned.level, planned.due_at) == (1, again.due_at + 5 * MINUTE)


def test_a_w5_a_clock_runs_on_through_a_wait_for_a_reason_that_its_limit_does_not_name(session, house):
    same_day = {"clock": ClockKind.SAME_DAY, "measure": ClockMeasure.SAME_DAY}
    with clock.at(NOON):
        own(session, house, **same_day, pauses=["material"])
        filed = request(session, house)
        before = running(session, filed.ticket_id)[ClockKind.SAME_DAY].due_at
    with clock.at(NOON + MINUTE):
        pauses.pause(session, filed.ticket_id, PauseReason.OWNER, NOON + DAY)
        assert running(session, filed.ticket_id)[ClockKind.SAME_DAY].due_at == before
        pauses.resume(session, filed.ticket_id)
    with clock.at(NOON + 2 * MINUTE):
        pauses.pause(session, filed.ticket_id, PauseReason.MATERIAL, NOON + DAY)
        assert ClockKind.SAME_DAY not in running(session, filed.ticket_id)


def test_b_s3_what_was_put_off_begins_by_the_limit_of_the_morning(session, house):
    night = NOON + 10 * HOUR
    with clock.at(NOON):
        own(session, house, clock=ClockKind.DISPATCH, qualifier="ordinary", amount=45, effective_on=TODAY + DAY)
    with clock.at(night):
        filed = request(session, house, put_off=True)
    begun = running(session, filed.ticket_id)[ClockKind.DISPATCH]
    assert begun.due_at - begun.started_at == 45 * MINUTE
    assert begun.started_at == NOON + 20 * HOUR


def test_desk_hours_let_a_night_pass_without_counting(session, house):
    with clock.at(NOON):
        own(session, house, amount=60, calendar=ClockCalendar.DESK_HOURS)
    evening = NOON + 5 * HOUR  # 17:00; the desk closes at 17:30
    with clock.at(evening):
        assert reply_of(session, request(session, house)).due_at == NOON + 20 * HOUR + 30 * MINUTE


def test_working_days_pass_over_a_published_holiday(session, house):
    before = make.NOON.replace(month=9, day=30)
    with clock.at(before):
        own(
            session, house, clock=ClockKind.SUGGESTION_REPLY, qualifier="suggestion", measure=ClockMeasure.DAYS,
            amount=3, calendar=ClockCalendar.WORKING_DAYS, effective_on=before.date(),
        )  # fmt: skip
        filed = request(session, house, category=RequestCategory.SUGGESTION)
    due = running(session, filed.ticket_id)[ClockKind.SUGGESTION_REPLY].due_at
    assert due == before.replace(month=10, day=10, hour=16, minute=0)  # 8, 9 October, and Saturday the 10th to 24:00


# ---- warnings
def warned(session, filed, at):
    """Warn of all that is to be warned of at ``at``, as the sweep does."""
    waiting = select(DueAction).where(DueAction.rule == warnings.RULE, DueAction.state == DueState.PENDING)
    found = []
    with clock.at(at):
        for action in session.scalars(waiting.where(DueAction.due_at <= at)).all():
            told = warnings.warn(session, action, at)
            action.state = DueState.CANCELLED if told is None else DueState.DONE
            found += [] if told is None or told.ticket_id != filed.ticket_id else [told]
        session.flush()
    return found


@pytest.fixture
def warning_reply(session, house):
    """A request whose first reply is due in thirty minutes, and warned of ten before."""
    with clock.at(NOON):
        own(session, house, amount=30, warning=10)
        return request(session, house)


def test_a_w4_who_has_a_matter_is_warned_before_it_is_due_and_once(session, warning_reply):
    reply = reply_of(session, warning_reply)
    assert reply.warn_at == NOON + 20 * MINUTE
    assert warned(session, warning_reply, NOON + 19 * MINUTE) == []
    (told,) = warned(session, warning_reply, NOON + 20 * MINUTE)
    assert (told.clock_kind, told.tell, told.level) == (ClockKind.FIRST_REPLY, (Role.FRONT_DESK,), 0)
    assert warned(session, warning_reply, NOON + 25 * MINUTE) == []
    assert reply.warned_at == NOON + 20 * MINUTE


@pytest.mark.parametrize("at", [NOON + 30 * MINUTE, NOON + DAY])
def test_nobody_is_warned_of_what_is_due(session, warning_reply, at):
    assert warned(session, warning_reply, at) == []
    assert reply_of(session, warning_reply).warned_at is None


def test_nobody_is_warned_of_what_is_met(session, warning_reply):
    with clock.at(NOON + 5 * MINUTE):
        call(session, warning_reply.ticket_id)
    assert warned(session, warning_reply, NOON + 21 * MINUTE) == []


def test_who_was_warned_is_not_warned_again_after_a_wait(session, house):
    with clock.at(NOON):
        own(session, house, amount=30, warning=10, pauses=["owner"])
        filed = request(session, house)
    assert len(warned(session, filed, NOON + 20 * MINUTE)) == 1
    with clock.at(NOON + 21 * MINUTE):
        pauses.pause(session, filed.ticket_id, PauseReason.OWNER, NOON + DAY)
    with clock.at(NOON + HOUR):
        pauses.resume(session, filed.ticket_id)
    assert warned(session, filed, NOON + HOUR + 5 * MINUTE) == []


def test_a_warning_that_was_lost_is_planned_again_while_it_makes_sense(session, house, warning_reply):
    def mend(at):
        with clock.at(at):
            return replanning.replan(session, house.id, at, None)

    assert warnings.RULE not in mend(NOON + MINUTE).facts()
    for action in session.scalars(select(DueAction).where(DueAction.rule == warnings.RULE)):
        session.delete(action)
    session.flush()
    assert mend(NOON + 2 * MINUTE).facts()[warnings.RULE]["planned"] == 1
    assert len(warned(session, warning_reply, NOON + 20 * MINUTE)) == 1
    assert warnings.RULE not in mend(NOON + 21 * MINUTE).facts()


def test_a_warning_of_what_is_due_by_now_is_cancelled_by_mending(session, house, warning_reply):
    with clock.at(NOON + HOUR):
        done = replanning.replan(session, house.id, NOON + HOUR, None)
    assert done.facts()[clock_plans.RULES[1]]["cancelled"] == 1
