"""Warnings before clocks run out, by the sweep itself: each once, whoever else is at it, and none too late."""

from collections import Counter
from datetime import date, timedelta

import pytest
from sqlalchemy import select

import make
from desk import DAY, MINUTE, at_desk, call, request
from kills import kill_sweeps
from tasks import actors, sweeps, timetable
from tasks.sweeps import Pace
from tenant import clock
from tenant.models import Clock, ClockPolicy, DueAction, Mail, Ticket
from tenant.rules.terms import ClockCalendar, ClockKind, ClockMeasure, DueState, TicketKind
from tenant.services import limit_drafts, warnings
from tenant.unscoped import Reason, across_offices

NOON = make.NOON
SOON = Pace(lease=timedelta(seconds=1))
MATTERS, FEW_KILLS = 30, 6


@pytest.fixture(scope="module", autouse=True)
def limit(database, cast):
    """A limit of the whole group: the first reply within an hour, and a warning ten minutes before."""
    with across_offices(database, Reason.SETTING_UP) as session, clock.at(NOON):
        row = ClockPolicy(
            ticket=TicketKind.REQUEST,
            clock=ClockKind.FIRST_REPLY,
            measure=ClockMeasure.MINUTES,
            calendar=ClockCalendar.ALWAYS,
            amount=60,
            warning=10,
            effective_on=date(2026, 3, 2),
            why="人手不足",
        )
        session.add(row)
        session.flush()
        limit_drafts.activate(session, ClockPolicy, row.id)
        session.commit()


@pytest.fixture
def look(database):
    """Read rows of every office: ``look(select(…))``."""

    def read(statement):
        with across_offices(database, Reason.REVIEWING) as session:
            return list(session.scalars(statement))

    return read


def filed(database, house, at, count=1, answered=0):
    """Register ``count`` requests at ``at``; of ``answered`` of them the customer has been spoken to."""
    with at_desk(database, house, at) as session:
        matters = [request(session, house).ticket_id for _ in range(count)]
        for ticket_id in matters[:answered]:
            call(session, ticket_id)
        session.commit()
        return matters


def mails_of(look, ticket_ids):
    return look(select(Mail).where(Mail.subject_kind == "ticket", Mail.subject_id.in_(ticket_ids)))


def test_whoever_would_be_told_first_is_warned_by_mail(database, cast, settings, look):
    (ticket_id,) = filed(database, cast.north, NOON)
    assert sweeps.run_warnings(database, NOON + 49 * MINUTE, settings=settings).due == 0
    report = sweeps.run_warnings(database, NOON + 50 * MINUTE, settings=settings)
    mails = mails_of(look, [ticket_id])
    assert report.mails == len(mails) == 1
    (number,) = look(select(Ticket.number).where(Ticket.id == ticket_id))
    assert mails[0].subject == f"【即将到期】报事 {number} 首次答复还剩 10 分钟"
    assert "厨房水管漏水" in mails[0].text_body
    assert f"/tickets/{ticket_id}" in mails[0].text_body
    assert sweeps.run_warnings(database, NOON + 50 * MINUTE, settings=settings).due == 0


def test_a_sweep_that_comes_too_late_warns_of_nothing(database, cast, settings, look):
    at = NOON + DAY
    (ticket_id,) = filed(database, cast.south, at)
    report = sweeps.run_warnings(database, at + 60 * MINUTE, cast.south.id, settings=settings)
    assert (report.done, report.cancelled, report.mails) == (0, 1, 0)
    assert mails_of(look, [ticket_id]) == []


def test_a_sweep_of_one_office_leaves_the_other_alone(database, cast, settings, look):
    at = NOON + 2 * DAY
    (north,), (south,) = filed(database, cast.north, at), filed(database, cast.south, at)
    sweeps.run_warnings(database, at + 55 * MINUTE, cast.north.id, settings=settings)
    assert len(mails_of(look, [north])) == 1
    assert mails_of(look, [south]) == []


def test_the_timetable_wakes_an_actor_that_warns(database, cast, settings, look):
    (ticket_id,) = filed(database, cast.north, clock.now() - 52 * MINUTE)
    (entry,) = (entry for entry in timetable.TIMETABLE if entry.name == "warnings")
    actors.perform(actors.Works(database, settings), entry.wakes, {"office_id": cast.north.id})
    assert len(mails_of(look, [ticket_id])) == 1


def test_killed_sweeps_warn_of_every_clock_exactly_once(database, cast, settings, look, announce):
    at = NOON + 10 * DAY
    late = at + 55 * MINUTE
    matters = [one for house in (cast.north, cast.south) for one in filed(database, house, at, MATTERS, MATTERS // 5)]
    toll = kill_sweeps(database, "warnings", settings, late, wanted=FEW_KILLS, lives=(0, 3))
    sweeps.run_warnings(database, late, settings=settings, pace=SOON)

    replies = look(select(Clock).where(Clock.ticket_id.in_(matters), Clock.kind == ClockKind.FIRST_REPLY))
    warned = [row for row in replies if row.warned_at is not None]
    mails = mails_of(look, matters)
    announce(f"warnings: {toll}; {len(warned)} of {len(replies)} clocks warned of")
    assert toll.landed >= 1
    assert len(warned) == 2 * (MATTERS - MATTERS // 5)
    assert {row.warned_at for row in warned} == {late}
    assert Counter(mail.subject_id for mail in mails) == Counter(row.ticket_id for row in warned)
    actions = look(select(DueAction).where(DueAction.rule == warnings.RULE))
    assert {action.state for action in actions} <= {DueState.DONE, DueState.CANCELLED, DueState.PENDING}
    assert [action for action in actions if action.state is DueState.PENDING and action.due_at <= late] == []
    assert sweeps.run_warnings(database, late, settings=settings).due == 0
