"""Who gets the mail when a clock runs out: who is on duty, who stands in, and who is there in the morning (B-S1)."""

from datetime import date, datetime, timedelta
from itertools import count

import pytest
from sqlalchemy import select

import make
from cast import furnish_house
from desk import MINUTE, at_desk, call, request
from tasks import sweeps
from tenant.models import Absence, Escalation, Mail
from tenant.rules.terms import ClockKind, Role
from tenant.services import duties, requests
from tenant.unscoped import Reason, across_offices

NIGHT = datetime.fromisoformat("2032-03-01T22:00+08:00")
"""A Monday evening still to come: of an hour gone by, those are told who are there now."""
MONDAY = date(2032, 3, 1)
DAY = timedelta(days=1)
_codes = count(1)


@pytest.fixture
def house(database, cast):
    """An office of its own with the usual shifts."""
    with across_offices(database, Reason.SETTING_UP) as session:
        made = furnish_house(session, make.company(session), f"S{next(_codes)}", "西苑管理处")
        duties.take_usual(session, made.id)
        session.commit()
        return made


@pytest.fixture
def told(database, settings):
    """Sweep a house and return who was written to of each level of a kind of clock: ``told(house, at, kind)``."""

    def sweep(house, at, kind=ClockKind.FIRST_REPLY):
        sweeps.run_escalations(database, at, house.id, settings=settings)
        found: dict[int, set[str]] = {}
        with across_offices(database, Reason.REVIEWING) as session:
            rows = session.execute(
                select(Escalation, Mail.recipient_name)
                .join(Mail, (Mail.subject_id == Escalation.id) & (Mail.subject_kind == "escalation"))
                .where(Escalation.office_id == house.id)
            ).all()
            for row, name in rows:
                if row.clock.kind is kind:
                    found.setdefault(row.level, set()).add(name.removeprefix("西苑"))
        return found

    return sweep


def on_duty(database, house, role, day=MONDAY, name="夜班"):
    with at_desk(database, house, NIGHT - 6 * DAY / 24) as session:
        shift = next(row for row in duties.shifts(session, house.id) if row.name == name)
        duties.assign(session, shift.id, day, house.people[role].id)
        session.commit()


def away(database, house, role, substitute, first=MONDAY, last=MONDAY):
    with at_desk(database, house, NIGHT) as session:
        session.add(
            Absence(
                office_id=house.id,
                posting_id=house.people[role].id,
                from_on=first,
                to_on=last,
                substitute_id=house.people[substitute].id if substitute else None,
            )
        )
        session.commit()


def file_request(database, house, at=NIGHT, **sent):
    with at_desk(database, house, at) as session:
        filed = request(session, house)
        if sent:
            requests.dispatch(session, filed.id, house.engineering.id, **sent)
        session.commit()
        return filed


def test_b_s1_at_night_also_who_sits_at_the_desk_is_told_whatever_their_role(database, house, told):
    on_duty(database, house, Role.TECHNICIAN)
    file_request(database, house)
    assert told(house, NIGHT + 15 * MINUTE) == {1: {"前台客服", "维修人员"}}
    assert told(house, NIGHT + 45 * MINUTE)[3] == {"客服主管", "维修人员"}


def test_b_s1_who_holds_the_role_on_duty_is_told_alone(database, house, told):
    on_duty(database, house, Role.FRONT_DESK)
    on_duty(database, house, Role.TECHNICIAN)
    file_request(database, house)
    assert told(house, NIGHT + 15 * MINUTE) == {1: {"前台客服"}}


def test_b_s1_after_midnight_the_night_shift_of_the_day_before_is_told(database, house, told):
    on_duty(database, house, Role.TECHNICIAN)
    file_request(database, house, NIGHT + 5 * DAY / 24)
    assert told(house, NIGHT + 5 * DAY / 24 + 15 * MINUTE) == {1: {"前台客服", "维修人员"}}


def test_without_anybody_on_the_rota_who_holds_the_role_is_told(database, house, told):
    file_request(database, house)
    assert told(house, NIGHT + 15 * MINUTE) == {1: {"前台客服"}}


def test_a_o3_a_technicians_order_is_told_to_the_substitute(database, house, told):
    file_request(database, house, technician_id=house.people[Role.TECHNICIAN].id)
    away(database, house, Role.TECHNICIAN, Role.ASSISTANT)
    assert told(house, NIGHT + 15 * MINUTE, ClockKind.ON_SITE) == {1: {"物业助理"}}


def test_a_o3_of_a_technician_away_without_a_substitute_the_head_of_the_department_hears(database, house, told):
    file_request(database, house, technician_id=house.people[Role.TECHNICIAN].id)
    away(database, house, Role.TECHNICIAN, None)
    assert told(house, NIGHT + 15 * MINUTE, ClockKind.ON_SITE) == {1: {"部门负责人"}}


def test_what_waits_for_the_morning_is_told_to_who_is_there_then_and_not_to_the_night(database, house, told):
    on_duty(database, house, Role.TECHNICIAN)
    away(database, house, Role.DEPARTMENT_HEAD, Role.ASSISTANT, MONDAY + DAY, MONDAY + DAY)
    filed = file_request(database, house, NIGHT - 4 * DAY / 24)
    with at_desk(database, house, NIGHT - 4 * DAY / 24 + MINUTE) as session:
        call(session, filed.ticket_id)
        session.commit()
    assert told(house, NIGHT + 2 * DAY / 24, ClockKind.SAME_DAY) == {1: {"物业助理"}}
