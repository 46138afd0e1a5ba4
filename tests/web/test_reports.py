"""Reports on their pages: written and handed in by the office, read, sent back and summed up by the centre (A-W15)."""

import io
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from lxml import html
from openpyxl import load_workbook
from pypdf import PdfReader
from sqlalchemy import select

from desk import at_desk, request
from tenant import clock
from tenant.models import Report
from tenant.rules.terms import PauseReason, ReportKind, Role
from tenant.services import pauses, reports, requests
from tenant.unscoped import Reason, across_offices

ZONE = ZoneInfo("Asia/Shanghai")
MONDAY = date(2026, 3, 2)
STANDING = f"/report_standing?kind=week&day={MONDAY}"


@pytest.fixture(scope="module", autouse=True)
def drawn(database, cast):
    """The week before of both offices: two repairs in the north, one done and one that waited; one in the south."""
    came = datetime.combine(MONDAY - timedelta(days=4), time(10), tzinfo=ZONE)
    for house in (cast.north, cast.south):
        with at_desk(database, house, came) as session:
            waits = request(session, house)
            if house is cast.north:
                done = request(session, house)
                order = requests.dispatch(session, done.id, house.engineering.id)
                requests.complete(session, order.id, outcome="修好了")
                pauses.pause(session, waits.ticket_id, PauseReason.OWNER, clock.now() + timedelta(hours=2))
            session.commit()
        with at_desk(database, house, datetime.combine(MONDAY, time(0, 30), tzinfo=ZONE)) as session:
            reports.draw(session, house.id, clock.now())
            session.commit()


@pytest.fixture
def row(database, cast):
    """The north's report of the week, read anew."""

    def read(house=None):
        with across_offices(database, Reason.REVIEWING) as session:
            found = select(Report).where(Report.kind == ReportKind.WEEK, Report.office_id == (house or cast.north).id)
            return session.scalars(found).one()

    return read


@pytest.fixture(scope="module")
def supervisor(sign_in, cast):
    return sign_in(cast.north.people[Role.SUPERVISOR].staff)


@pytest.fixture(scope="module")
def centre(sign_in, cast):
    return sign_in(cast.group[Role.GROUP_CENTRE].staff)


def standing(page):
    """Return how each office stands, by name."""
    found = html.fromstring(page).xpath("//table/tbody/tr")
    return {line.xpath("string(td[1])").strip(): line.xpath("string(td[2])").strip() for line in found}


def edition_of(page):
    return html.fromstring(page).xpath("//input[@name='edition']/@value")[0]


def test_1_the_office_sees_its_figures_with_part_and_whole_and_the_week_before(supervisor, row):
    page = supervisor.get(f"/reports/details/?id={row().id}").get_data(as_text=True)
    cells = html.fromstring(page).xpath("//section[@aria-label='按类别']//tbody/tr[1]/td")
    words = ["".join(cell.text_content().split()) for cell in cells]
    assert words[:3] == ["报修", "2（0，+2）", "50.0%未达目标1/2（—）"]
    assert "1 次，共 3 天 14 小时，超过期限 1 次" in " ".join(page.split())
    assert "上报" in page


def test_2_a_draft_is_nobody_s_above_the_office(centre, cast, row):
    assert centre.get(f"/reports/details/?id={row().id}").status_code == 404
    assert centre.get(f"/papers/report?id={row().id}").status_code == 404
    assert centre.get(f"/report_standing/workbook/{row().id}").status_code == 404
    assert row().number not in centre.get("/reports/").get_data(as_text=True)
    found = standing(centre.get(STANDING).get_data(as_text=True))
    assert found[cast.north.office.name].startswith("逾期")


def test_3_causes_and_measures_are_written_and_two_who_write_at_once_see_each_other(supervisor, director, row):
    address = f"/reports/edit/?id={row().id}"
    mine, theirs = (edition_of(one.get(address).get_data(as_text=True)) for one in (supervisor, director))
    said = {"findings": "水管老化", "measures": "更换立管"}
    assert supervisor.post(address, said | {"edition": mine}).status_code == 302
    answer = director.post(address, {"findings": "施工不当", "measures": "", "edition": theirs})
    assert answer.status_code == 409
    assert "水管老化" in answer.get_data(as_text=True)
    assert row().findings == "水管老化"


def test_4_handed_in_the_centre_reads_prints_and_takes_it_away_and_the_office_changes_it_no_more(
    supervisor, centre, cast, row, record
):
    assert supervisor.post(f"/reports/act/submit/?id={row().id}").status_code == 302
    said = {"findings": "x", "measures": "", "edition": str(row().version)}
    edited = supervisor.post(f"/reports/edit/?id={row().id}", said)
    assert edited.status_code == 422
    assert "不能再修改" in edited.get_data(as_text=True)
    assert "水管老化" in centre.get(f"/reports/details/?id={row().id}").get_data(as_text=True)
    printed = centre.get(f"/papers/report?id={row().id}")
    pages = PdfReader(io.BytesIO(printed.data)).pages
    text = "".join("".join(page.extract_text().split()) for page in pages)
    for words in (
        "报事周汇总",
        "QPI-GL-C-F028",
        row().number,
        "水管老化",
        "更换立管",
        "1/2",
        "2026-02-23至2026-03-01",
    ):
        assert words in text
    book = load_workbook(io.BytesIO(centre.get(f"/report_standing/workbook/{row().id}").data)).active
    lines = list(book.iter_rows(values_only=True))
    assert lines[0][:5] == ("口径", "名称", "本期收到", "上期收到", "受理率分子")
    assert ("按类别", "报修", 2, 0, 1, 2, "50.0%") in {line[:7] for line in lines}
    assert record("record.exported")[0].subject_id == row().id
    assert standing(centre.get(STANDING).get_data(as_text=True))[cast.north.office.name].startswith("已上报（迟")


def test_5_the_centre_takes_all_that_were_handed_in_as_one_workbook(centre, cast, record):
    answer = centre.get(f"/report_standing/export?kind=week&day={MONDAY}")
    lines = list(load_workbook(io.BytesIO(answer.data)).active.iter_rows(values_only=True))
    assert {line[0] for line in lines[1:]} == {cast.north.office.name}, "the south has not handed in"
    assert record("reports.exported")[0].after["filters"] == ["报事周汇总 2026-02-23 至 2026-03-01"]


def test_6_the_centre_wants_it_again_with_a_reason_and_it_is_the_office_s_once_more(supervisor, centre, cast, row):
    address = f"/reports/act/send-back/?id={row().id}"
    assert "请填写「退回原因」" in centre.post(address, {"why": ""}).get_data(as_text=True)
    assert supervisor.post(address, {"why": "x"}).status_code == 403
    assert centre.post(address, {"why": "漏报电梯困人"}).status_code == 302
    assert row().submitted_at is None
    assert "漏报电梯困人" in supervisor.get(f"/reports/details/?id={row().id}").get_data(as_text=True)
    assert standing(centre.get(STANDING).get_data(as_text=True))[cast.north.office.name] == "已退回，待重新上报"
    assert supervisor.post(f"/reports/act/redraw/?id={row().id}").status_code == 302
    assert supervisor.post(f"/reports/act/submit/?id={row().id}").status_code == 302
    assert row().submitted_at is not None


@pytest.mark.parametrize("kind", list(ReportKind))
@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_a_day_at_the_end_of_the_calendar_is_refused_in_words(supervisor, kind, day):
    answer = supervisor.get(f"/report_standing?kind={kind}&day={day}")
    assert answer.status_code == 422
    assert "请核对年份" in answer.get_data(as_text=True)


def test_7_another_office_s_report_is_not_there(stranger, sign_in, cast, row):
    other = sign_in(cast.south.people[Role.SUPERVISOR].staff)
    for path in ("details/", "edit/", "act/submit/"):
        assert other.get(f"/reports/{path}?id={row().id}").status_code == 404
    assert stranger.get("/reports/").status_code == 403
    assert set(standing(other.get(STANDING).get_data(as_text=True))) == {cast.south.office.name}


def test_8_who_may_not_write_reports_does_not(sign_in, cast, row):
    finance = sign_in(cast.north.people[Role.FINANCE_ASSISTANT].staff)
    assert finance.get(f"/reports/edit/?id={row().id}").status_code == 403
    assert finance.get("/reports/").status_code == 200
    assert sign_in(cast.north.people[Role.TECHNICIAN].staff).get("/report_standing").status_code == 403
