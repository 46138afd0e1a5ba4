"""办理指标 on the page and in the workbook: the right numbers, of the own offices, with what they count (A-W14)."""

import io
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from lxml import html
from openpyxl import load_workbook

import make
from cast import Cast
from desk import at_desk, request
from tenant import clock
from tenant.journal import CLOCKWORK
from tenant.models import Office
from tenant.rules.terms import Grouping, PauseReason, Role
from tenant.scoping import Scope
from tenant.services import pauses, requests, tickets

FIRST = LAST = make.NOON.date()
ADDRESS = f"/rates?from={FIRST}&to={LAST}"


@pytest.fixture(scope="module", autouse=True)
def _worked(database, cast: Cast):
    """Two requests in the north, one of them sent out and done in time; one in the south, left lying."""
    with at_desk(database, cast.north) as session:
        request(session, cast.north)
        done = request(session, cast.north)
        order = requests.dispatch(session, done.id, cast.north.engineering.id)
        requests.complete(session, order.id, outcome="修好了")
        session.commit()
    with at_desk(database, cast.south) as session:
        request(session, cast.south)
        session.commit()


def lines(page: str) -> dict[str, list[str]]:
    """Return the cells of each office's line, spaces apart."""
    rows = html.fromstring(page).xpath("//table/tbody/tr")
    return {
        row.xpath("string(td[1])").strip(): ["".join(cell.xpath("string()").split()) for cell in row.xpath("td")[1:]]
        for row in rows
    }


def test_an_office_sees_its_own_rates_with_part_and_whole(cast, sign_in):
    director = sign_in(cast.north.people[Role.DIRECTOR].staff)
    page = director.get(ADDRESS).get_data(as_text=True)
    found = lines(page)
    assert set(found) == {cast.north.office.name}
    accepted, handled, on_time, followed_up, asked, replied, satisfied, reopened = found[cast.north.office.name]
    assert accepted == "50.0%未达目标1/2"
    assert (handled, on_time) == ("50.0%未达目标1/2", "50.0%未达目标1/2")
    assert followed_up == "0.0%未达目标0/1"
    assert (satisfied, reopened) == ("—0/0", "0.0%0/1")
    assert (asked, replied) == ("0.0%未达目标0/1", "—0/0")
    assert "分母：本期收到且应在本期办完的事项" in page


@pytest.mark.parametrize(
    ("by", "groups"),
    [
        ("category", {"报修": "1/2"}),
        ("department", {"工程部": "1/1", "未注明": "0/1"}),
        ("topic", {"未注明": "1/2"}),
        ("person", {"未注明": "1/1", "北苑前台客服": "0/1"}),
    ],
)
def test_matters_are_told_apart_and_the_groups_add_up(cast, sign_in, by, groups):
    page = sign_in(cast.north.people[Role.DIRECTOR].staff).get(f"{ADDRESS}&by={by}").get_data(as_text=True)
    found = {name: cells[0].removeprefix("100.0%")[-3:] for name, cells in lines(page).items() if name != "合计"}
    assert found == groups
    assert f"按{Grouping(by).label}" in page


def test_headquarters_tells_groups_apart_within_each_office_and_takes_them_away(cast, sign_in):
    centre = sign_in(cast.group[Role.GROUP_CENTRE].staff)
    found = lines(centre.get(f"{ADDRESS}&by=category").get_data(as_text=True))
    assert set(found) == {f"{house.office.name} · 报修" for house in (cast.north, cast.south)} | {"合计"}
    answer = centre.get(f"/rates/export?from={FIRST}&to={LAST}&by=category")
    rows = list(load_workbook(io.BytesIO(answer.data)).active.iter_rows(values_only=True))
    assert rows[0][:3] == ("管理处", "类别", "受理率分子")
    assert (cast.north.office.name, "报修", 1, 2, "50.0%") in {row[:5] for row in rows}
    assert rows[-1][:4] == ("合计", "合计", 1, 3)


def test_waiting_is_shown_by_reason_with_what_went_past_its_limit_a_w5(database, cast, sign_in):
    day = FIRST - timedelta(days=20)
    with at_desk(database, cast.south, make.NOON - timedelta(days=20)) as session:
        waits = request(session, cast.south)
        pauses.pause(session, waits.ticket_id, PauseReason.MATERIAL, clock.now() + timedelta(hours=2))
        session.commit()
    centre = sign_in(cast.group[Role.GROUP_CENTRE].staff)
    page = centre.get(f"/rates?from={day}&to={day}").get_data(as_text=True)
    row = html.fromstring(page).xpath(f"//tr[td='{cast.south.office.name}'][contains(., '次')]")[0]
    assert "".join(row.xpath("td[4]")[0].text_content().split()) == "1次，12小时，超过期限1次"
    ahead = html.fromstring(centre.get("/rates?from=2090-01-01&to=2090-01-31").get_data(as_text=True))
    assert not ahead.xpath(f"//tr[td='{cast.south.office.name}'][contains(., '次')]")
    with at_desk(database, cast.south, make.NOON - timedelta(days=19)) as session:
        tickets.invalidate(session, waits.ticket_id, "误登")
        session.commit()


def test_what_is_due_later_today_is_not_late_yet(database, cast, sign_in):
    with at_desk(database, cast.south, clock.now()) as session:
        request(session, cast.south)
        session.commit()
    page = sign_in(cast.south.people[Role.DIRECTOR].staff).get("/rates").get_data(as_text=True)
    assert lines(page)[cast.south.office.name][:2] == ["0.0%未达目标0/1", "—0/0"]


def test_headquarters_sees_every_office_and_their_sum(cast, sign_in):
    centre = sign_in(cast.group[Role.GROUP_CENTRE].staff)
    found = lines(centre.get(ADDRESS).get_data(as_text=True))
    assert found["合计"][0] == "33.3%未达目标1/3"
    assert found[cast.south.office.name][0] == "0.0%未达目标0/1"


def test_the_workbook_has_the_numbers_of_the_screen_and_is_on_the_record(cast, sign_in, record):
    centre = sign_in(cast.group[Role.GROUP_CENTRE].staff)
    answer = centre.get(f"/rates/export?from={FIRST}&to={LAST}")
    rows = list(load_workbook(io.BytesIO(answer.data)).active.iter_rows(values_only=True))
    assert rows[0][:4] == ("管理处", "受理率分子", "受理率分母", "受理率（%）")
    assert rows[-1][:4] == ("合计", 1, 3, "33.3%")
    (entry, *_) = record("rates.exported")
    assert entry.after["filters"] == [f"报事 {FIRST} 至 {LAST}"]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("from=2026-13-01", "不是日期"),
        ("from=0001-01-01&to=0001-01-02", "请核对年份"),
        ("from=2026-02-01&to=2026-01-01", "应不早于"),
        ("from=2020-01-01", "最多一年"),
    ],
)
def test_days_that_are_none_are_refused(cast, sign_in, asked, words):
    answer = sign_in(cast.north.people[Role.DIRECTOR].staff).get(f"/rates?{asked}")
    assert answer.status_code == 422
    assert words in answer.get_data(as_text=True)


def test_who_sees_no_reports_sees_no_rates(cast, sign_in):
    assert sign_in(cast.north.people[Role.TECHNICIAN].staff).get("/rates").status_code == 403


def test_the_days_of_an_office_are_those_of_its_own_zone(database, cast, sign_in):
    """In the first hours of 5 March on an island far in the east it is still 4 March in Shanghai."""
    day = FIRST + timedelta(days=3)
    early = datetime.combine(day, time(2), tzinfo=ZoneInfo("Pacific/Kiritimati"))
    with database.session(Scope.everywhere(), CLOCKWORK) as session:
        session.get_one(Office, cast.south.id).zone = "Pacific/Kiritimati"
        session.commit()
    with at_desk(database, cast.south, early) as session:
        request(session, cast.south)
        session.commit()
    page = sign_in(cast.group[Role.GROUP_CENTRE].staff).get(f"/rates?from={day}&to={day}").get_data(as_text=True)
    assert lines(page)[cast.south.office.name][0] == "0.0%未达目标0/1"
    own = sign_in(cast.south.people[Role.DIRECTOR].staff).get(f"/rates?from={day}&to={day}").get_data(as_text=True)
    assert lines(own)[cast.south.office.name] == lines(page)[cast.south.office.name]
