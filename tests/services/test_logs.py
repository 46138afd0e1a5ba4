"""The log says what happened to the program, in a form machines read, and nothing about anybody."""

import io
import json
import logging
import sys
import threading
import warnings
from contextvars import copy_context
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

import make
from tenant import logs
from tenant.models import Owner
from tenant.settings import Settings

PHONE, ID_NUMBER, ADDRESS, NAME = "13912345678", "11010519491231002X", "zhang.san@home.invalid", "欧阳夏丹"


@pytest.fixture
def written(monkeypatch):
    """Configure the log into a text and return what reads it; everything is as before afterwards."""
    root = logging.getLogger()
    before = (list(root.handlers), root.level, sys.excepthook, threading.excepthook)
    levels = {name: logging.getLogger(name).level for name in logs.CHATTY}
    stream = io.StringIO()

    def begin(log_format, kind="worker"):
        monkeypatch.setattr(sys, "stderr", stream)
        logs.configure(Settings(home=Path("/nowhere"), log_format=log_format), kind)
        return stream.getvalue

    yield begin
    logging.captureWarnings(capture=False)
    root.handlers[:], sys.excepthook, threading.excepthook = before[0], before[2], before[3]
    root.setLevel(before[1])
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def lines(read):
    return [json.loads(line) for line in read().splitlines()]


def test_a_line_of_json_holds_when_who_what_and_what_it_belongs_to(written):
    read = written("json")

    def work():
        logs.request_id.set("abc")
        logs.correlation.set("def")
        logs.office.set(7)
        logging.getLogger("tasks.drain").warning("due action %s failed", 12, extra={"rule": "escalation"})

    copy_context().run(work)
    logging.getLogger("tasks").info("next")
    first, second = lines(read)
    assert first["time"].endswith("Z")
    assert (first["level"], first["logger"], first["process"]) == ("WARNING", "tasks.drain", "worker")
    assert (first["message"], first["rule"]) == ("due action 12 failed", "escalation")
    assert (first["request_id"], first["correlation_id"], first["office_id"]) == ("abc", "def", 7)
    assert "request_id" not in second


def test_a_text_for_people_is_one_line_however_many_the_message_has(written):
    read = written("text")
    logs_of = copy_context()
    logs_of.run(logs.correlation.set, "def")
    logs_of.run(logging.getLogger("tasks").error, "first\nsecond")
    [line] = read().splitlines()
    assert "tasks: first second  (correlation_id=def)" in line


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_no_number_or_address_of_a_person_is_written(written, log_format):
    read = written(log_format)
    log = logging.getLogger("tasks")
    log.warning("电话%s，座机 0571-87654321，+86 139 1234 5678，证件%s，邮箱%s", PHONE, ID_NUMBER, ADDRESS)
    log.warning("旧证件 110105491231002，短信 %s%s", "给", PHONE, extra={"note": PHONE})
    try:
        int(f"{PHONE} of {ADDRESS}")
    except ValueError:
        log.exception("failed")
    text = read()
    for secret in (PHONE, "1234 5678", "87654321", ID_NUMBER, "110105491231002", "zhang.san"):
        assert secret not in text, secret
    assert "home.invalid" in text
    assert "ValueError" in text


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_what_the_database_says_of_a_row_is_not_written(written, log_format, database, cast):
    read = written(log_format)
    with database.session(cast.north.scope(), cast.north.actor(next(iter(cast.north.people)))) as session:
        owner = make.owner(session, cast.north.id, name=NAME, note=f"第一行\n第二行 {NAME}")
        owner.kind = "nobody" * 2
        try:
            session.flush()
        except (DBAPIError, LookupError, ValueError):
            logging.getLogger("admin").exception("failed")
    with database.session(cast.north.scope(), cast.north.actor(next(iter(cast.north.people)))) as session:
        try:
            session.execute(select(Owner.id).where(Owner.id == 1 << 70, Owner.name == NAME)).all()
        except DBAPIError:
            logging.getLogger("admin").exception("failed")
    text = read()
    assert text.count("Traceback") >= 2
    assert NAME not in text


def test_what_stands_after_a_detail_is_kept_and_what_stands_in_it_is_not():
    text = (
        'psycopg.errors.NotNullViolation: null value in column "x"\n'
        "DETAIL:  Failing row contains (1, 张三, 第一行\n第二行 李四\n).\n\n"
        "The above exception was the direct cause of the following exception:\n"
        'Traceback (most recent call last):\n  File "a.py", line 1\n'
        "[SQL: INSERT INTO owner VALUES (%(a)s)]\n"
        "[parameters: {'a': '张三]', 'b': '李四'}]\n(Background on this error at: x)"
    )
    bare = logs.mask(text)
    assert "张三" not in bare
    assert "李四" not in bare
    for kept in ('column "x"', "direct cause", "a.py", "INSERT INTO owner", "Background"):
        assert kept in bare


def test_what_is_no_personal_number_stays(written):
    kept = (
        "request 4f0c1d2e3a4b5c6d, mail <0123456789abcdef0123456789abcdef@wuguan.invalid>, 1,234,567 rows, 2026-11-21"
    )
    assert logs.mask(kept) == kept
    assert logs.mask("redis://user:secret@10.0.0.1:6379/0") == "redis://***@10.0.0.1:6379/0"


def test_an_error_that_ends_a_thread_is_a_line_like_all_others(written):
    read = written("json")

    def fall():
        message = f"gone {PHONE}"
        raise RuntimeError(message)

    thread = threading.Thread(target=fall, name="relay")
    thread.start()
    thread.join()
    [line] = lines(read)
    assert (line["level"], line["message"]) == ("CRITICAL", "thread relay ends")
    assert "RuntimeError" in line["error"]
    assert PHONE not in line["error"]


def test_a_warning_of_python_is_a_line_and_others_are_heard_only_when_it_matters(written):
    read = written("json")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("old ways", DeprecationWarning, stacklevel=1)
    logging.getLogger("dramatiq.worker").info("chatter")
    logging.getLogger("waitress.queue").warning("Task queue depth is 5")
    assert [line["logger"] for line in lines(read)] == ["py.warnings", "waitress.queue"]


def test_configuring_twice_writes_each_line_once(written):
    written("text")
    read = written("json")
    logging.getLogger("tasks").info("once")
    assert len(lines(read)) == 1
