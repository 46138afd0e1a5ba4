"""One mail instead of a flood: held, gathered exactly once whoever comes and dies, and never lost."""

import threading
from datetime import timedelta
from itertools import count

import pytest
from sqlalchemy import func, select

import make
from audit.models import AuditEntry
from cast import furnish_house
from desk import HOUR, MINUTE, at_desk, call, complaint, request
from kills import finish_sweeps, kill_sweeps
from tasks import sweeps
from tasks.mail.message import BadAddress
from tasks.sweeps import gathering as gathering_sweep
from tenant.models import Clock, Escalation, Mail, Office
from tenant.rules.terms import Gravity, MailClass, MailState, Role
from tenant.services import gathering, mails
from tenant.services.gathering import Addressee
from tenant.services.mails import MailDraft
from tenant.unscoped import Reason, across_offices

NOON = make.NOON
LATE = NOON + 15 * MINUTE
"""When requests of noon are late with first reply and dispatch, both the desk's (A-W3, A-W4)."""
SECOND = timedelta(seconds=1)
KILLS, PEOPLE, EACH = 12, 40, 4
_codes = count(1)


@pytest.fixture
def look(database):
    """Read rows of every office: ``look(select(…))``."""

    def read(statement):
        with across_offices(database, Reason.REVIEWING) as session:
            return list(session.scalars(statement))

    return read


@pytest.fixture
def house(database, cast):
    """An office of its own for each test, where nobody got a mail yet; four an hour are enough."""
    with across_offices(database, Reason.SETTING_UP) as session:
        made = furnish_house(session, make.company(session), f"G{next(_codes)}", f"第{next(_codes)}管理处")
        made.office.gather_after = 4
        session.commit()
        return made


def file_requests(database, house, how_many, at=NOON, **fields):
    with at_desk(database, house, at) as session:
        filed = [request(session, house, **fields) for _ in range(how_many)]
        session.commit()
        return filed


def to_desk(look, house, *states):
    """Return the mails to the front desk of a house, the oldest first, in some states or in any."""
    address = house.people[Role.FRONT_DESK].staff.email
    mine = select(Mail).where(Mail.office_id == house.id, Mail.recipient_address == address).order_by(Mail.id)
    return look(mine.where(Mail.state.in_(states)) if states else mine)


def gather(database, house, at, settings):
    return sweeps.run_gathering(database, at, house.id, settings=settings)


def test_who_got_enough_within_the_hour_gets_the_next_ones_in_one_mail(database, house, settings, look):
    file_requests(database, house, 5)
    sweeps.run_escalations(database, LATE, house.id, settings=settings)
    queued = to_desk(look, house)
    assert [mail.gather_at for mail in queued] == [None] * 4 + [NOON + 30 * MINUTE] * 6
    assert gather(database, house, NOON + 30 * MINUTE - SECOND, settings).due == 0
    done = gather(database, house, NOON + 30 * MINUTE, settings)
    assert (done.due, done.done, done.mails) == (6, 6, 1)
    digest = to_desk(look, house, MailState.QUEUED)[-1]
    parts = to_desk(look, house, MailState.GATHERED)
    assert [part.gathered_into_id for part in parts] == [digest.id] * 6
    assert digest.subject.startswith("【汇总 6 件】")
    assert gather(database, house, NOON + 30 * MINUTE, settings).due == 0


def test_the_mail_says_of_each_what_where_how_late_what_is_asked_and_where_to_act(database, house, settings, look):
    filed = file_requests(database, house, 4)
    sweeps.run_escalations(database, LATE, house.id, settings=settings)
    gather(database, house, NOON + 30 * MINUTE, settings)
    digest = to_desk(look, house, MailState.QUEUED)[-1]
    late = {part.subject_id for part in to_desk(look, house, MailState.GATHERED)}
    tickets = set(look(select(Escalation.ticket_id).where(Escalation.id.in_(late))))
    assert tickets <= {row.ticket_id for row in filed}
    for body in (digest.text_body, digest.html_body):
        assert body.count("厨房水管漏水") == len(late)
        assert body.count(house.unit.number) >= len(late)
        assert body.count("已超时 15 分钟") == len(late)
        assert "马上办理，并把处理安排告诉客户。" in body
        assert all(f"/tickets/{ticket_id}" in body for ticket_id in tickets)


def test_what_was_done_meanwhile_is_listed_as_done_at_the_end(database, house, settings, look):
    filed = file_requests(database, house, 5)
    sweeps.run_escalations(database, LATE, house.id, settings=settings)
    with at_desk(database, house, NOON + 20 * MINUTE) as session:
        call(session, filed[-1].ticket_id)
        session.commit()
    gather(database, house, NOON + 30 * MINUTE, settings)
    digest = to_desk(look, house, MailState.QUEUED)[-1]
    assert "有 5 件待您处理" in digest.subject
    first, _, last = digest.text_body.partition("【已办】")
    assert first.count("马上办理") == 5
    assert "其间已办，无需再办。" in last
    assert "【已办】" not in last


@pytest.mark.parametrize("kind", ["urgent", "grave"])
def test_a_w2_a_c2_urgent_requests_and_grave_complaints_are_never_gathered(database, house, settings, look, kind):
    with at_desk(database, house) as session:
        for _ in range(8):
            if kind == "urgent":
                request(session, house, urgent=True)
            else:
                complaint(session, house, gravity=Gravity.GRAVE)
        session.commit()
    sweeps.run_escalations(database, NOON + 10 * HOUR, house.id, settings=settings)
    raised = look(select(Mail).where(Mail.office_id == house.id, Mail.mail_class == MailClass.ESCALATION))
    assert len(raised) > 8
    assert {mail.gather_at for mail in raised} == {None}


def test_the_hour_is_counted_to_its_second(database, house, settings, look):
    for at, held in ((HOUR - SECOND, True), (HOUR, False)):
        with across_offices(database, Reason.SETTING_UP) as session:
            made = furnish_house(session, make.company(session), f"G{next(_codes)}", f"第{next(_codes)}管理处")
            made.office.gather_after = 2
            session.commit()
        file_requests(database, made, 1)
        sweeps.run_escalations(database, LATE, made.id, settings=settings)
        file_requests(database, made, 1, at=NOON + at)
        sweeps.run_escalations(database, LATE + at, made.id, settings=settings)
        assert [mail.gather_at is not None for mail in to_desk(look, made)][2:] == [held, held]


def test_no_number_gathers_nothing(database, house, settings, look):
    with across_offices(database, Reason.SETTING_UP) as session:
        session.get_one(Office, house.id).gather_after = 0
        session.commit()
    file_requests(database, house, 5)
    sweeps.run_escalations(database, LATE, house.id, settings=settings)
    assert {mail.gather_at for mail in to_desk(look, house)} == {None}


def test_what_can_wait_waits_for_the_end_of_the_quiet_hours_and_comes_in_one_mail(database, house, settings, look):
    midnight = NOON + 12 * HOUR
    filed = file_requests(database, house, 3)
    with at_desk(database, house, NOON + MINUTE) as session:
        for row in filed:
            call(session, row.ticket_id)
        session.commit()
    sweeps.run_escalations(database, midnight, house.id, settings=settings)
    at_eight = NOON + 20 * HOUR
    waiting = look(select(Mail).where(Mail.office_id == house.id, Mail.gather_at == at_eight))
    assert len(waiting) >= 3
    assert {mail.not_before for mail in waiting} == {at_eight + 10 * MINUTE}
    assert gather(database, house, at_eight - SECOND, settings).due == 0
    gather(database, house, at_eight, settings)
    addresses = {mail.recipient_address for mail in waiting}
    for address in addresses:
        mine = look(select(Mail).where(Mail.office_id == house.id, Mail.recipient_address == address))
        assert sum(mail.state is MailState.GATHERED for mail in mine) in {0, *range(2, 20)}
    assert look(select(func.count()).where(Mail.office_id == house.id, Mail.subject_kind == gathering.SUBJECT)) != [0]


def test_minute_clocks_are_told_at_night_at_once(database, house, settings, look):
    night = NOON + 10 * HOUR
    file_requests(database, house, 1, at=night)
    sweeps.run_escalations(database, night + 15 * MINUTE, house.id, settings=settings)
    assert [mail.gather_at for mail in to_desk(look, house)] == [None, None]


def test_one_that_waits_alone_goes_by_itself(database, house, settings, look):
    file_requests(database, house, 2)
    with across_offices(database, Reason.SETTING_UP) as session:
        session.get_one(Office, house.id).gather_after = 3
        session.commit()
    sweeps.run_escalations(database, LATE, house.id, settings=settings)
    done = gather(database, house, NOON + 30 * MINUTE, settings)
    assert (done.due, done.done, done.mails) == (1, 0, 0)
    last = to_desk(look, house)[-1]
    assert (last.state, last.gather_at, last.not_before) == (MailState.QUEUED, None, NOON + 30 * MINUTE)


def test_what_nobody_gathers_goes_by_itself_ten_minutes_later(database, house, settings, look):
    file_requests(database, house, 3)
    sweeps.run_escalations(database, LATE, house.id, settings=settings)
    sweeps.run_mail(database, NOON + 40 * MINUTE - SECOND, house.id, settings=settings)
    assert [mail.state for mail in to_desk(look, house)] == [MailState.SENT] * 4 + [MailState.QUEUED] * 2
    sweeps.run_mail(database, NOON + 40 * MINUTE, house.id, settings=settings)
    assert {mail.state for mail in to_desk(look, house)} == {MailState.SENT}
    assert gather(database, house, NOON + 41 * MINUTE, settings).due == 0


def test_a_failure_gathers_nothing_of_that_person_and_holds_up_no_other(
    database, house, cast, settings, look, monkeypatch
):
    make_parts(database, house, 2, 3)
    written = gathering_sweep.draft

    def fail_for_one(parts, office, stated):
        if parts[0].mail.recipient_address.startswith("p0@"):
            raise BadAddress("错")
        return written(parts, office, stated)

    monkeypatch.setattr(gathering_sweep, "draft", fail_for_one)
    assert gather(database, house, NOON, settings).mails == 1
    monkeypatch.undo()
    assert gather(database, house, NOON, settings).mails == 1
    check_gathered(look, house, 2, 3)


def test_who_comes_while_somebody_gathers_leaves_it_alone(database, house):
    make_parts(database, house, 1, 5)
    mine = Addressee(house.id, "p0@flood.invalid")
    with at_desk(database, house) as one, at_desk(database, house) as other:
        assert len(gathering.take(one, mine, NOON)) == 5
        assert gathering.take(other, mine, NOON) == []
        one.rollback()
        assert len(gathering.take(other, mine, NOON)) == 5


def test_three_at_once_write_one_mail_to_each(database, house, settings, look):
    make_parts(database, house, 20, 3)
    threads = [threading.Thread(target=gather, args=(database, house, NOON, settings)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check_gathered(look, house, 20, 3)


def test_killed_at_any_moment_each_part_stands_in_exactly_one_mail(database, house, settings, look):
    make_parts(database, house, PEOPLE, EACH)
    toll = kill_sweeps(database, "gathering", settings, NOON, wanted=KILLS, lives=(0, 1))
    finish_sweeps(database, "gathering", settings, NOON)
    assert toll.landed > 5, str(toll)
    check_gathered(look, house, PEOPLE, EACH)


def make_parts(database, house, people, each):
    """Queue ``each`` mails that wait to be gathered for each of so many people, about levels of one clock."""
    with at_desk(database, house) as session:
        ticket = request(session, house).ticket_id
        levels = raise_levels(session, ticket, each)
        for person in range(people):
            for level, raised in enumerate(levels):
                address = f"p{person}@flood.invalid"
                queued = mails.queue(session, part(house, raised, address, level))
                assert queued is not None
        session.commit()


def raise_levels(session, ticket_id, how_many):
    """Raise so many levels on a ticket's first clock, as rows."""
    first = session.scalars(select(Clock).where(Clock.ticket_id == ticket_id).order_by(Clock.id)).first()
    rows = [
        Escalation(
            office_id=first.office_id, ticket_id=ticket_id, clock_id=first.id, level=level + 1, cycle=first.cycle,
            role=Role.SUPERVISOR, raised_at=NOON, late_minutes=0, source="A-W4",
        )
        for level in range(how_many)
    ]  # fmt: skip
    session.add_all(rows)
    session.flush()
    return rows


def part(house, raised, address, level):
    return MailDraft(
        office_id=house.id, dedup_key=f"escalation:{raised.id}:{address}", mail_class=MailClass.ESCALATION,
        recipient_name="某人", recipient_address=address, subject=f"升级 {level}", text_body="…",
        subject_kind="escalation", subject_id=raised.id, gather_at=NOON,
    )  # fmt: skip


def check_gathered(look, house, people, each):
    """Each person has one mail that lists all parts, each part is in it, and the record says so once."""
    of_house = select(Mail).where(Mail.office_id == house.id, Mail.recipient_address.like("%@flood.invalid"))
    digests = look(of_house.where(Mail.subject_kind == gathering.SUBJECT))
    parts = look(of_house.where(Mail.subject_kind == "escalation"))
    assert len(digests) == people
    assert len({mail.recipient_address for mail in digests}) == people
    assert all(mail.state is MailState.QUEUED and mail.gather_at is None for mail in digests)
    assert len(parts) == people * each
    to = {mail.id: mail.recipient_address for mail in digests}
    assert all(
        mail.state is MailState.GATHERED and to[mail.gathered_into_id] == mail.recipient_address for mail in parts
    )
    recorded = select(AuditEntry.subject_id).where(
        AuditEntry.verb == "mail.update", AuditEntry.subject_id.in_([mail.id for mail in parts])
    )
    assert sorted(look(recorded)) == sorted(mail.id for mail in parts)
    made = select(AuditEntry.subject_id).where(AuditEntry.verb == "mail.create", AuditEntry.subject_id.in_(list(to)))
    assert sorted(look(made)) == sorted(to)
