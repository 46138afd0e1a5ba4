"""What a mail says: one template a kind, in three files, with a list of the placeholders it may name.

A template is read and checked when it is first used and when the worker starts; a placeholder that is not on the list
is refused with the file and the name, instead of being sent to a customer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from html import escape
from importlib import resources
from string import Template

from tenant.errors import SettingsError

PARTS = ("subject", "txt", "html")
_MINUTES_AN_HOUR, _MINUTES_A_DAY = 60, 24 * 60


class MailKind(Enum):
    """The mails there are, each with the placeholders its templates may use."""

    ESCALATION = (
        "escalation",
        frozenset({"asked", "clock", "content", "due_at", "late", "level", "link", "name"})
        | {"number", "office", "place", "role", "source", "ticket_kind"},
    )
    """To staff up the line: a clock ran out (A-C4, A-C7)."""
    ARREARS_REMINDER = (
        "arrears_reminder",
        frozenset({"amount", "day", "late_fee", "name", "office", "payment", "period", "phone"}),
    )
    """To an owner: what is owed, how to pay, whom to call, what it may cost (B-F2)."""
    LEGAL_STEP = (
        "legal_step",
        frozenset({"amount", "anchor_on", "asked", "late_fee", "link", "name"})
        | {"office", "owner", "reached_on", "sequence", "source", "step"},
    )
    """To director and finance: counsel is to be informed or instructed (B-F3 to B-F5, B-F7)."""

    def __init__(self, code: str, allowed: frozenset[str]) -> None:
        """Keep the file name and the allowed placeholders."""
        self.code = code
        self.allowed = allowed


@dataclass(frozen=True, slots=True)
class Composed:
    """A mail's three parts, ready for a recipient."""

    subject: str
    text: str
    html: str


def compose(kind: MailKind, values: Mapping[str, str]) -> Composed:
    """Fill the templates of ``kind``; values are escaped in the HTML part and kept on one line in the subject.

    Raises KeyError when a placeholder has no value, SettingsError when a template is broken.
    """
    subject, text, html = (template(kind, part) for part in PARTS)
    plain = {name: str(value) for name, value in values.items()}
    return Composed(
        subject=" ".join(subject.substitute(plain).split()),
        text=text.substitute(plain),
        html=html.substitute({name: escape(value, quote=True) for name, value in plain.items()}),
    )


@cache
def template(kind: MailKind, part: str) -> Template:
    """Return one part of a kind's template. Raises SettingsError when it names a placeholder that is not allowed."""
    name = f"{kind.code}.{part}"
    return checked(name, resources.files("tasks.mail").joinpath("templates", name).read_text("utf-8"), kind.allowed)


def checked(name: str, source: str, allowed: frozenset[str]) -> Template:
    """Return ``source`` as a template. Raises SettingsError naming the file and what in it is not allowed."""
    found = Template(source)
    if not found.is_valid():
        raise SettingsError(
            code="bad_template",
            message=f"邮件模板 {name} 中有不完整的占位符。请写成 ${{名称}}，单独的 $ 写成 $$。",
            field=name,
        )
    unknown = sorted(set(found.get_identifiers()) - allowed)
    if unknown:
        raise SettingsError(
            code="unknown_placeholder",
            message=f"邮件模板 {name} 使用了未知的占位符 {'、'.join(unknown)}。可用：{'、'.join(sorted(allowed))}。",
            field=name,
            value=unknown[0],
        )
    return found


def check_templates() -> None:
    """Read every template once. Raises SettingsError for the first that is broken."""
    for kind in MailKind:
        for part in PARTS:
            template(kind, part)


def show_minutes(minutes: int) -> str:
    """Write a length of time for people: ``45 分钟``, ``2 小时 5 分钟``, ``3 天 4 小时``."""
    days, rest = divmod(minutes, _MINUTES_A_DAY)
    hours, left = divmod(rest, _MINUTES_AN_HOUR)
    if days:
        return f"{days} 天 {hours} 小时" if hours else f"{days} 天"
    if hours:
        return f"{hours} 小时 {left} 分钟" if left else f"{hours} 小时"
    return f"{left} 分钟"
