"""Time limits and the public calendar through their pages: written, refused at the field, put into force, ended."""

from datetime import date, timedelta

import pytest
from lxml import html
from sqlalchemy import select

from desk import at_desk, request
from tenant import clock
from tenant.journal import CLOCKWORK
from tenant.models import CalendarYear, Clock, ClockPolicy, OfficeClockPolicy
from tenant.rules.terms import ClockKind, Role
from tenant.scoping import Scope
from tenant.unscoped import Reason, across_offices

TODAY = clock.today("Asia/Shanghai")
DRAFT = {
    "ticket": "request", "clock": "first_reply", "qualifier": "", "measure": "minutes", "amount": "40", "minimum": "",
    "calendar": "always", "warning": "10", "steps": "", "effective_on": TODAY.isoformat(), "why": "人手不足",
}  # fmt: skip


@pytest.fixture(scope="module")
def centre(sign_in, cast):
    """The group's centre, looking at the whole group."""
    return sign_in(cast.group[Role.GROUP_CENTRE].staff)


def kept(database, model):
    with across_offices(database, Reason.REVIEWING) as session:
        return list(session.scalars(select(model).order_by(model.id)))


def errors(answer):
    page = html.fromstring(answer.get_data(as_text=True))
    return {
        field.xpath("string(.//label)").strip("*"): field.xpath("string(.//ul)").strip()
        for field in page.xpath("//div[contains(@class, 'has-error')]")
    }


def act(person, path, row_id, verb):
    return person.post(f"/{path}/act/{verb}/?id={row_id}", {})


def test_a_director_writes_a_draft_puts_it_into_force_and_ends_it(director, database, cast):
    assert director.post("/office_limits/new/", DRAFT).status_code == 302
    row = kept(database, OfficeClockPolicy)[-1]
    assert (row.amount, row.warning, row.pauses, row.steps, row.activated_at) == (40, 10, None, None, None)
    asked = director.get(f"/office_limits/act/activate/?id={row.id}").get_data(as_text=True)
    assert f"报事（全部）的「首次答复」：40 分钟，提前 10 分钟。从 {TODAY} 起开始计时的按这一条" in asked
    assert act(director, "office_limits", row.id, "activate").status_code == 302
    page = director.get("/limits").get_data(as_text=True)
    line = html.fromstring(page).xpath("//tr[td[1]='首次答复']")[0]
    assert [cell.strip() for cell in line.xpath("td/descendant-or-self::*/text()") if cell.strip()][-2:] == [
        "本管理处", "A-W4"
    ]  # fmt: skip
    with at_desk(database, cast.north, clock.now()) as session:
        filed = request(session, cast.north)
        begun = session.scalars(
            select(Clock).where(Clock.ticket_id == filed.ticket_id, Clock.kind == ClockKind.FIRST_REPLY)
        ).one()
        assert (begun.due_at - begun.started_at, begun.office_policy_id) == (timedelta(minutes=40), row.id)
    assert act(director, "office_limits", row.id, "withdraw").status_code == 302
    row = kept(database, OfficeClockPolicy)[-1]
    assert row.withdrawn_by == cast.north.people[Role.DIRECTOR].staff.name


@pytest.mark.parametrize(
    ("said", "label", "words"),
    [
        ({"amount": "0"}, "数量", "应在 1 至 44640 分钟之间"),
        ({"warning": "40"}, "提前提醒（分钟）", "应小于整个时限 40 分钟"),
        ({"effective_on": "2026-01-01"}, "生效日期", "2026-01-01 已经过去"),
        ({"steps": "1 部门负责人 0\n三 主任 5"}, "升级级别", "第 2 行「三 主任 5」看不懂"),
        ({"steps": "1 部门负责人 30\n2 管理处主任 5"}, "升级级别", "早于下一级的 30 分钟"),
        ({"steps": "1 厂长 0"}, "升级级别", "角色「厂长」不存在"),
        ({"qualifier": "grave"}, "适用范围", "不是报事的范围"),
        ({"measure": "days", "amount": "1", "calendar": "desk_hours"}, "计时日历", "按天计的时限到 24:00 为止"),
        ({"pauses": ["never", "owner"]}, "可等待的原因", "请只选其一"),
        ({"why": ""}, "理由", "请填写"),
        ({"clock": "promised"}, "时限", "请从列表中选择"),
    ],
)
def test_what_makes_no_sense_is_said_at_its_field_and_nothing_is_lost(director, database, said, label, words):
    before = len(kept(database, OfficeClockPolicy))
    answer = director.post("/office_limits/new/", DRAFT | said)
    assert answer.status_code == 422
    assert words in errors(answer)[label]
    assert ("人手不足" in answer.get_data(as_text=True)) == ("why" not in said)
    assert len(kept(database, OfficeClockPolicy)) == before


def test_a_ladder_of_one_s_own_is_written_a_level_a_line_and_shown_again(director, database):
    said = DRAFT | {"steps": "1 部门负责人 0\n2 管理处主任 30", "pauses": ["owner", "material"], "clock": "same_day",
                    "measure": "same_day", "amount": "0"}  # fmt: skip
    assert director.post("/office_limits/new/", said).status_code == 302
    row = kept(database, OfficeClockPolicy)[-1]
    assert row.steps == [
        {"level": 1, "role": "department_head", "after": 0}, {"level": 2, "role": "director", "after": 30}
    ]  # fmt: skip
    assert row.pauses == ["owner", "material"]
    form = html.fromstring(director.get(f"/office_limits/edit/?id={row.id}").get_data(as_text=True))
    assert form.xpath("string(//textarea[@name='steps'])").strip() == "1 部门负责人 0\n2 管理处主任 30"
    assert form.xpath("//select[@name='pauses']/option[@selected]/@value") == ["owner", "material"]
    assert director.post(f"/office_limits/delete/?id={row.id}", {"id": row.id}).status_code == 302
    assert row.id not in {one.id for one in kept(database, OfficeClockPolicy)}


def test_what_is_in_force_is_neither_edited_nor_deleted(director, database):
    later = DRAFT | {"effective_on": (TODAY + timedelta(days=9)).isoformat()}
    director.post("/office_limits/new/", later)
    row = kept(database, OfficeClockPolicy)[-1]
    act(director, "office_limits", row.id, "activate")
    version = kept(database, OfficeClockPolicy)[-1].version
    answer = director.post(f"/office_limits/edit/?id={row.id}", later | {"amount": "9", "edition": str(version)})
    assert answer.status_code == 422
    assert "已启用，不能修改" in answer.get_data(as_text=True)
    assert director.post(f"/office_limits/delete/?id={row.id}", {"id": row.id}).status_code == 409
    assert kept(database, OfficeClockPolicy)[-1].amount == 40


def test_the_group_sets_a_company_s_limit_and_only_its_offices_see_it(centre, director, stranger, database, cast):
    said = DRAFT | {"company": str(cast.west.id), "amount": "33"}
    assert centre.post("/group_limits/new/", said).status_code == 302
    row = kept(database, ClockPolicy)[-1]
    assert row.company_id == cast.west.id
    assert act(centre, "group_limits", row.id, "activate").status_code == 302
    assert "33 分钟" in stranger.get("/limits").get_data(as_text=True)
    assert "33 分钟" not in director.get("/limits").get_data(as_text=True)
    assert stranger.get(f"/group_limits/details/?id={row.id}").status_code == 200
    assert director.get(f"/group_limits/details/?id={row.id}").status_code == 404
    assert act(director, "group_limits", row.id, "withdraw").status_code in {403, 404, 422}
    assert act(centre, "group_limits", row.id, "withdraw").status_code == 302


def test_running_clocks_are_recalculated_as_previewed(director, database, cast, record):
    with at_desk(database, cast.north, clock.now()) as session:
        filed = request(session, cast.north)
        session.commit()
    director.post("/office_limits/new/", DRAFT | {"amount": "55", "warning": "0"})
    act(director, "office_limits", kept(database, OfficeClockPolicy)[-1].id, "activate")
    page = html.fromstring(director.get("/limits/recalculate").get_data(as_text=True))
    edition = page.xpath("string(//input[@name='edition']/@value)")
    assert director.post("/limits/recalculate", {"edition": "0" * 16}).status_code == 409
    assert director.post("/limits/recalculate", {"edition": edition}).status_code == 302
    assert director.post("/limits/recalculate", {"edition": edition}).status_code == 409
    with database.session(Scope.everywhere(), CLOCKWORK) as session:
        found = select(Clock).where(Clock.ticket_id == filed.ticket_id, Clock.kind == ClockKind.FIRST_REPLY)
        begun = session.scalars(found).one()
        assert begun.due_at - begun.started_at == timedelta(minutes=55)
    assert record("limits.recalculated")[0].after["clocks"] >= 1


# ---- the public calendar
def test_the_group_keeps_the_calendar_and_an_edition_is_confirmed_for_good(centre, clerk, database):
    assert "2026 年（随程序提供）" in clerk.get("/holidays").get_data(as_text=True)
    assert centre.post("/holidays/new", {"year": "2027"}).status_code == 302
    row = kept(database, CalendarYear)[-1]
    place = f"/holidays/{row.id}"
    assert "2027-02-05 至 2027-02-08 放假 春节" in centre.get(place).get_data(as_text=True)
    assert centre.post("/holidays/new", {"year": "2027"}).status_code == 409
    wrong = centre.post(place, {"days": "2027-02-05 放假 春节\n2027-13-01 放假 元旦", "published": "通知"})
    assert wrong.status_code == 422
    assert "第 2 行的日期「2027-13-01」不存在" in wrong.get_data(as_text=True)
    assert "2027-13-01 放假 元旦" in wrong.get_data(as_text=True)
    assert centre.post(f"{place}/confirm").status_code == 409  # says not where it was announced
    days = "2027-02-05 至 2027-02-11 放假 春节\n2027-02-13 调休上班 春节"
    assert centre.post(place, {"days": days, "published": "国办通知"}).status_code == 302
    assert centre.post(f"{place}/confirm").status_code == 302
    assert centre.post(place, {"days": days, "published": "国办通知"}).status_code == 422
    assert centre.post(f"{place}/discard").status_code == 409
    page = clerk.get("/holidays").get_data(as_text=True)
    assert "2027 年（第 1 版）" in page
    assert "2027-02-13 调休上班 春节" in page


@pytest.mark.parametrize("asked", ["二〇二八", "", "1812", "99999", "-1", "9" * 5000])
def test_a_year_that_is_none_is_refused_by_name(centre, asked):
    answer = centre.post("/holidays/new", {"year": asked})
    assert answer.status_code == 409
    assert f"「年份」{asked[:20] or '没有填写'}" in answer.get_data(as_text=True)


@pytest.mark.parametrize("days", ["9999-12-31 放假 除夕", "2029-10-01 放假 国\x00庆"])
def test_days_that_cannot_be_kept_are_refused_and_stay_in_the_form(centre, database, days):
    centre.post("/holidays/new", {"year": "2029"})
    row = kept(database, CalendarYear)[-1]
    answer = centre.post(f"/holidays/{row.id}", {"days": days, "published": "国办通知"})
    assert answer.status_code == 422
    assert "国办通知" in answer.get_data(as_text=True)
    assert centre.post(f"/holidays/{row.id}/discard").status_code == 302


def test_nobody_else_keeps_the_calendar(director, sign_in, cast):
    assert director.post("/holidays/new", {"year": "2028"}).status_code == 403
    inside = sign_in(cast.group[Role.GROUP_CENTRE].staff)
    inside.enter(cast.north.id)
    assert inside.post("/holidays/new", {"year": "2028"}).status_code in {403, 422}


def test_a_year_that_nobody_confirmed_is_said_on_both_pages(director):
    if date(TODAY.year, 10, 1) <= TODAY:
        words = f"{TODAY.year + 1} 年节假日安排尚未确认"
        for place in ("/limits", "/holidays"):
            page = director.get(place).get_data(as_text=True)
            assert (words in page) == (f"{TODAY.year + 1} 年（" not in director.get("/holidays").get_data(as_text=True))


def test_a_limit_is_narrowed_to_a_category(director, database):
    answer = director.post("/office_limits/new/", DRAFT | {"qualifier": "repair", "why": "只管报修"})
    assert answer.status_code == 302
    row = kept(database, OfficeClockPolicy)[-1]
    assert (row.qualifier, row.why) == ("repair", "只管报修")
    form = html.fromstring(director.get(f"/office_limits/edit/?id={row.id}").get_data(as_text=True))
    assert form.xpath("//select[@name='qualifier']/option[@selected]/@value") == ["repair"]
