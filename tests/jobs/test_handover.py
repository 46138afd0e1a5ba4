"""What was told "tomorrow" at night is asked for after the handover, whether anybody looks at the log or not (B-S3)."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

import make
from desk import DAY, HOUR, MINUTE, at_desk
from tasks import sweeps
from tenant.errors import Refusal
from tenant.models import Clock, DueAction, LogEntry, ServiceRequest, Ticket
from tenant.rules.terms import ClockKind, DueState
from tenant.services import daily_log
from tenant.unscoped import Reason, across_offices

NIGHT = make.NOON + 11 * HOUR
"""23:00 of 2 March in Shanghai."""
MORNING = make.NOON + 20 * HOUR
"""08:00 of 3 March: the morning handover."""
OVERLOOKED = MORNING + 15 * MINUTE


@pytest.fixture(scope="module", autouse=True)
def noise(database, cast):
    """The other office has an entry of its own that waits."""
    with at_desk(database, cast.south, NIGHT) as session:
        daily_log.write(session, office_id=cast.south.id, content="门禁坏了", put_off=True)
        session.commit()


@pytest.fixture
def look(database):
    """Ask the database across offices, after the fact."""

    def ask(statement):
        with across_offices(database, Reason.CLAIMING) as session:
            return session.scalars(statement).all()

    return ask


@pytest.fixture
def put_off(database, cast):
    """Enter what is told tomorrow, and do something with it; return its id."""

    def run(said=NIGHT, act=None, at=MORNING, **fields):
        with at_desk(database, cast.north, said) as session:
            entry = daily_log.write(session, office_id=cast.north.id, content="楼道灯不亮", put_off=True, **fields)
            session.commit()
            entry_id = entry.id
        if act is not None:
            with at_desk(database, cast.north, at) as session:
                act(session, entry_id)
                session.commit()
        return entry_id

    return run


def entry_of(look, entry_id):
    (found,) = look(select(LogEntry).where(LogEntry.id == entry_id))
    return found


def test_b_s3_nobody_saw_to_it_so_it_is_a_request_fifteen_minutes_after_the_handover(database, cast, look, put_off):
    entry_id = put_off(unit_id=cast.north.unit.id, caller_phone="19900000001")
    assert sweeps.run_handover(database, OVERLOOKED - MINUTE, cast.north.id).done == 0
    assert entry_of(look, entry_id).ticket_id is None
    assert sweeps.run_handover(database, OVERLOOKED, cast.north.id).done == 1
    entry = entry_of(look, entry_id)
    (ticket,) = look(select(Ticket).where(Ticket.id == entry.ticket_id))
    assert (ticket.content, ticket.received_at, ticket.unit_id) == ("楼道灯不亮", NIGHT, cast.north.unit.id)
    assert (entry.settled_at, ticket.registered_by_id) == (OVERLOOKED, None)
    (sending,) = look(select(Clock).where(Clock.ticket_id == ticket.id, Clock.kind == ClockKind.DISPATCH))
    assert sending.due_at == OVERLOOKED, "late already, so that it is told of at once"
    assert sweeps.run_handover(database, OVERLOOKED + DAY, cast.north.id).done == 0


@pytest.mark.parametrize(
    "act",
    [
        daily_log.to_request,
        daily_log.to_complaint,
        lambda session, entry_id: daily_log.settle(session, entry_id, "夜班已修好"),
    ],
    ids=["request", "complaint", "settled"],
)
def test_b_s3_what_was_seen_to_is_left_alone(database, cast, look, put_off, act):
    entry_id = put_off(act=act)
    report = sweeps.run_handover(database, OVERLOOKED + DAY, cast.north.id)
    assert (report.done, report.dead) == (0, 0)
    (planned,) = look(select(DueAction).where(DueAction.rule == daily_log.RULE, DueAction.subject_id == entry_id))
    assert planned.state is DueState.CANCELLED


def test_b_s3_written_down_after_the_handover_it_has_as_long(database, cast, look):
    with at_desk(database, cast.north, MORNING + HOUR) as session:
        entry_id = daily_log.write(session, office_id=cast.north.id, content="补记", at=NIGHT, put_off=True).id
        session.commit()
    assert sweeps.run_handover(database, MORNING + HOUR + 14 * MINUTE, cast.north.id).done == 0
    assert sweeps.run_handover(database, MORNING + HOUR + 15 * MINUTE, cast.north.id).done == 1
    assert entry_of(look, entry_id).ticket_id is not None


def test_b_s3_two_sweeps_and_the_desk_at_once_make_one_request(database, cast, look, put_off):
    for _ in range(4):
        entry_id = put_off()

        def by_hand(entry_id=entry_id):
            with at_desk(database, cast.north, OVERLOOKED) as session:
                try:
                    daily_log.to_request(session, entry_id)
                except Refusal:
                    return
                session.commit()

        with ThreadPoolExecutor(3) as pool:
            jobs = [pool.submit(sweeps.run_handover, database, OVERLOOKED, cast.north.id) for _ in range(2)]
            jobs.append(pool.submit(by_hand))
            for job in jobs:
                job.result()
        entry = entry_of(look, entry_id)
        assert entry.ticket_id is not None
        made = look(
            select(ServiceRequest).join(Ticket).where(Ticket.content == "楼道灯不亮", Ticket.id >= entry.ticket_id)
        )
        assert [row.ticket_id for row in made] == [entry.ticket_id]
