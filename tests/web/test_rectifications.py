"""Defects, builders and records on the screen: registered, issued, inspected, signed; the summary; who may do what."""

import csv
import io
from datetime import timedelta

import pytest
from lxml import html
from sqlalchemy import select

from cast import Cast
from tenant import clock
from tenant.journal import CLOCKWORK
from tenant.models import Builder, Defect, Rectification, ServiceRequest, Ticket
from tenant.rules.terms import RectificationState, Role, TicketState
from tenant.scoping import Scope

UNACCEPTABLE = 422
LATER = (clock.today() + timedelta(days=5)).isoformat()
PAST = (clock.today() - timedelta(days=2)).isoformat()


@pytest.fixture
def desk(sign_in, cast: Cast):
    """The front desk of the north."""
    return sign_in(cast.north.people[Role.FRONT_DESK].staff)


@pytest.fixture
def assistant(sign_in, cast: Cast):
    """The engineering assistant of the north."""
    return sign_in(cast.north.people[Role.ENGINEERING_ASSISTANT].staff)


@pytest.fixture
def latest(database):
    """Return the newest row of a model, read anew."""

    def newest(model):
        with database.session(Scope.everywhere(), CLOCKWORK) as session:
            return session.scalars(select(model).order_by(model.id.desc()).limit(1)).one()

    return newest


def text(answer) -> str:
    """Return what the page says."""
    return answer.get_data(as_text=True)


def done(answer) -> None:
    """The form was taken: it leads on."""
    assert answer.status_code == 302, text(answer)


def offered(browser, path: str) -> set[str]:
    """Return the verbs that a record's page offers."""
    page = html.fromstring(text(browser.get(path)))
    return {link.split("/act/")[1].split("/")[0] for link in page.xpath("//a/@href") if "/act/" in link}


@pytest.fixture
def builder(assistant, latest) -> Builder:
    """A builder registered on the page."""
    name = f"恒基建设 {clock.now().timestamp()}"
    done(assistant.post("/builders/new/", {"name": name, "head_name": "周工", "head_phone": "19912345678"}))
    return latest(Builder)


@pytest.fixture
def defect(desk, cast: Cast, latest) -> Defect:
    """A defect of the north's unit, registered on the page."""
    form = {
        "part": "主卧外墙", "unit": cast.north.unit.id, "channel": "visit", "reporter_kind": "owner",
        "content": "外墙渗水", "warranty_until": LATER,
    }  # fmt: skip
    done(desk.post("/defects/new/", form))
    return latest(Defect)


@pytest.fixture
def record(assistant, defect, builder, latest) -> Rectification:
    """A record issued to the builder."""
    act = "/defects/act/{}/?id=" + str(defect.id)
    done(assistant.post(act.format("confirm"), {"cause": "防水层开裂", "owner_signed": "y"}))
    done(assistant.post(act.format("issue"), {"builder": builder.id, "agreed_on": LATER}))
    return latest(Rectification)


def test_a_defect_is_looked_at_confirmed_and_given_to_its_builder(assistant, defect, builder, cast: Cast, latest):
    page, act = f"/defects/details/?id={defect.id}", "/defects/act/{}/?id=" + str(defect.id)
    assert {"send", "confirm", "decline"} <= offered(assistant, page)
    assert not {"issue", "owner-sign", "follow-up", "close"} & offered(assistant, page)
    sent = assistant.post(act.format("send"), {"inspector": cast.north.people[Role.TECHNICIAN].id})
    done(sent)
    assert latest(Ticket).state is TicketState.DISPATCHED
    done(assistant.post(act.format("confirm"), {"cause": "防水层开裂"}))
    early = assistant.post(act.format("issue"), {"builder": builder.id, "agreed_on": LATER})
    assert (early.status_code, "业主还没有" in text(early)) == (UNACCEPTABLE, True)
    done(assistant.post(act.format("owner-sign")))
    past = assistant.post(act.format("issue"), {"builder": builder.id, "agreed_on": PAST, "content": "重做防水"})
    assert (past.status_code, "已经过去" in text(past), "重做防水" in text(past)) == (UNACCEPTABLE, True, True)
    done(assistant.post(act.format("issue"), {"builder": builder.id, "agreed_on": LATER, "content": "重做防水"}))
    assert latest(Rectification).content == "重做防水"
    shown = text(assistant.get(page))
    assert latest(Rectification).number in shown
    assert "约定完成" in shown


def test_a_record_goes_back_to_the_builder_and_is_signed_in_the_end(assistant, desk, record, defect, latest):
    act, page = "/rectifications/act/{}/?id=" + str(record.id), f"/rectifications/details/?id={record.id}"
    assert offered(assistant, page) == {"sign-for", "second-copy", "note", "postpone", "cancel"}
    early = assistant.post(act.format("report-done"))
    assert (early.status_code, "现在可以：施工单位签收" in text(early)) == (UNACCEPTABLE, True)
    done(assistant.post(act.format("sign-for"), {"signed_for_by": "周工"}))
    done(assistant.post(act.format("second-copy")))
    done(assistant.post(act.format("note"), {"progress": "已搭脚手架"}))
    done(desk.post(act.format("postpone"), {"agreed_on": clock.today().isoformat(), "reason": "提前进场"}))
    done(assistant.post(act.format("report-done")))
    nothing_wrong = assistant.post(act.format("reject"), {"findings": " ", "agreed_on": LATER})
    assert (nothing_wrong.status_code, "请填写「验收意见」" in text(nothing_wrong)) == (UNACCEPTABLE, True)
    done(assistant.post(act.format("reject"), {"findings": "仍有水渍", "agreed_on": LATER}))
    done(assistant.post(act.format("report-done")))
    done(assistant.post(act.format("accept"), {"findings": "淋水无渗漏"}))
    done(assistant.post(act.format("owner-sign")))
    shown = text(assistant.get(page))
    for words in ("仍有水渍", "淋水无渗漏", "已搭脚手架", "提前进场", "回访"):
        assert words in shown, words
    assert latest(Ticket).state is TicketState.DONE
    done(desk.post(f"/defects/act/follow-up/?id={defect.id}", {"satisfaction": "satisfied", "answer": "不漏了"}))
    done(desk.post(f"/defects/act/close/?id={defect.id}"))
    done(desk.post(act.format("file")))
    assert latest(Rectification).state is RectificationState.FILED
    assert offered(desk, page) == set()
    assert "仍有水渍" not in text(desk.get(f"/rectifications/history/?id={record.id}"))
    assert "约定完成日" in text(desk.get(f"/rectifications/history/?id={record.id}"))


def test_the_summary_says_what_became_of_every_record(sign_in, cast: Cast, desk, assistant, record, defect):
    act = "/rectifications/act/{}/?id=" + str(record.id)
    for verb, form in (
        ("sign-for", {"signed_for_by": "周工"}), ("note", {"progress": "完成八成"}), ("report-done", {}),
        ("reject", {"findings": "有色差", "agreed_on": LATER}), ("report-done", {}), ("accept", {}), ("owner-sign", {}),
    ):  # fmt: skip
        done(assistant.post(act.format(verb), form))
    done(desk.post(f"/defects/act/follow-up/?id={defect.id}", {"satisfaction": "acceptable", "answer": "还可以"}))
    director = sign_in(cast.north.people[Role.DIRECTOR].staff)
    answer = director.get(f"/rectifications/export/csv/?search={record.number}")
    [line] = csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig")))
    said = {
        name: line[name] for name in ("编号", "部位", "状态", "最近进度", "验收不合格次数", "回访满意度", "业主意见")
    }
    assert said == {
        "编号": record.number, "部位": "主卧外墙", "状态": "业主已签字", "最近进度": "完成八成",
        "验收不合格次数": "1", "回访满意度": "基本满意", "业主意见": "还可以",
    }  # fmt: skip
    assert line["最初约定完成日"] == LATER
    assert desk.get("/rectifications/export/csv/").status_code == 403


def test_the_list_finds_what_is_overdue_and_the_navigation_counts_what_waits(
    assistant, database, cast: Cast, record, latest
):
    def listed(value):
        page = html.fromstring(text(assistant.get(f"/rectifications/?flt0_agreed_on-overdue={value}")))
        return record.number in "".join(page.xpath("//table//text()"))

    def waits():
        page = html.fromstring(text(assistant.get("/builders/")))
        found = page.xpath("//nav//a[contains(@href, '/rectifications/')]//span[contains(@class, 'count')]/text()")
        return int(found[0]) if found else 0

    assert (listed(1), listed(0)) == (False, True)
    before = waits()
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        row = session.get_one(Rectification, record.id)
        row.agreed_on = clock.today() - timedelta(days=2)
        session.commit()
    assert (listed(1), listed(0)) == (True, False)
    assert waits() == before + 1


def test_a_repair_is_turned_into_a_defect_on_its_page_and_taken_back(desk, assistant, cast: Cast, latest):
    form = {"category": "repair", "channel": "call", "reporter_kind": "owner", "content": "窗框渗水"}
    done(desk.post("/requests/new/", form | {"unit": cast.north.unit.id}))
    asked = latest(ServiceRequest)
    page = f"/requests/details/?id={asked.id}"
    assert "rectify" in offered(desk, page)
    unnamed = desk.post(f"/requests/act/rectify/?id={asked.id}", {"part": ""})
    assert (unnamed.status_code, "请填写「部位」" in text(unnamed)) == (UNACCEPTABLE, True)
    over = desk.post(f"/requests/act/rectify/?id={asked.id}", {"part": "窗框", "warranty_until": PAST})
    assert (over.status_code, "已经届满" in text(over)) == (UNACCEPTABLE, True)
    done(desk.post(f"/requests/act/rectify/?id={asked.id}", {"part": "窗框"}))
    made = latest(Defect)
    assert (made.request_id, latest(Ticket).content) == (asked.id, "窗框渗水")
    assert "窗框" in text(desk.get(page))
    assert "rectify" not in offered(desk, page)
    done(assistant.post(f"/defects/act/decline/?id={made.id}", {"reason": "业主自行改动"}))
    assert "rectify" in offered(desk, page)


def test_who_only_does_the_work_neither_puts_off_nor_files(sign_in, cast: Cast, record):
    head = sign_in(cast.north.people[Role.DEPARTMENT_HEAD].staff)
    assert offered(head, f"/rectifications/details/?id={record.id}") == {"sign-for", "second-copy", "note"}
    for verb in ("postpone", "file", "cancel"):
        assert head.post(f"/rectifications/act/{verb}/?id={record.id}").status_code == 403
    centre = sign_in(cast.group[Role.GROUP_CENTRE].staff)
    assert offered(centre, f"/rectifications/details/?id={record.id}") == set()
    technician = sign_in(cast.north.people[Role.TECHNICIAN].staff)
    assert technician.get("/rectifications/").status_code == 403


def test_a_builder_is_masked_refused_twice_and_kept_while_it_has_records(
    sign_in, cast: Cast, assistant, record, latest
):
    kept = latest(Builder)
    page = text(assistant.get(f"/builders/details/?id={kept.id}"))
    assert "19912345678" not in page
    assert record.number in page
    twice = assistant.post("/builders/new/", {"name": kept.name})
    assert (twice.status_code, "名称" in text(twice)) == (UNACCEPTABLE, True)
    supervisor = sign_in(cast.north.people[Role.SUPERVISOR].staff)
    assert assistant.post("/builders/delete/", {"id": kept.id}).status_code == 403
    answer = supervisor.post("/builders/delete/", {"id": kept.id})
    assert (answer.status_code, record.number in text(answer)) == (409, True)
    done(assistant.post("/builders/new/", {"name": "误登建设"}))
    done(supervisor.post("/builders/delete/", {"id": latest(Builder).id}))
    assert latest(Builder).name == kept.name


def test_a_builder_of_another_office_is_not_there_to_choose(assistant, database, cast: Cast, defect):
    with database.session(cast.south.scope(), CLOCKWORK) as session:
        row = Builder(office_id=cast.south.id, name="南方建设")
        session.add(row)
        session.commit()
        foreign = row.id
    done(assistant.post(f"/defects/act/confirm/?id={defect.id}", {"cause": "开裂", "owner_signed": "y"}))
    answer = assistant.post(f"/defects/act/issue/?id={defect.id}", {"builder": foreign, "agreed_on": LATER})
    assert (answer.status_code, "没有找到所选的记录" in text(answer)) == (UNACCEPTABLE, True)
    assert "南方" not in text(assistant.get("/defects/ajax/lookup/?name=builder&query=南方"))


def test_the_workbench_leads_to_a_defect_and_its_number_to_its_page(assistant, defect, database, cast: Cast):
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        number = session.get_one(Ticket, defect.ticket_id).number
    assert number in text(assistant.get("/workbench"))
    answer = assistant.get(f"/tickets/{defect.ticket_id}")
    assert (answer.status_code, answer.location.endswith(f"/defects/details/?id={defect.id}")) == (302, True)
