"""The edge of a command: settings, database, who acts, what time it is, and how an answer is printed.

A command is one transaction, committed here. A refusal leaves nothing changed, prints one Chinese sentence on standard
error (and its parts on standard output where ``--json`` was asked for) and ends with exit code 1.
"""

import getpass
import json
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec, TypeVar
from zoneinfo import ZoneInfo

import click

from audit.capture import Capture
from tenant import clock, migrations, policy
from tenant.db import Addresses, Database, locate
from tenant.errors import Refusal, SettingsError
from tenant.journal import Actor
from tenant.rules.terms import ActorKind, Term
from tenant.scoping import Scope, ScopedSession
from tenant.services.organisation import office_by_code
from tenant.settings import Settings
from tenant.unscoped import Reason, across_offices

if TYPE_CHECKING:
    from tenant.models import Office

Parameters = ParamSpec("Parameters")
Words = TypeVar("Words", bound=Term)

REFUSED = 1


@dataclass(frozen=True, slots=True)
class OfficeAtHand:
    """The office a command was told to work in."""

    id: int
    code: str
    name: str
    zone: str


def read_settings() -> Settings:
    """Return the settings of the environment; raises SettingsError."""
    return Settings.from_environment()


def operator() -> Actor:
    """Return whoever sits at the terminal as an actor; one request id for all the command does."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "?"
    return Actor(kind=ActorKind.COMMAND, name=f"命令行 {name}", request_id=uuid.uuid4().hex)


@contextmanager
def located(settings: Settings | None = None) -> Iterator[Addresses]:
    """Find the database, starting the embedded server for it, and let go of it after; raises SettingsError."""
    addresses = locate(settings or read_settings())
    try:
        yield addresses
    finally:
        if addresses.server is not None:
            addresses.server.stop()


@contextmanager
def open_database(settings: Settings | None = None) -> Iterator[Database]:
    """Open the database for one command and close it after; the schema must be the program's own.

    The embedded server's schema is brought up to date by itself: it has no other administrator. Raises SettingsError,
    also for a policy table that is broken.
    """
    policy.check()
    with located(settings) as addresses:
        require_head(addresses)
        database = Database(addresses, Capture())
        database.check()
        try:
            yield database
        finally:
            database.engine.dispose()


def require_head(addresses: Addresses) -> None:
    """See that the schema is at the program's head; raises SettingsError where somebody must run ``db upgrade``."""
    found, head = migrations.current(addresses), migrations.head()
    if found == head:
        return
    if addresses.server is not None:
        migrations.upgrade(addresses)
        return
    raise SettingsError(
        code="schema_behind",
        message=f"数据库结构版本是 {found or '空'}，程序需要 {head}。请先运行 wuguan db upgrade。",
        field="DATABASE_URL",
        value=found,
    )


@contextmanager
def group_session(database: Database, reason: Reason) -> Iterator[ScopedSession]:
    """Open a session that sees every office, and commit it when the block ends well."""
    with across_offices(database, reason, operator()) as session:
        yield session
        session.commit()


def find_office(database: Database, code: str) -> OfficeAtHand:
    """Return the office with ``code``; raises NotFound."""
    with across_offices(database, Reason.RESOLVING_OFFICE, operator()) as session:
        office: Office = office_by_code(session, code)
        return OfficeAtHand(id=office.id, code=office.code, name=office.name, zone=office.zone)


@contextmanager
def office_session(database: Database, office: OfficeAtHand, *, reason: str | None = None) -> Iterator[ScopedSession]:
    """Open a session of one office, and commit it when the block ends well; the record keeps ``reason``."""
    with database.session(Scope.of([office.id]), operator(), reason=reason) as session:
        yield session
        session.commit()


def read_at(text: str | None, zone: str = clock.DEFAULT_ZONE) -> datetime | None:
    """Return the instant ``--at`` names in ``zone``, None where it was not given; raises Refusal."""
    return None if text is None else clock.parse(text, zone)


def read_term(terms: type[Words], code: str, *, field: str, label: str) -> Words:
    """Return the member stored as ``code``; raises Refusal ``unknown_<field>`` naming those there are."""
    for term in terms:
        if term.value == code:
            return term
    raise Refusal(
        code=f"unknown_{field}",
        message=f"没有{label}「{code}」。可用：{'、'.join(f'{term.value}（{term.label}）' for term in terms)}。",
        field=field,
        value=code,
    )


def stated(at: datetime | None, zone: str = clock.DEFAULT_ZONE) -> str | None:
    """Return what the record says of a command that stated its time: when it really ran. None where it did not."""
    if at is None:
        return None
    ran_at = clock.now().astimezone(ZoneInfo(zone))
    return f"以 --at 指定时间，实际办理于 {ran_at:%Y-%m-%d %H:%M:%S}"


def answer(payload: Any, *, as_json: bool, sentence: str) -> None:
    """Print the result: JSON for a program, one or more Chinese sentences for a person."""
    click.echo(json.dumps(payload, ensure_ascii=False, default=str) if as_json else sentence)


def refuse(refusal: Refusal, *, as_json: bool) -> NoReturn:
    """Say why not, and end with exit code 1."""
    if as_json:
        click.echo(json.dumps({"error": refusal.as_json()}, ensure_ascii=False, default=str))
    click.echo(f"错误：{refusal.message}", err=True)
    sys.exit(REFUSED)


def _require_text(arguments: Mapping[str, object]) -> None:
    """Raise Refusal for an argument that is no text in the terminal's encoding: nothing could keep it."""
    for name, value in arguments.items():
        if isinstance(value, str) and not value.isascii() and value != value.encode("utf-8", "ignore").decode():
            raise Refusal(
                code="not_text",
                message=f"参数 {name} 不是 UTF-8 文字。请检查终端的编码后重新输入。",
                field=name,
                value=value.encode("utf-8", "replace").decode(),
            )


def answers(function: Callable[Parameters, None]) -> Callable[Parameters, None]:
    """Give a command ``--json`` and turn a refusal into a sentence and an exit code."""

    @click.option("--json", "as_json", is_flag=True, help="以 JSON 输出结果。")
    @wraps(function)
    def command(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        try:
            _require_text(kwargs)
            function(*args, **kwargs)
        except Refusal as refusal:
            refuse(refusal, as_json=bool(kwargs.get("as_json")))

    return command
