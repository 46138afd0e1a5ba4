"""Trying the draft of a limit on what has happened: counted right, kept once, whatever dies on the way (A-W4, A-O2)."""

from datetime import time, timedelta

import pytest
from sqlalchemy import func, select

import make
from audit.models import AuditEntry
from desk import MINUTE, at_desk, call, request
from jobs.asking import claim, job_of, lapse, look
from tasks import jobs as running
from tasks.actors import Works, perform
from tasks.replaying import Reached
from tenant import clock
from tenant.errors import Refusal
from tenant.models import (
    Absence,
    ClockPolicy,
    Duty,
    Escalation,
    Job,
    Mail,
    Office,
    OfficeClockPolicy,
    PolicyReplay,
    Shift,
)
from tenant.rules.replaying import Told
from tenant.rules.terms import ClockCalendar, ClockKind, ClockMeasure, JobState, Role, TicketKind
from tenant.services import limits, replays
from tenant.services.pasts import Hands
from tenant.unscoped import Reason, across_offices

DAY = make.NOON.date()


@pytest.fixture
def works(database, settings):
    return Works(database, settings)


@pytest.fixture(scope="module", autouse=True)
def past(database, cast):
    """Three requests of the north, answered after 10, 20 and 40 minutes; one of the south that nobody answered."""
    for minutes in (10, 20, 40):
        with at_desk(database, cast.north) as session:
            matter = request(session, cast.north)
            with clock.at(make.NOON + minutes * MINUTE):
                call(session, matter.ticket_id)
            session.commit()
    with at_desk(database, cast.south) as session:
        request(session, cast.south)
        session.commit()


def draft(session, house, **columns):
    """Write the draft of a limit of the office: the first reply within 30 minutes, then the supervisor hears of it."""
    values = {
        "ticket": TicketKind.REQUEST,
        "clock": ClockKind.FIRST_REPLY,
        "measure": ClockMeasure.MINUTES,
        "amount": 30,
        "calendar": ClockCalendar.ALWAYS,
        "steps": [{"level": 1, "role": "supervisor", "after": 0}],
        "effective_on": DAY,
        "why": "试行",
    }
    row = OfficeClockPolicy(office_id=house.id, **values | columns)
    session.add(row)
    session.flush()
    return row


def ask(database, house, until=DAY, **columns):
    """Ask for a draft to be tried on the day; return the ids of trial and job."""
    with database.session(house.scope(), house.actor(Role.DIRECTOR)) as session:
        replay = replays.ask(session, draft(session, house, **columns), house.office, DAY, until)
        session.commit()
        job = session.scalars(select(Job).where(Job.kind == replays.JOB, Job.subject_id == replay.id)).one()
        return replay.id, job.id


def counted(database, house, works, **columns):
    """Ask for a draft to be tried, let a worker do it, and return the figures."""
    replay_id, job_id = ask(database, house, **columns)
    perform(works, "run_job", {"job_id": job_id})
    assert job_of(database, job_id).state is JobState.DONE
    with database.session(house.scope(), house.actor(Role.DIRECTOR)) as session:
        return session.get_one(PolicyReplay, replay_id).figures


def line(figures, ticket="request", clock_kind="first_reply"):
    return next(one for one in figures["lines"] if (one["ticket"], one["clock"]) == (ticket, clock_kind))


def people(figures):
    return {role: pair for role, *pair in figures["roles"]}


def test_what_holds_and_the_draft_are_counted_side_by_side(database, cast, works):
    figures = counted(database, cast.north, works)
    assert figures["tickets"] == 3, "the south's request is not the north's"
    found = line(figures)
    assert (found["clocks"], found["late"], found["warned"]) == ([3, 3], [2, 1], [0, 0])
    assert found["levels"] == {"1": [2, 1], "2": [1, 0]}, "after 15 and 30 minutes, then after 30"
    others = sum(sum(pair[0] for pair in one["levels"].values()) for one in figures["lines"]) - 3
    assert figures["mails"] == [others + 3, others + 1], "each is told to one person"
    assert people(figures)["supervisor"][1] == people(figures)["supervisor"][0] + 1
    assert people(figures)["front_desk"][1] == people(figures)["front_desk"][0] - 2
    names = {name for name, role, *_ in figures["people"] if role == "supervisor"}
    assert names == {cast.north.people[Role.SUPERVISOR].staff.name}
    assert figures["was"] == {"raised": 0, "mails": 0, "warned": 0}, "no sweep ran on that day"


def test_a_warning_is_counted_before_the_deadline_and_not_for_what_came_sooner(database, cast, works):
    figures = counted(database, cast.north, works, amount=25, warning=10)
    assert line(figures)["warned"] == [0, 2], "after 15 minutes: of those answered after 20 and 40"
    assert figures["warnings"] == [0, 2]


def test_a_limit_that_says_what_holds_changes_nothing(database, cast, works):
    figures = counted(database, cast.north, works, amount=15, steps=None)
    pairs = [pair for one in figures["lines"] for pair in (one["late"], *one["levels"].values())]
    assert all(now == drafted for now, drafted in [*pairs, figures["mails"]])
    assert line(figures)["late"] == [2, 2]


def test_a_draft_of_the_group_does_nothing_where_the_office_has_its_own(database, cast, works):
    with database.session(cast.north.scope(), cast.north.actor(Role.DIRECTOR)) as session:
        own = draft(session, cast.north, amount=20, steps=None, effective_on=clock.today("Asia/Shanghai"))
        own.activated_at = clock.now()
        session.commit()
        own_id = own.id
    with across_offices(database, Reason.SETTING_UP) as session:
        shared = ClockPolicy(**replays.wording(own) | {"amount": 60, "effective_on": DAY, "why": "统一"})
        session.add(shared)
        session.flush()
        replay_id = replays.ask(session, shared, cast.north.office, DAY, DAY).id
        session.commit()
    for job in look(database, select(Job).where(Job.subject_id == replay_id, Job.kind == replays.JOB)):
        perform(works, "run_job", {"job_id": job.id})
    (replay,) = look(database, select(PolicyReplay).where(PolicyReplay.id == replay_id))
    assert replay.figures["applies"] is False
    assert line(replay.figures)["late"] == [1, 1], "one came after more than 20 minutes"
    with database.session(cast.north.scope(), cast.north.actor(Role.DIRECTOR)) as session:
        session.get_one(OfficeClockPolicy, own_id).withdrawn_at = clock.now()
        session.commit()


def test_a_trial_touches_nothing_but_its_result(database, cast, works):
    def rows():
        with across_offices(database, Reason.REVIEWING) as session:
            return [session.scalar(select(func.count()).select_from(model)) for model in (Escalation, Mail)]

    before = rows()
    counted(database, cast.north, works)
    assert rows() == before


def test_a_worker_that_died_leaves_the_trial_to_another_and_nothing_of_its_own(database, cast, works):
    replay_id, job_id = ask(database, cast.north)
    claim(database, job_id)  # and is killed
    lapse(database, job_id)
    assert running.wake_stranded(works) >= 1
    perform(works, "run_job", {"job_id": job_id})
    perform(works, "run_job", {"job_id": job_id})
    (job,) = look(database, select(Job).where(Job.id == job_id))
    assert (job.state, job.done) == (JobState.DONE, 3)
    entries = look(
        database,
        select(AuditEntry).where(AuditEntry.subject_kind == "policy_replay", AuditEntry.subject_id == replay_id),
    )
    assert sorted(entry.verb for entry in entries) == ["policy_replay.create", "policy_replay.update"]


def test_a_trial_given_up_leaves_no_figures(database, cast, works):
    replay_id, job_id = ask(database, cast.north)
    with database.session(cast.north.scope(), cast.north.actor(Role.DIRECTOR)) as session:
        running.cancel(session, job_id)
        session.commit()
    perform(works, "run_job", {"job_id": job_id})
    assert job_of(database, job_id).state is JobState.CANCELLED
    (replay,) = look(database, select(PolicyReplay).where(PolicyReplay.id == replay_id))
    assert replay.figures is None


def test_a_doubled_click_asks_once(database, cast):
    with database.session(cast.north.scope(), cast.north.actor(Role.DIRECTOR)) as session:
        row = draft(session, cast.north)
        first = replays.ask(session, row, cast.north.office, DAY, DAY)
        assert replays.ask(session, row, cast.north.office, DAY, DAY).id == first.id
        assert replays.ask(session, row, cast.north.office, DAY, DAY + timedelta(days=1)).id != first.id


@pytest.mark.parametrize(
    ("first", "last", "field"),
    [(0, -1, "until_on"), (-367, 0, "until_on"), (1, 2, "from_on")],
)
def test_days_that_cannot_be_are_refused_at_their_field(database, cast, first, last, field):
    today = clock.today("Asia/Shanghai")
    days = [today + timedelta(days=number) for number in (first, last)]
    with database.session(cast.north.scope(), cast.north.actor(Role.DIRECTOR)) as session:
        row = draft(session, cast.north)
        with pytest.raises(Refusal) as refused:
            replays.ask(session, row, cast.north.office, *days)
        assert refused.value.field == field
        assert replays.ask(session, row, cast.north.office, today - timedelta(days=366), today).figures is None


@pytest.fixture
def rota(database, cast):
    """The supervisor of the north is away for a while with a substitute, and two people have the night."""
    north = cast.north
    with database.session(north.scope(), north.actor(Role.DIRECTOR)) as session:
        night = Shift(office_id=north.id, name="夜班", begins=time(17, 30), ends=time(8))
        away = {"from_on": DAY + timedelta(days=2), "to_on": DAY + timedelta(days=4)}
        session.add_all(
            [
                night,
                Absence(
                    office_id=north.id,
                    posting_id=north.people[Role.SUPERVISOR].id,
                    substitute_id=north.people[Role.FRONT_DESK].id,
                    **away,
                ),
            ]
        )
        session.flush()
        for days, role in ((1, Role.FRONT_DESK), (3, Role.TECHNICIAN)):
            on = DAY + timedelta(days=days)
            session.add(Duty(office_id=north.id, shift_id=night.id, duty_on=on, posting_id=north.people[role].id))
        session.commit()


def test_who_would_be_told_is_who_the_sweep_would_tell_at_every_hour(database, cast, rota):
    north = cast.north
    with across_offices(database, Reason.FINDING_RECIPIENTS) as group:
        office = group.get_one(Office, north.id)
        reached = Reached(group, office)
        hands = Hands(make.NOON, north.engineering.id, north.people[Role.TECHNICIAN].id)
        found = set()
        for role in (Role.SUPERVISOR, Role.FRONT_DESK, Role.TECHNICIAN, Role.DIRECTOR):
            for hour in range(0, 6 * 24, 3):
                told = Told(1, make.NOON + timedelta(hours=hour), (role,), (Role.DIRECTOR,))
                fresh = Reached(group, office)(told, hands)
                assert [one.address for one in reached(told, hands)] == [one.address for one in fresh]
                found.add((role, *(one.name for one in fresh)))
    assert len(found) > 4, "the rota and the absence make a difference"


def test_what_is_in_force_is_no_draft(database, cast):
    with database.session(cast.north.scope(), cast.north.actor(Role.DIRECTOR)) as session:
        row = draft(session, cast.north)
        row.activated_at = clock.now()
        with pytest.raises(Refusal, match="已经启用"):
            replays.ask(session, row, cast.north.office, DAY, DAY)


def test_a_draft_without_a_row_in_the_tables_is_never_tried(database, cast):
    with database.session(cast.north.scope(), cast.north.actor(Role.DIRECTOR)) as session:
        row = draft(session, cast.north, clock=ClockKind.PROMISED)
        with pytest.raises(LookupError):
            limits.as_limit(row)
