"""What each mail says, word for word, and what no template may say.

To accept a change of wording, run with ``WUGUAN_WRITE_GOLDEN=1`` and read the difference.
"""

import os
import re
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from importlib import resources
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from admin.app import create_app
from tasks import worker
from tasks.mail.compose import PARTS, MailKind, check_templates, checked, compose, show_minutes, template
from tasks.sweeps.dunning import legal_step, reminder
from tasks.sweeps.escalations import draft
from tasks.sweeps.gaps import draft as gaps_draft
from tasks.sweeps.gathering import draft as gathered_draft
from tasks.sweeps.gathering import line as gathered_line
from tasks.sweeps.reports import draft as report_draft
from tasks.sweeps.routing import draft as routed_draft
from tasks.sweeps.warnings import draft as warned_draft
from tenant.errors import SettingsError
from tenant.models import DueAction, Mail, Office, Shift
from tenant.rules.terms import ClockKind, DunningLevel, Gravity, MailClass, ReportKind, Role, TicketKind
from tenant.services.dunning import NoticeTaken
from tenant.services.duties import Watched
from tenant.services.escalations import Raised
from tenant.services.gathering import Part
from tenant.services.postings import Recipient
from tenant.services.reports import SENT_BACK, Told
from tenant.services.routing import Routed
from tenant.settings import Settings

GOLDEN = Path(__file__).parent / "golden"
AT = datetime(2026, 3, 2, 5, 15, tzinfo=UTC)
SETTINGS = Settings(home=GOLDEN, base_url="https://wuguan.example")
DIRECTOR = Recipient("林主任", "lin@wuguan.invalid", Role.DIRECTOR)

RAISED = Raised(
    escalation_id=7, office_id=1, office_name="北苑管理处", zone="Asia/Shanghai", ticket_id=42,
    ticket_number="BS-2026-0042", ticket_kind=TicketKind.REQUEST, clock_kind=ClockKind.FIRST_REPLY, level=4,
    tell=(Role.DIRECTOR,), above=(), due_at=datetime(2026, 3, 2, 4, 15, tzinfo=UTC), raised_at=AT, late_minutes=60,
    source="A-W4", content="厨房 <水管> 漏水 & 楼下渗水", place="5-1-101", department_id=None, technician_id=None,
)  # fmt: skip


ROUTED = Routed(
    office_id=1, office_name="北苑管理处", zone="Asia/Shanghai", ticket_id=43, number="TS-2026-0007", grading=1,
    gravity=Gravity.MAJOR, tell=(Role.DIRECTOR,), above=(), source="A-C4b", content="电梯 <困人> & 无人接警",
    demand="书面答复", about="秩序部", place="5-1-101", why="住户受损", harm=True,
    received_at=datetime(2026, 3, 2, 4, 15, tzinfo=UTC),
)  # fmt: skip


TOLD = Told(
    what=SENT_BACK, cycle="1", report_id=5, number="BB2026-0004", kind=ReportKind.MONTH, office_id=1,
    office_name="北苑管理处", zone="Asia/Shanghai", from_on=date(2026, 1, 26), last_on=date(2026, 2, 25),
    due_on=date(2026, 2, 28), why="漏报 <电梯困人> & 未写措施", tell=(Role.DIRECTOR,), above=(), source="A-W15",
)  # fmt: skip


def notice(level, **changes):
    facts = {
        "notice_id": 9, "office_id": 1, "office_name": "北苑管理处", "office_phone": "0755-0000000",
        "zone": "Asia/Shanghai", "owner_id": 3, "owner_name": "赵一", "owner_address": "zhao@owner.invalid", "tell": (),
        "level": level, "sequence": 2, "amount": Decimal("1234.50"), "late_fee": Decimal("18.52"), "charges": 3,
        "oldest_due_on": date(2026, 1, 10), "reached_on": date(2026, 2, 10), "big": False, "source": "B-F2",
    }  # fmt: skip
    return NoticeTaken(**facts | changes)


def gathered(**changes):
    facts = {
        "mail": Mail(id=5, recipient_name="林主任", recipient_address="lin@wuguan.invalid"), "ticket_id": 42,
        "ticket_number": "BS-2026-0042", "ticket_kind": TicketKind.REQUEST, "clock": "首次答复",
        "content": "厨房 <水管> 漏水 & 楼下渗水", "place": "5-1-101", "due_at": RAISED.due_at, "late_minutes": 75,
        "level": 4, "role": Role.DIRECTOR, "is_done": False,
    }  # fmt: skip
    return Part(**facts | changes)


def in_one(parts):
    return gathered_draft(parts, Office(id=1, name="北苑管理处", zone="Asia/Shanghai"), SETTINGS)


def one_line():
    made = gathered_line(gathered(), "Asia/Shanghai", SETTINGS)
    return SimpleNamespace(subject=made.subject, text_body=made.text, html_body=made.html)


def with_gaps():
    night = Watched(Shift(name="夜班", begins=time(17, 30), ends=time(8)), date(2026, 3, 3), (), is_over=False)
    return gaps_draft([night], DIRECTOR, Office(id=1, name="北苑管理处", zone="Asia/Shanghai"), night.day, SETTINGS)


def soon():
    to_come = replace(RAISED, due_at=datetime(2026, 3, 2, 5, 45, tzinfo=UTC), late_minutes=0)
    return warned_draft(to_come, DIRECTOR, DueAction(subject_id=8), SETTINGS)


DRAFTS = {
    "warning": soon,
    "gathered": lambda: in_one([gathered(ticket_number="BS-2026-0041", is_done=True), gathered()]),
    "gathered_line": one_line,
    "duty_gaps": with_gaps,
    "escalation": lambda: draft(RAISED, DIRECTOR, SETTINGS),
    "arrears_reminder": lambda: reminder(notice(DunningLevel.REMINDER), "zhao@owner.invalid", AT, SETTINGS),
    "routing": lambda: routed_draft(ROUTED, DIRECTOR, SETTINGS),
    "report": lambda: report_draft(TOLD, DIRECTOR, SETTINGS),
    "legal_step": lambda: legal_step(notice(DunningLevel.LETTER, source="B-F3"), DIRECTOR, SETTINGS),
}


def test_every_kind_of_mail_has_its_golden_files():
    assert {kind.code for kind in MailKind} == set(DRAFTS)
    assert {file.name for file in GOLDEN.iterdir()} == {f"{kind.code}.{part}" for kind in MailKind for part in PARTS}


@pytest.mark.parametrize("code", DRAFTS)
def test_a_mail_says_what_its_golden_files_say(code):
    made = DRAFTS[code]()
    for part, text in zip(PARTS, (made.subject, made.text_body, made.html_body), strict=True):
        file = GOLDEN / f"{code}.{part}"
        if os.environ.get("WUGUAN_WRITE_GOLDEN"):
            file.write_text(text, "utf-8")
        assert text == file.read_text("utf-8")


def test_b_f2_a_reminder_opens_with_amount_and_period_and_names_the_late_fee():
    made = DRAFTS["arrears_reminder"]()
    assert made.text_body.startswith("待缴金额：1,234.50 元\n费用期间：2026-01-10")
    assert "1,234.50" in made.subject
    assert "违约金" in made.text_body
    assert "18.52" in made.text_body
    assert "0755-0000000" in made.text_body
    assert made.mail_class is MailClass.REMINDER


def test_what_people_wrote_is_text_and_never_markup():
    made = DRAFTS["escalation"]()
    assert "厨房 <水管> 漏水 & 楼下渗水" in made.text_body
    assert "厨房 &lt;水管&gt; 漏水 &amp; 楼下渗水" in made.html_body
    assert "<水管>" not in made.html_body


def test_a_line_break_in_a_value_makes_no_second_line_of_a_subject():
    values = dict.fromkeys(MailKind.ARREARS_REMINDER.allowed, "甲\r\nBcc: everybody@wuguan.invalid")
    assert "\n" not in compose(MailKind.ARREARS_REMINDER, values).subject


@pytest.mark.parametrize("kind", MailKind)
def test_every_template_names_only_what_it_may(kind):
    for part in PARTS:
        assert template(kind, part).get_identifiers()


def test_an_unknown_placeholder_is_refused_by_file_and_name():
    with pytest.raises(SettingsError) as refused:
        checked("escalation.txt", "${name} ${id_number}", MailKind.ESCALATION.allowed)
    assert refused.value.code == "unknown_placeholder"
    assert "escalation.txt" in refused.value.message
    assert "id_number" in refused.value.message


@pytest.mark.parametrize("kind", MailKind)
def test_a_text_without_what_it_is_for_is_refused_by_file_and_name(kind):
    assert kind.required <= kind.allowed
    for name in kind.required:
        others = " ".join(f"${{{other}}}" for other in kind.allowed - {name})
        with pytest.raises(SettingsError) as refused:
            checked(f"{kind.code}.txt", others, kind.allowed, kind.required)
        assert refused.value.code == "unused_placeholder"
        assert f"{kind.code}.txt" in refused.value.message
        assert name in refused.value.message


@pytest.fixture
def other_templates(tmp_path, monkeypatch):
    """A copy of the templates to be spoilt, read in place of the product's."""
    shutil.copytree(resources.files("tasks.mail").joinpath("templates"), tmp_path / "templates")
    monkeypatch.setattr("tasks.mail.compose.resources.files", lambda _: tmp_path)
    template.cache_clear()
    yield tmp_path / "templates"
    template.cache_clear()


@pytest.mark.parametrize(
    ("part", "source", "code"),
    [
        ("subject", None, "missing_template"),
        ("txt", None, "missing_template"),
        ("html", None, "missing_template"),
        ("txt", b"\xff\xfe", "missing_template"),
        ("subject", b"  \n", "empty_template"),
        ("subject", b"${id_number}", "unknown_placeholder"),
        ("html", b"<p>${name}</p>", "unused_placeholder"),
        ("txt", b"$", "bad_template"),
    ],
)
def test_a_broken_template_stops_the_worker_at_its_start(other_templates, tmp_path, part, source, code):
    file = other_templates / f"arrears_reminder.{part}"
    file.unlink()
    if source is not None:
        file.write_bytes(source)
    with pytest.raises(SettingsError) as refused:
        worker.check(Settings(home=tmp_path))
    assert (refused.value.code, refused.value.field) == (code, file.name)
    assert file.name in refused.value.message


def test_the_templates_that_ship_are_whole():
    template.cache_clear()
    check_templates()


def test_an_unfinished_placeholder_is_refused():
    with pytest.raises(SettingsError) as refused:
        checked("escalation.txt", "${name", MailKind.ESCALATION.allowed)
    assert refused.value.code == "bad_template"


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(0, "0 分钟"), (59, "59 分钟"), (60, "1 小时"), (125, "2 小时 5 分钟"), (1440, "1 天"), (4560, "3 天 4 小时")],
)
def test_a_delay_is_written_for_people(minutes, words):
    assert show_minutes(minutes) == words


def test_every_link_leads_to_a_page_there_is(database, tmp_path):
    pages = create_app(replace(SETTINGS, home=tmp_path), database).url_map.bind("wuguan.example")
    links = {code: re.findall(r"https://\S+", made().text_body) for code, made in DRAFTS.items()}
    assert {code for code, found in links.items() if not found} == {"arrears_reminder"}
    for link in (link for found in links.values() for link in found):
        assert pages.test(urlsplit(link).path, "GET"), link
