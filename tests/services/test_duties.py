"""The rota, absences, and who is told by them (B-S1, A-O3)."""

from datetime import date, datetime, time, timedelta

import pytest

import make
from desk import at_desk, request
from tenant import clock
from tenant.errors import NotFound, Refusal
from tenant.models import Absence, Duty, Posting, Shift
from tenant.rules.terms import Role
from tenant.services import absences, duties, postings, requests
from tenant.unscoped import Reason, across_offices

MONDAY = date(2026, 3, 2)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
EVENING = datetime.fromisoformat("2026-03-02T17:30+08:00")
MORNING = datetime.fromisoformat("2026-03-03T08:00+08:00")
SHANGHAI = "Asia/Shanghai"


@pytest.fixture(scope="module", autouse=True)
def noise(database, cast):
    """The other office always has its director on night duty and its supervisor away."""
    with at_desk(database, cast.south) as session:
        _noon, night = duties.take_usual(session, cast.south.id)
        duties.assign(session, night.id, MONDAY, cast.south.people[Role.DIRECTOR].id)
        session.add(absence(cast.south, Role.SUPERVISOR, Role.FRONT_DESK))
        session.commit()


@pytest.fixture
def north(database, cast):
    with at_desk(database, cast.north, role=Role.SUPERVISOR) as session:
        duties.take_usual(session, cast.north.id)
        yield session


@pytest.fixture
def group(database, cast):
    with across_offices(database, Reason.SETTING_UP) as session, clock.at(make.NOON):
        yield session


def shift(session, house, name="夜班"):
    return next(row for row in duties.shifts(session, house.id) if row.name == name)


def on(session, house, role, day=MONDAY, name="夜班"):
    return duties.assign(session, shift(session, house, name).id, day, house.people[role].id)


def absence(house, role, substitute=None, first=MONDAY, last=MONDAY, **columns):
    posting = house.people[role]
    instead = house.people[substitute].id if substitute else None
    return Absence(
        office_id=house.id, posting_id=posting.id, from_on=first, to_on=last, substitute_id=instead, **columns
    )


def leave(session, house, role, substitute=None, first=MONDAY, last=MONDAY):
    """Enter an absence as the form does: added, and looked at before it stays."""
    row = absence(house, role, substitute, first, last)
    session.add(row)
    session.flush()
    absences.check(session, row, MONDAY)
    return row


def told(session, house, role, at, *, can_wait=False):
    watch = duties.watch(session, house.id, at, SHANGHAI, can_wait=can_wait)
    return [person.name for person in postings.recipients(session, house.id, role, at.date(), watch)]


# ---- the rota
def test_b_s1_the_usual_shifts_are_noon_and_night_and_offered_once(north, cast):
    assert [(row.begins, row.ends) for row in duties.shifts(north, cast.north.id)] == [
        (time(12), time(14)), (time(17, 30), time(8))
    ]  # fmt: skip
    with pytest.raises(Refusal, match="已有班次「中班」「夜班」"):
        duties.take_usual(north, cast.north.id)


def test_nobody_is_put_on_a_shift_twice_or_on_another_offices(north, cast):
    on(north, cast.north, Role.FRONT_DESK)
    with pytest.raises(Refusal, match="已经排在 2026-03-02 的「夜班」"):
        on(north, cast.north, Role.FRONT_DESK)
    with pytest.raises(NotFound):
        duties.assign(north, shift(north, cast.north).id, MONDAY, cast.south.people[Role.DIRECTOR].id)


def test_a_shift_that_is_over_keeps_its_rota(north, cast):
    row, other = on(north, cast.north, Role.FRONT_DESK), on(north, cast.north, Role.TECHNICIAN)
    with clock.at(MORNING - SECOND):
        duties.take_off(north, other.id)
    with clock.at(MORNING):
        with pytest.raises(Refusal, match=r"2026-03-02 的「夜班」（17:30—08:00）已经结束"):
            duties.take_off(north, row.id)
        with pytest.raises(Refusal, match="已经结束"):
            on(north, cast.north, Role.DIRECTOR)


def test_who_is_away_is_put_on_no_shift_and_the_substitute_is_named(north, cast):
    leave(north, cast.north, Role.FRONT_DESK, Role.ASSISTANT)
    with pytest.raises(Refusal, match="请假，代理人是北苑物业助理"):
        on(north, cast.north, Role.FRONT_DESK)
    on(north, cast.north, Role.FRONT_DESK, MONDAY + DAY)


def test_b_s1_a_gap_is_a_shift_to_come_for_which_nobody_comes(north, cast):
    house, last = cast.north, MONDAY + DAY
    on(north, house, Role.FRONT_DESK, name="中班")
    on(north, house, Role.TECHNICIAN)
    found = duties.gaps(north, house.office, MONDAY, last)
    assert [(gap.shift.name, gap.day) for gap in found] == [("中班", last), ("夜班", last)]
    leave(north, house, Role.TECHNICIAN)
    assert [(gap.shift.name, gap.day) for gap in duties.gaps(north, house.office, MONDAY, MONDAY)] == [("夜班", MONDAY)]


@pytest.mark.parametrize(("gone", "words"), [("left", "不在岗"), ("shut out", "已停用")])
def test_b_s1_a_shift_of_somebody_who_has_left_is_a_gap_and_they_get_no_other(group, cast, gone, words):
    house = cast.north
    duties.take_usual(group, house.id)
    on(group, house, Role.FRONT_DESK, name="中班")
    posting = on(group, house, Role.TECHNICIAN).posting
    if gone == "left":
        posting.to_on = MONDAY - DAY
    else:
        posting.staff.disabled_at = clock.now()
    group.flush()
    (gap,) = duties.gaps(group, house.office, MONDAY, MONDAY)
    assert (gap.shift.name, [(person.who, person.has_left) for person in gap.people]) == ("夜班", [(None, True)])
    with pytest.raises(Refusal, match=words):
        on(group, house, Role.TECHNICIAN, MONDAY + DAY)


def test_b_s1_a_shift_whose_substitute_has_left_is_a_gap(north, cast):
    on(north, cast.north, Role.TECHNICIAN)
    leave(north, cast.north, Role.TECHNICIAN, Role.ASSISTANT)
    north.get_one(Posting, cast.north.people[Role.ASSISTANT].id).to_on = MONDAY - DAY
    north.flush()
    assert "夜班" in [gap.shift.name for gap in duties.gaps(north, cast.north.office, MONDAY, MONDAY)]


def test_a_substitute_fills_the_gap(north, cast):
    on(north, cast.north, Role.TECHNICIAN)
    leave(north, cast.north, Role.TECHNICIAN, Role.ASSISTANT)
    watched = duties.grid(north, cast.north.office, MONDAY, MONDAY)[shift(north, cast.north).id, MONDAY]
    assert not watched.is_unmanned
    assert [person.who for person in watched.people] == ["北苑物业助理（代北苑维修人员）"]


def test_a_week_is_copied_but_for_who_cannot_come_and_only_once(north, cast):
    house, next_monday = cast.north, MONDAY + 7 * DAY
    on(north, house, Role.FRONT_DESK)
    on(north, house, Role.TECHNICIAN, MONDAY + 6 * DAY)
    leave(north, house, Role.TECHNICIAN, first=MONDAY + 13 * DAY, last=MONDAY + 13 * DAY)
    assert duties.copy_week(north, house.id, next_monday) == (1, 1)
    assert duties.copy_week(north, house.id, next_monday) == (0, 1)
    assert [(row.duty_on, row.posting_id) for row in duties.rows(north, house.id, next_monday, MONDAY + 13 * DAY)] == [
        (next_monday, house.people[Role.FRONT_DESK].id)
    ]
    with pytest.raises(Refusal, match="没有可以复制的"):
        duties.copy_week(north, house.id, MONDAY)


def test_a_shift_has_length_and_stays_while_the_rota_names_it(north, cast):
    with pytest.raises(Refusal, match="同为 08:00"):
        duties.check_shift(Shift(name="全天", begins=time(8), ends=time(8)))
    on(north, cast.north, Role.FRONT_DESK)
    with pytest.raises(Refusal, match="从 2026-03-02 起已有排班"):
        duties.check_unused(north, shift(north, cast.north))
    duties.check_unused(north, shift(north, cast.north, "中班"))


def test_b_s1_hours_that_no_shift_covers_are_named(north, cast):
    assert duties.unmanned_hours(north, cast.north.office) == ()
    shift(north, cast.north).ends = time(7)
    north.flush()
    assert [(gap.begins, gap.ends) for gap in duties.unmanned_hours(north, cast.north.office)] == [(time(7), time(8))]


# ---- absences
@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"substitute": Role.TECHNICIAN}, "就是请假人自己"),
        ({"first": MONDAY, "last": MONDAY - DAY}, "早于「起始日」"),
        ({"first": MONDAY - DAY, "last": MONDAY - DAY}, "已经过去"),
        ({"last": MONDAY + 400 * DAY}, "超过一年"),
        ({"substitute": Role.ASSISTANT, "last": MONDAY + 2 * DAY}, "北苑物业助理从 2026-03-04 到 2026-03-04 也请假"),
        ({"first": MONDAY + 3 * DAY, "last": MONDAY + 4 * DAY}, "正代理北苑"),
    ],
)  # fmt: skip
def test_an_absence_that_cannot_be_is_refused_with_the_reason(north, cast, fields, words):
    leave(north, cast.north, Role.ASSISTANT, first=MONDAY + 2 * DAY, last=MONDAY + 2 * DAY)
    leave(north, cast.north, Role.FRONT_DESK, Role.TECHNICIAN, first=MONDAY + 3 * DAY, last=MONDAY + 3 * DAY)
    house = cast.north
    row = absence(house, Role.TECHNICIAN, **fields)
    row.posting = north.get_one(Posting, row.posting_id)
    row.substitute = north.get(Posting, row.substitute_id) if row.substitute_id else None
    with pytest.raises(Refusal, match=words):
        absences.check(north, row, MONDAY)


def test_nobody_is_away_twice_on_one_day(north, cast):
    leave(north, cast.north, Role.TECHNICIAN, last=MONDAY + DAY)
    with pytest.raises(Refusal, match="已登记从 2026-03-02 到 2026-03-03 请假"):
        leave(north, cast.north, Role.TECHNICIAN, first=MONDAY + DAY, last=MONDAY + DAY)


def test_substitutes_never_go_in_a_circle(north, cast):
    leave(north, cast.north, Role.TECHNICIAN, Role.ASSISTANT)
    with pytest.raises(Refusal, match="也请假"):
        leave(north, cast.north, Role.ASSISTANT, Role.TECHNICIAN)


def test_who_is_back_early_is_away_no_more_from_today(north, cast):
    lasting = leave(north, cast.north, Role.TECHNICIAN, last=MONDAY + 5 * DAY)
    coming = leave(north, cast.north, Role.DIRECTOR, first=MONDAY + 3 * DAY, last=MONDAY + 3 * DAY)
    with clock.at(MORNING):
        assert absences.end(north, lasting.id).to_on == MONDAY
        assert absences.end(north, coming.id) is None
        assert absences.away(north, cast.north.id, MONDAY + DAY) == {}
        with pytest.raises(Refusal, match="已结束，不需要销假"):
            absences.end(north, lasting.id)


def test_a_w5_orders_of_who_is_away_are_offered_to_be_sent_to_somebody_else(north, cast):
    house, technician = cast.north, cast.north.people[Role.TECHNICIAN].id
    filed = request(north, house)
    order = requests.dispatch(north, filed.id, house.engineering.id, technician_id=technician)
    away = leave(north, house, Role.TECHNICIAN)
    assert list(absences.left_behind(north, away)) == [order]


# ---- who is told
def test_b_s1_who_holds_the_role_on_duty_is_told_at_night_and_all_of_it_by_day(group, cast):
    duties.take_usual(group, cast.north.id)
    second = make.posting(group, make.staff(group, name="小李"), Role.FRONT_DESK, cast.north.office)
    duties.assign(group, shift(group, cast.north).id, MONDAY, second.id)
    for at, who in (
        (EVENING - SECOND, ["北苑前台客服", "小李"]),
        (EVENING, ["小李"]),
        (MORNING - SECOND, ["小李"]),
        (MORNING, ["北苑前台客服", "小李"]),
    ):
        assert told(group, cast.north, Role.FRONT_DESK, at) == who


def test_b_s1_what_cannot_wait_reaches_also_who_is_on_duty_when_the_role_is_not(north, cast):
    on(north, cast.north, Role.TECHNICIAN)
    assert set(told(north, cast.north, Role.SUPERVISOR, EVENING)) == {"北苑客服主管", "北苑维修人员"}
    assert told(north, cast.north, Role.SUPERVISOR, EVENING, can_wait=True) == ["北苑客服主管"]
    assert told(north, cast.north, Role.SUPERVISOR, EVENING - SECOND) == ["北苑客服主管"]


def test_a_o3_what_is_an_absentees_goes_to_the_substitute_in_the_role_of_the_absentee(north, cast):
    leave(north, cast.north, Role.DIRECTOR, Role.SUPERVISOR)
    watch = duties.watch(north, cast.north.id, make.NOON, SHANGHAI)
    (person,) = postings.recipients(north, cast.north.id, Role.DIRECTOR, MONDAY, watch)
    assert (person.name, person.role) == ("北苑客服主管", Role.DIRECTOR)
    assert postings.recipient_of(north, cast.north.people[Role.DIRECTOR].id, MONDAY, watch) == [person]
    after = duties.watch(north, cast.north.id, make.NOON + DAY, SHANGHAI)
    (person,) = postings.recipients(north, cast.north.id, Role.DIRECTOR, MONDAY + DAY, after)
    assert person.name == "北苑管理处主任"


def test_who_is_away_without_a_substitute_is_passed_over(north, cast):
    leave(north, cast.north, Role.DEPARTMENT_HEAD)
    watch = duties.watch(north, cast.north.id, make.NOON, SHANGHAI)
    assert postings.heads_to_tell(north, cast.north.id, cast.north.engineering.id, MONDAY, watch) == []


def test_who_is_away_is_away_from_all_postings_in_the_office(group, cast):
    director = group.get_one(Posting, cast.north.people[Role.DIRECTOR].id)
    second = make.posting(group, director.staff, Role.ASSISTANT, cast.north.office)
    leave(group, cast.north, Role.DIRECTOR, Role.SUPERVISOR)
    assert set(absences.away(group, cast.north.id, MONDAY)) == {director.id, second.id}


def test_one_office_sees_nothing_of_anothers_rota_or_absences(database, cast):
    with across_offices(database, Reason.SETTING_UP) as group:
        assert duties.watch(group, cast.north.id, EVENING, SHANGHAI) == duties.Watch()
        assert duties.watch(group, cast.south.id, EVENING, SHANGHAI).on_duty == {cast.south.people[Role.DIRECTOR].id}
    with at_desk(database, cast.north) as session:
        assert session.query(Duty).count() == session.query(Absence).count() == 0
