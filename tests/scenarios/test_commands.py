"""What the commands promise, tried as a user does: a process, an exit code, a JSON answer, a sentence in Chinese."""

import json
import re
import shutil
import socket
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text

from tenant import embedded
from tenant.errors import SettingsError
from tenant.settings import Settings

if TYPE_CHECKING:
    from conftest import Program

CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def office(wuguan: "Program") -> str:
    """A company with an office and a unit in it; the office's code."""
    assert wuguan("db", "upgrade").code == 0
    assert wuguan("company", "add", "EAST", "东区物业").code == 0
    assert wuguan("office", "add", "NORTH", "北苑管理处", "--company", "EAST").code == 0
    return "NORTH"


def test_the_schema_goes_up_and_says_where_it_is(wuguan: "Program", office: str) -> None:
    answer = wuguan("db", "current", "--json")
    assert answer.code == 0
    assert answer.json["revision"] == answer.json["head"]


def test_a_new_person_gets_a_password_that_is_shown_once(wuguan: "Program", office: str) -> None:
    answer = wuguan(
        "staff",
        "add",
        "wang",
        "王安",
        "--role",
        "front_desk",
        "--office",
        office,
        "--email",
        "wang@staff.invalid",
        "--json",
    )
    assert answer.code == 0, answer.err
    assert len(answer.json["password"]) >= 12
    entries = wuguan("audit", "list", "--json")
    assert answer.json["password"] not in entries.out
    assert any(entry["verb"] == "staff.create" for entry in entries.json["entries"])


REFUSED = {
    "an unknown office": ("ticket", "add", "request", "--office", "NOWHERE", "--unit", "1-1-101", "--content", "漏水"),
    "an unknown unit": ("ticket", "add", "request", "--office", "NORTH", "--unit", "9-9-999", "--content", "漏水"),
    "a kind that is none": ("ticket", "add", "wish", "--office", "NORTH", "--unit", "1-1-101", "--content", "漏水"),
    "a gravity that is none": (
        "ticket",
        "add",
        "complaint",
        "--office",
        "NORTH",
        "--unit",
        "1-1-101",
        "--content",
        "漏水",
        "--gravity",
        "huge",
    ),
    "an --at that is no time": ("sweep", "escalations", "--at", "昨天下午"),
    "an --at of the year one": ("sweep", "escalations", "--at", "0001-01-01"),
    "an --at past all calendars": ("sweep", "mail", "--at", "9999-12-31T23:59:59-05:00"),
    "a content with a control sign": (
        "ticket",
        "add",
        "request",
        "--office",
        "NORTH",
        "--unit",
        "1-1-101",
        "--content",
        "漏\x1b[31m水",
    ),
    "a name that is no text": ("company", "add", "BROKEN", "\udcd0\udcc2"),
    "a code with a control sign": ("company", "add", "E\x01ST", "又一家"),
    "a person with a control sign": ("staff", "add", "li", "李\x02宁", "--role", "director", "--office", "NORTH"),
    "a gravity for a request": (
        "ticket",
        "add",
        "request",
        "--office",
        "NORTH",
        "--unit",
        "1-1-101",
        "--content",
        "漏水",
        "--gravity",
        "grave",
    ),
    "an urgency for a complaint": (
        "ticket",
        "add",
        "complaint",
        "--office",
        "NORTH",
        "--unit",
        "1-1-101",
        "--content",
        "噪音",
        "--urgent",
    ),
    "a sweep that is none": ("sweep", "floors"),
    "a taken company code": ("company", "add", "east", "又一家"),
    "an unknown company": ("office", "add", "X1", "某管理处", "--company", "NONE"),
    "a role that is none": ("staff", "add", "li", "李宁", "--role", "king", "--office", "NORTH"),
    "two places for one posting": ("staff", "add", "li", "李宁", "--role", "director", "--office", "NORTH", "--group"),
    "a place the role cannot have": ("staff", "add", "li", "李宁", "--role", "group_centre", "--office", "NORTH"),
    "a file that is not there": ("import", "roster", "nothing.xlsx", "--office", "NORTH", "--preview"),
    "neither preview nor apply": ("import", "roster", "nothing.xlsx", "--office", "NORTH"),
    "a mail state that is none": ("mail", "list", "--state", "lost"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_is_a_chinese_sentence_an_exit_code_and_a_reason_in_the_json(
    wuguan: "Program", office: str, case: str
) -> None:
    answer = wuguan(*REFUSED[case], "--json")
    assert answer.code == 1, (answer.out, answer.err)
    error = json.loads(answer.out)["error"]
    assert error["code"]
    assert CHINESE.search(error["message"])
    assert error["message"] in answer.err
    assert "Traceback" not in answer.err


def test_who_states_the_time_of_a_command_cannot_hide_when_it_was(wuguan: "Program", office: str) -> None:
    before = datetime.now(UTC)
    assert wuguan("sweep", "escalations", "--at", "2031-05-06T07:08", "--office", office).code == 0
    (entry,) = wuguan("audit", "list", "--verb", "sweep.stated", "--json").json["entries"]
    assert entry["actor_kind"] == "command"
    assert datetime.fromisoformat(entry["at"]) >= before
    assert entry["after"] == {"sweep": "escalations", "at": "2031-05-05T23:08:00+00:00"}


def test_after_all_those_refusals_nothing_has_changed(wuguan: "Program", office: str) -> None:
    entries = wuguan("audit", "list", "--limit", "10000", "--json").json["entries"]
    made = {entry["verb"] for entry in entries} - {"wall.crossed", "sweep.stated"}
    assert made == {"company.create", "office.create", "staff.create", "posting.create"}
    assert sum(entry["verb"] == "company.create" for entry in entries) == 1
    assert sum(entry["verb"] == "staff.create" for entry in entries) == 1


@pytest.mark.parametrize(
    "arguments",
    [("nonsense",), ("company", "add", "ONLY"), ("sweep", "mail", "--nope"), ("mail", "list", "--limit", "x")],
)
def test_a_call_that_is_wrong_exits_2_and_says_so_in_chinese(wuguan: "Program", arguments: tuple[str, ...]) -> None:
    answer = wuguan(*arguments)
    assert answer.code == 2
    assert CHINESE.search(answer.err)


BAD_SETTINGS = {
    "WUGUAN_PORT": "eighty",
    "DATABASE_URL": "mysql://root@localhost/x",
    "BROKER_URL": "kafka://localhost",
    "WUGUAN_SMTP_URL": "http://localhost",
    "WUGUAN_SECURE_COOKIES": "maybe",
    "WUGUAN_BASE_URL": "javascript:alert(1)",
    "WUGUAN_HOME": "~nobody-of-this-name/wuguan",
}
MISSHAPEN = [
    ("WUGUAN_PORT", "²"),
    ("WUGUAN_PORT", "9" * 5000),
    ("DATABASE_URL", "postgresql://host:abc/x"),
    ("BROKER_URL", "redis://127.0.0.1:99999/0"),
    ("WUGUAN_SMTP_URL", "smtp://host:99999"),
    ("WUGUAN_SMTP_URL", "smtp://[::1"),
]


@pytest.mark.parametrize(("name", "value"), MISSHAPEN)
def test_a_misshapen_setting_is_refused_before_anything_starts(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_environment({name: value})
    assert refused.value.field == name
    assert "请" in refused.value.message


def test_an_address_that_is_refused_does_not_show_its_password() -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_environment({"DATABASE_URL": "user:hidden-word@host/x"})
    assert "hidden" not in f"{refused.value.message}{refused.value.value}"


def test_a_setting_that_is_set_to_nothing_is_not_set() -> None:
    nothing = Settings.from_environment({"WUGUAN_HOME": "/x", "WUGUAN_PORT": "", "WUGUAN_HOST": ""})
    assert nothing == Settings.from_environment({"WUGUAN_HOME": "/x"})


def test_a_sender_without_an_address_stops_the_start_instead_of_the_work(wuguan: "Program", office: str) -> None:
    for command in ("serve", "worker"):
        answer = wuguan(command, WUGUAN_MAIL_FROM="nobody", WUGUAN_PORT="0")
        assert answer.code == 1
        assert "WUGUAN_MAIL_FROM" in answer.err
        assert "Traceback" not in answer.err


def test_a_host_that_is_none_is_a_sentence(wuguan: "Program", office: str) -> None:
    answer = wuguan("serve", "--host", "nowhere.invalid", "--port", "0")
    assert answer.code == 1
    assert "--host" in answer.err
    assert "Traceback" not in answer.err


def test_a_home_with_blanks_and_signs_of_the_shell_in_its_name_is_a_home() -> None:
    home = Path(tempfile.mkdtemp(prefix="物 管; ' & ", dir="/tmp"))
    try:
        running = embedded.start(home / "postgres")
        assert running.url("postgres", "postgres")
        running.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def test_the_server_of_a_home_with_a_long_name_is_closed_to_strangers(tmp_path: Path) -> None:
    running = embedded.start(tmp_path / ("long" * 30) / "postgres")
    try:
        folder = Path(str(running.url("postgres", "postgres").query["host"]))
        assert tmp_path not in folder.parents
        assert folder.stat().st_mode & 0o077 == 0
        engine = create_engine(running.url("postgres", "postgres"))
        with engine.connect() as connection:
            assert connection.scalar(text("SELECT 1")) == 1
        engine.dispose()
    finally:
        running.stop()


def test_a_home_that_is_a_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError) as refused:
        Settings(home=tmp_path / "file").signing_key()
    assert refused.value.field == "WUGUAN_HOME"


def test_a_start_that_was_killed_leaves_no_empty_key_behind(tmp_path: Path) -> None:
    (tmp_path / "secret-key").touch()
    key = Settings(home=tmp_path).signing_key()
    assert len(key) > 32
    assert Settings(home=tmp_path).signing_key() == key
    assert (tmp_path / "secret-key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", BAD_SETTINGS)
def test_a_bad_setting_is_named_with_the_way_out(wuguan: "Program", name: str) -> None:
    answer = wuguan("db", "current", **{name: BAD_SETTINGS[name]})
    assert answer.code == 1
    assert name in answer.err
    assert CHINESE.search(answer.err)
    assert "Traceback" not in answer.err


def test_a_database_that_does_not_answer_is_a_sentence(wuguan: "Program") -> None:
    answer = wuguan("company", "add", "A", "甲", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert answer.code == 1
    assert "DATABASE_URL" in answer.err
    assert "Traceback" not in answer.err


def test_a_taken_port_is_a_sentence(wuguan: "Program", office: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        answer = wuguan("serve", WUGUAN_PORT=str(taken.getsockname()[1]))
    assert answer.code == 1
    assert "WUGUAN_PORT" in answer.err
    assert "Traceback" not in answer.err


def test_the_doctor_finds_a_fresh_home_in_order(wuguan: "Program", office: str) -> None:
    answer = wuguan("doctor", "--json")
    assert answer.code == 0, answer.out
    assert answer.json["ok"]
    assert {"settings", "database", "head", "queue", "mail_queue"} <= {check["name"] for check in answer.json["checks"]}


def test_the_doctor_says_what_is_wrong(wuguan: "Program", office: str) -> None:
    answer = wuguan("doctor", "--json", BROKER_URL="redis://127.0.0.1:1/0")
    assert answer.code == 1
    wrong = [check for check in answer.json["checks"] if not check["ok"]]
    assert [check["name"] for check in wrong] == ["broker"]
    assert CHINESE.search(wrong[0]["advice"])


def test_two_homes_are_two_worlds(wuguan: "Program", office: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = type(wuguan)(tmp_path_factory.mktemp("other"))
    assert other("company", "add", "EAST", "同码不同家").code == 0
    assert "NORTH" not in other("audit", "list", "--json").out
