"""The main job by commands alone: roster, overdue request, arrears, mails, record; twice the same is once."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from openpyxl import Workbook

if TYPE_CHECKING:
    from conftest import Program

HEADINGS = ("楼栋", "单元", "房号", "业主姓名", "联系电话", "建筑面积", "电子邮箱")
RECEIVED, HALF_AN_HOUR_LATER = "2026-03-02T09:00", "2026-03-02T09:30"


@pytest.fixture(scope="module")
def roster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plain roster of six flats, one row of which lacks its room."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(HEADINGS)
    for number in range(1, 7):
        room = "" if number == 4 else f"{number}01"
        sheet.append(
            (
                "5",
                "1",
                room,
                f"业主{'甲乙丙丁戊己'[number - 1]}",
                f"1990000{number:04d}",
                88.5,
                f"o{number}@home.invalid",
            )
        )
    path = tmp_path_factory.mktemp("rosters") / "业主名册.xlsx"
    book.save(path)
    return path


@pytest.fixture(scope="module")
def office(wuguan: "Program") -> str:
    """An office with everybody an escalation goes to."""
    assert wuguan("company", "add", "EAST", "东区物业").code == 0
    for code, name in (("NORTH", "北苑管理处"), ("SOUTH", "南苑管理处")):
        assert wuguan("office", "add", code, name, "--company", "EAST").code == 0
    for role in ("technician", "department_head", "supervisor", "director", "office_admin", "front_desk"):
        done = wuguan(
            "staff", "add", role, f"北苑{role}", "--role", role, "--office", "NORTH", "--email", f"{role}@staff.invalid"
        )
        assert done.code == 0, done.err
    return "NORTH"


def _counts(answer: Any) -> dict[str, Any]:
    counts: dict[str, Any] = answer.json["counts"]
    return counts


def test_a_preview_writes_nothing_and_says_what_it_would_do(wuguan: "Program", office: str, roster: Path) -> None:
    answer = wuguan("import", "roster", str(roster), "--office", office, "--preview", "--json")
    assert answer.code == 0, answer.err
    assert answer.json["state"] == "previewed"
    assert _counts(answer)["units"] == {"new": 5, "changed": 0, "same": 0}
    assert _counts(answer)["rows"] == {"read": 6, "refused": 1, "conflict": 0}
    (refused,) = answer.json["refused"]
    assert refused["row"] == 5
    assert "第 5 行" in refused["reason"]
    denied = wuguan("ticket", "add", "request", "--office", office, "--unit", "5-1-101", "--content", "漏水", "--json")
    assert denied.code == 1


def test_b_applied_twice_is_applied_once(wuguan: "Program", office: str, roster: Path) -> None:
    first = wuguan("import", "roster", str(roster), "--office", office, "--apply", "--json")
    assert first.code == 0, first.err
    assert first.json["state"] == "applied"
    again = wuguan("import", "roster", str(roster), "--office", office, "--apply", "--json")
    assert again.code == 0, again.err
    for kind in ("units", "owners", "ownerships"):
        assert _counts(again)[kind] == {"new": 0, "changed": 0, "same": 5}


def test_c_an_overdue_request_goes_up_the_line_once(wuguan: "Program", office: str) -> None:
    added = wuguan(
        "ticket", "add", "request", "--office", office, "--unit", "5-1-101", "--content", "厨房漏水", "--urgent",
        "--at", RECEIVED, "--json",
    )  # fmt: skip
    assert added.code == 0, added.err
    assert {"dispatch", "first_reply"} <= {clock["kind"] for clock in added.json["clocks"]}
    (entry,) = wuguan("audit", "list", "--verb", "ticket.create", "--json").json["entries"]
    assert "实际办理于" in entry["reason"], "who states the time does not hide when it was"
    early = wuguan("sweep", "escalations", "--at", RECEIVED, "--json").json
    assert (early["due"], early["mails"]) == (0, 0)
    first = wuguan("sweep", "escalations", "--at", HALF_AN_HOUR_LATER, "--json").json
    assert set(first) == {"at", "due", "done", "cancelled", "dead", "mails"}
    assert first["done"] == first["due"] > 0
    assert first["mails"] > 0
    again = wuguan("sweep", "escalations", "--at", HALF_AN_HOUR_LATER, "--json").json
    assert {again[key] for key in ("due", "done", "cancelled", "dead", "mails")} == {0}
    mails = wuguan("mail", "list", "--office", office, "--json").json["mails"]
    assert len(mails) == first["mails"]
    assert all("@staff.invalid" in mail["to"] and mail["state"] == "queued" for mail in mails)


def test_d_mail_goes_out_once_and_is_collected_here(wuguan: "Program", office: str) -> None:
    waiting = len(wuguan("mail", "list", "--office", office, "--json").json["mails"])
    assert wuguan("sweep", "mail", "--json").json["mails"] == waiting
    assert wuguan("sweep", "mail", "--json").json["mails"] == 0
    assert {mail["state"] for mail in wuguan("mail", "list", "--json").json["mails"]} == {"sent"}
    assert len(list((wuguan.home / "mailbox").rglob("*.eml"))) == waiting


def test_e_all_of_it_stands_in_the_record_and_the_record_is_whole(wuguan: "Program", office: str) -> None:
    entries = wuguan("audit", "list", "--office", office, "--limit", "10000", "--json").json["entries"]
    verbs = {entry["verb"] for entry in entries}
    assert {"unit.create", "owner.create", "ownership.create", "ticket.create", "escalation.create"} <= verbs
    assert not any("1990000000" in json.dumps(entry) for entry in entries), "a telephone number stands unmasked"
    assert wuguan("audit", "verify", "--json").json["ok"]
    of_south = wuguan("audit", "list", "--office", "SOUTH", "--json").json["entries"]
    assert {entry["verb"] for entry in of_south} == {"office.create"}
