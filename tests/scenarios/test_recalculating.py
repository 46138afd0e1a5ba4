"""Running clocks given today's limits on purpose: seen first, then done once, in the open (A-O2)."""

from datetime import date

import pytest
from sqlalchemy import select

import make
from audit.models import AuditEntry
from desk import DAY, HOUR, MINUTE, at_desk, request, running, sweep_escalations
from tenant import clock
from tenant.errors import NotFound, Refusal
from tenant.models import DueAction, Office, OfficeClockPolicy
from tenant.rules.terms import ClockCalendar, ClockKind, ClockMeasure, DueState, PauseReason, Role, TicketKind
from tenant.services import clocks, limit_drafts, pauses, recalculating, replanning

NOON = make.NOON
LATER = NOON + 5 * MINUTE


def own(session, house, **said):
    row = OfficeClockPolicy(
        **{
            "office_id": house.id,
            "ticket": TicketKind.REQUEST,
            "clock": ClockKind.FIRST_REPLY,
            "measure": ClockMeasure.MINUTES,
            "calendar": ClockCalendar.ALWAYS,
            "effective_on": date(2026, 3, 2),
            "why": "人手不足",
            "amount": 60,
        }
        | said
    )
    limit_drafts.check(session, row)
    session.add(row)
    session.flush()
    return limit_drafts.activate(session, OfficeClockPolicy, row.id)


def seen(session, house):
    return recalculating.preview(session, session.get(Office, house.id))


def done(session, house):
    return recalculating.recalculate(session, house.id, recalculating.edition_of(seen(session, house)))


def refused(code, act):
    with pytest.raises(Refusal) as raised:
        act()
    assert raised.value.code == code


def reply_of(session, filed):
    return running(session, filed.ticket_id)[ClockKind.FIRST_REPLY]


@pytest.fixture
def filed(session, house):
    """A request whose reply is due by the tables, and a limit of the office's own since."""
    with clock.at(NOON):
        matter = request(session, house)
    with clock.at(LATER):
        own(session, house, warning=20)
        yield matter


def test_nothing_is_recalculated_where_nothing_has_changed(session, house):
    with clock.at(NOON):
        request(session, house)
        assert seen(session, house) == []
        refused("nothing_to_recalculate", lambda: done(session, house))


def test_the_preview_says_what_would_change_and_changes_nothing(session, house, filed):
    (row,) = [row for row in seen(session, house) if row.ticket_id == filed.ticket_id]
    assert (row.kind, row.was_due_at, row.due_at) == (ClockKind.FIRST_REPLY, NOON + 15 * MINUTE, NOON + HOUR)
    assert (row.late_before, row.late_after) == (False, False)
    assert reply_of(session, filed).due_at == NOON + 15 * MINUTE


def test_a_w4_a_running_clock_is_counted_anew_from_its_own_start(session, house, filed):
    rows = done(session, house)
    reply = reply_of(session, filed)
    assert (reply.due_at, reply.warn_at) == (NOON + HOUR, NOON + 40 * MINUTE)
    assert reply.office_policy_id == rows[0].limit.office_policy_id
    pending = select(DueAction).where(DueAction.subject_id == reply.id, DueAction.state == DueState.PENDING)
    planned = {action.rule: action.due_at for action in session.scalars(pending)}
    assert planned == {clocks.RULE: NOON + HOUR, clocks.WARNING: NOON + 40 * MINUTE}
    assert replanning.replan(session, house.id, LATER, None).facts() == {}


def test_what_was_seen_is_what_is_done_or_nothing_is(session, house, filed):
    edition = recalculating.edition_of(seen(session, house))
    request(session, house)  # begins by the new limit: nothing more to change
    assert recalculating.edition_of(seen(session, house)) == edition
    own(session, house, qualifier="repair", amount=90)
    refused("preview_changed", lambda: recalculating.recalculate(session, house.id, edition))
    assert reply_of(session, filed).due_at == NOON + 15 * MINUTE


def test_it_is_done_once_and_stands_on_the_record(session, house, filed):
    edition = recalculating.edition_of(seen(session, house))
    assert len(recalculating.recalculate(session, house.id, edition)) == 1
    refused("nothing_to_recalculate", lambda: recalculating.recalculate(session, house.id, edition))
    entries = session.scalars(select(AuditEntry).where(AuditEntry.verb == "limits.recalculated")).all()
    assert [entry.after["clocks"] for entry in entries] == [1]


def test_a_clock_made_late_by_it_goes_up_the_line_from_its_new_deadline(session, house):
    with clock.at(NOON):
        filed = request(session, house)
    with clock.at(NOON + 10 * MINUTE):
        own(session, house, amount=5)
        (row,) = done(session, house)
    assert (row.late_before, row.late_after) == (False, True)
    told = [one for one in sweep_escalations(session, NOON + 10 * MINUTE) if one.ticket_id == filed.ticket_id]
    assert (told[0].clock_kind, told[0].due_at) == (ClockKind.FIRST_REPLY, NOON + 5 * MINUTE)


def test_what_was_raised_is_not_raised_again(session, house):
    with clock.at(NOON):
        filed = request(session, house)
    before = sweep_escalations(session, NOON + 16 * MINUTE)
    with clock.at(NOON + 17 * MINUTE):
        own(session, house)
        done(session, house)
    again = [
        one.level
        for one in sweep_escalations(session, NOON + HOUR + MINUTE)
        if (one.ticket_id, one.clock_kind) == (filed.ticket_id, ClockKind.FIRST_REPLY)
    ]
    first = [one.level for one in before if (one.ticket_id, one.clock_kind) == (filed.ticket_id, ClockKind.FIRST_REPLY)]
    assert first == [1]
    assert 1 not in again


def test_a_w5_the_time_it_waited_is_left_out_as_before(session, house):
    with clock.at(NOON):
        filed = request(session, house)
        day = running(session, filed.ticket_id)[ClockKind.SAME_DAY]
        pauses.pause(session, filed.ticket_id, PauseReason.OWNER, NOON + 3 * DAY)
    with clock.at(NOON + 2 * DAY):
        pauses.resume(session, filed.ticket_id)
        assert [row for row in seen(session, house) if row.kind is ClockKind.SAME_DAY] == []
        own(
            session, house, clock=ClockKind.SAME_DAY, measure=ClockMeasure.DAYS, amount=1,
            effective_on=date(2026, 3, 4),
        )  # fmt: skip
        done(session, house)
    assert running(session, filed.ticket_id)[ClockKind.SAME_DAY].due_at == day.due_at + 3 * DAY


def test_what_was_promised_is_left_alone(session, house):
    with clock.at(NOON):
        filed = request(session, house, promised_at=NOON + 2 * HOUR)
        own(session, house)
        done(session, house)
    assert running(session, filed.ticket_id)[ClockKind.PROMISED].due_at == NOON + 2 * HOUR


def test_another_office_s_clocks_are_out_of_reach(database, cast, session, filed):
    with at_desk(database, cast.south, LATER, role=Role.DIRECTOR) as there, pytest.raises(NotFound):
        recalculating.recalculate(there, cast.north.id, "any")
