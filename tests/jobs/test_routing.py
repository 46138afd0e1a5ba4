"""Who has to see to a complaint gets one mail a grading, whatever sweeps and however often (A-C7, A-C4a, A-C4b)."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

import make
from desk import DAY, HOUR, MINUTE, at_desk, complaint
from tasks import sweeps
from tenant import clock
from tenant.models import DueAction, Mail, Posting, Staff
from tenant.rules.terms import DueState, Gravity, Role
from tenant.services import complaints, routing, tickets
from tenant.unscoped import Reason, across_offices

NOON = make.NOON


@pytest.fixture(scope="module", autouse=True)
def noise(database, cast):
    """The other office has a grave complaint of its own."""
    with at_desk(database, cast.south, NOON) as session:
        complaint(session, cast.south, gravity=Gravity.GRAVE)
        session.commit()


@pytest.fixture
def told(database, cast, settings, look):
    """Register a complaint, do something with it, sweep at each instant; return the addresses told and the mails."""

    def run(*acts, office=None, at=NOON, **fields):
        house = office or cast.north
        with at_desk(database, house, at) as session:
            filed = complaint(session, house, **fields)
            session.commit()
            ticket_id = filed.ticket_id
        sweeps.run_routing(database, at, house.id, settings=settings)
        for offset, act in acts:
            with at_desk(database, house, at + offset) as session:
                act(session, filed)
                session.commit()
            sweeps.run_escalations(database, at + offset, house.id, settings=settings)
            sweeps.run_routing(database, at + offset, house.id, settings=settings)
        rows = look(select(Mail).where(Mail.subject_kind == "ticket", Mail.subject_id == ticket_id).order_by(Mail.id))
        return [row.recipient_address for row in rows], rows

    return run


@pytest.fixture
def manager(cast, look):
    """The mail address of the general manager of the north's company."""
    (found,) = look(
        select(Staff.email)
        .join(Posting, Posting.staff_id == Staff.id)
        .where(Posting.role == Role.GENERAL_MANAGER, Posting.company_id == cast.east.id)
    )
    return found


@pytest.fixture
def look(database):
    """Read rows of every office: ``look(select(…))``."""

    def read(statement):
        with across_offices(database, Reason.REVIEWING) as session:
            return list(session.scalars(statement))

    return read


def address(house, role):
    return house.people[role].staff.email


def regraded(gravity, reason="住户受损"):
    return lambda session, filed: complaints.regrade(session, filed.id, gravity, reason=reason)


def test_a_c7_an_ordinary_one_is_the_assistant_s(told, cast):
    found, (mail,) = told()
    assert found == [address(cast.north, Role.ASSISTANT)]
    assert "一般" in mail.subject
    assert "向主任报告" in mail.text_body
    assert "已超时" not in mail.text_body


def test_a_c4b_an_important_one_is_the_director_s_and_nobody_s_twice(told, cast):
    found, (mail,) = told(gravity=Gravity.MAJOR)
    assert found == [address(cast.north, Role.DIRECTOR)]
    assert "「重要」" in mail.text_body


def test_a_c4a_a_grave_one_is_the_general_manager_s_and_the_director_knows(told, cast, manager):
    found, rows = told(caused_harm=True)
    assert found == [manager, address(cast.north, Role.DIRECTOR)]
    assert "亲自处理" in rows[0].text_body
    assert "造成人身伤害或重大经济损失（A-C2b）" in rows[0].text_body
    assert "亲自处理" not in rows[1].text_body


def test_a_c7_graded_anew_the_next_handler_hears_at_once_and_why(told, cast, manager):
    found, rows = told((20 * MINUTE, regraded(Gravity.MAJOR)), (HOUR, regraded(Gravity.GRAVE)))
    director = address(cast.north, Role.DIRECTOR)
    assert found == [address(cast.north, Role.ASSISTANT), director, manager, director]
    assert "住户受损" in rows[1].text_body
    assert all("超时" not in row.text_body for row in rows)


def test_a_c2c_a_month_old_it_is_told_as_grave_and_not_as_late(told, cast, manager):
    found, rows = told((40 * DAY, lambda _session, _filed: None))
    assert found[1:] == [manager, address(cast.north, Role.DIRECTOR)]
    assert "满一个月仍未解决（A-C2c）" in rows[1].text_body


def test_graded_twice_before_anybody_looked_only_the_last_is_told(database, cast, settings, look):
    with at_desk(database, cast.north, NOON + DAY) as session:
        filed = complaint(session, cast.north)
        complaints.regrade(session, filed.id, Gravity.MAJOR, reason="住户受损")
        complaints.regrade(session, filed.id, Gravity.ORDINARY, reason="经查属实轻微")
        session.commit()
    for _ in range(2):
        sweeps.run_routing(database, NOON + DAY, cast.north.id, settings=settings)
    (mail,) = look(select(Mail).where(Mail.subject_kind == "ticket", Mail.subject_id == filed.ticket_id))
    assert mail.recipient_address == address(cast.north, Role.ASSISTANT)


def test_what_is_over_before_anybody_looked_is_told_to_nobody(database, cast, settings, look):
    with at_desk(database, cast.north, NOON + 2 * DAY) as session:
        invalid, done = complaint(session, cast.north), complaint(session, cast.north)
        tickets.invalidate(session, invalid.ticket_id, "误报")
        complaints.complete(session, done.id, outcome="当场道歉")
        never = complaint(session, cast.north, gravity=Gravity.INVALID)
        session.commit()
    sweeps.run_routing(database, NOON + 2 * DAY, cast.north.id, settings=settings)
    ids = [row.ticket_id for row in (invalid, done, never)]
    assert look(select(Mail.id).where(Mail.subject_kind == "ticket", Mail.subject_id.in_(ids))) == []
    states = look(select(DueAction.state).where(DueAction.rule == routing.RULE, DueAction.subject_id == invalid.id))
    assert states == [DueState.CANCELLED]


def test_b_s3_put_off_at_night_the_handler_hears_at_the_morning_handover(database, cast, settings, look):
    night = NOON + 10 * DAY + 10 * HOUR
    with at_desk(database, cast.north, night) as session:
        filed = complaint(session, cast.north, put_off=True)
        session.commit()
    mails = select(Mail.id).where(Mail.subject_kind == "ticket", Mail.subject_id == filed.ticket_id)
    sweeps.run_routing(database, night + HOUR, cast.north.id, settings=settings)
    assert look(mails) == []
    sweeps.run_routing(database, night + 11 * HOUR, cast.north.id, settings=settings)
    assert len(look(mails)) == 1


def test_three_who_sweep_at_once_tell_each_once(database, cast, settings, look):
    at = NOON + 20 * DAY
    with at_desk(database, cast.north, at) as session:
        ids = [complaint(session, cast.north).ticket_id for _ in range(30)]
        session.commit()
    with ThreadPoolExecutor(3) as pool, clock.at(at):
        list(pool.map(lambda _: sweeps.run_routing(database, at, cast.north.id, settings=settings), range(3)))
    rows = look(select(Mail.subject_id).where(Mail.subject_kind == "ticket", Mail.subject_id.in_(ids)))
    assert sorted(rows) == sorted(ids)


def test_where_nobody_is_assistant_the_director_is_asked_to_name_somebody(database, cast, settings, look):
    with at_desk(database, cast.north, NOON + 30 * DAY) as session:
        filed = complaint(session, cast.north)
        action = session.scalars(
            select(DueAction).where(DueAction.rule == routing.RULE, DueAction.subject_id == filed.id)
        ).one()
        found = routing.route(session, action)
    assert found is not None
    assert (found.tell, found.above[0]) == ((Role.ASSISTANT,), Role.DIRECTOR)
    text = sweeps.routing.draft(found, routing.Recipient("林主任", "lin@wuguan.invalid", Role.DIRECTOR), settings)
    assert "没有可以通知的经办人" in text.text_body
