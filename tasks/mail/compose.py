"""What a mail says: one template a kind, in three files, with lists of the placeholders it may and must name.

A template is read and checked when it is first used and when the worker starts; a placeholder that is not on the list
is refused with the file and the name, instead of being sent to a customer, and so is a text that leaves out what it is
for.
"""

from collections.abc import Iterable, Mapping
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
    """The mails there are, each with the placeholders its templates may use, and those its texts must."""

    ESCALATION = (
        "escalation",
        frozenset({"asked", "clock", "content", "due_at", "late", "level", "link", "name"})
        | {"number", "office", "place", "role", "source", "ticket_kind"},
        frozenset({"asked", "content", "due_at", "late", "link", "number", "place"}),
    )
    """To staff up the line: a clock ran out (A-C4, A-C7)."""
    ROUTING = (
        "routing",
        frozenset({"about", "asked", "content", "demand", "gravity", "harm", "link", "name"})
        | {"number", "office", "place", "received_at", "role", "source", "why"},
        frozenset({"asked", "content", "gravity", "harm", "link", "number", "place", "why"}),
    )
    """To who has to see to a complaint as it is graded, and to who must be informed (A-C7, A-C4a, A-C4b)."""
    REPORT = (
        "report",
        frozenset({"asked", "due_on", "kind", "link", "name", "number", "office", "period", "source", "what", "why"}),
        frozenset({"asked", "kind", "link", "number", "office", "period", "what", "why"}),
    )
    """To the office whose report is due or was sent back, and to the centre it came to or is missing at (A-W15)."""
    WARNING = (
        "warning",
        frozenset({"asked", "clock", "content", "due_at", "left", "link", "name"})
        | {"number", "office", "place", "source", "ticket_kind"},
        frozenset({"asked", "content", "due_at", "left", "link", "number", "place"}),
    )
    """To who has a matter: a clock on it will run out (A-W3, A-C5)."""
    GATHERED = (
        "gathered",
        frozenset({"count", "done", "lines", "name", "office", "open"}),
        frozenset({"count", "lines", "open"}),
    )
    """To staff up the line: what would have been a flood of escalations, in one; ``lines`` are of the next kind."""
    GATHERED_LINE = (
        "gathered_line",
        frozenset({"asked", "clock", "content", "due_at", "late", "link", "mark", "number", "place", "ticket_kind"}),
        frozenset({"asked", "content", "due_at", "late", "link", "mark", "number", "place"}),
    )
    """One matter among those gathered; never a mail by itself."""
    DUTY_GAPS = (
        "duty_gaps",
        frozenset({"count", "day", "gaps", "link", "name", "office"}),
        frozenset({"day", "gaps", "link"}),
    )
    """To who keeps the rota: which shifts of tomorrow nobody has (B-S1)."""
    ARREARS_REMINDER = (
        "arrears_reminder",
        frozenset({"amount", "day", "late_fee", "name", "office", "payment", "period", "phone"}),
        frozenset({"amount", "late_fee", "office", "payment", "period", "phone"}),
    )
    """To an owner: what is owed, how to pay, whom to call, what it may cost (B-F2)."""
    LEGAL_STEP = (
        "legal_step",
        frozenset({"amount", "anchor_on", "asked", "late_fee", "link", "name"})
        | {"office", "owner", "reached_on", "sequence", "source", "step"},
        frozenset({"amount", "asked", "link", "owner", "step"}),
    )
    """To director and finance: counsel is to be informed or instructed (B-F3 to B-F5, B-F7)."""

    def __init__(self, code: str, allowed: frozenset[str], required: frozenset[str]) -> None:
        """Keep the file name, the allowed placeholders and those no text may leave out."""
        self.code = code
        self.allowed = allowed
        self.required = required


@dataclass(frozen=True, slots=True)
class Composed:
    """A mail's three parts, ready for a recipient."""

    subject: str
    text: str
    html: str


def compose(kind: MailKind, values: Mapping[str, str], lines: Iterable[Composed] = ()) -> Composed:
    """Fill the templates of ``kind``; values are escaped in the HTML part and kept on one line in the subject.

    ``lines`` stand for the placeholder of that name, as they were composed. Raises KeyError when a placeholder has no
    value, SettingsError when a template is broken.
    """
    subject, text, html = (template(kind, part) for part in PARTS)
    plain = {name: str(value) for name, value in values.items()}
    shown, parts = {name: escape(value, quote=True) for name, value in plain.items()}, list(lines)
    return Composed(
        subject=" ".join(subject.substitute(plain).split()),
        text=text.substitute(plain | {"lines": "".join(part.text for part in parts)}),
        html=html.substitute(shown | {"lines": "".join(part.html for part in parts)}),
    )


@cache
def template(kind: MailKind, part: str) -> Template:
    """Return one part of a kind's template. Raises SettingsError when it is missing, or names what it may not."""
    name = f"{kind.code}.{part}"
    try:
        source = resources.files("tasks.mail").joinpath("templates", name).read_text("utf-8")
    except (OSError, UnicodeError) as error:
        raise SettingsError(
            code="missing_template",
            message=f"邮件模板 {name} 不存在或无法读取。每种邮件要有 {'、'.join(PARTS)} 三个文件，请重新安装程序。",
            field=name,
        ) from error
    return checked(name, source, kind.allowed, frozenset() if part == "subject" else kind.required)


def checked(name: str, source: str, allowed: frozenset[str], required: frozenset[str] = frozenset()) -> Template:
    """Return ``source`` as a template. Raises SettingsError naming the file and what in it is wrong or left out."""
    found = Template(source)
    if not found.is_valid():
        raise SettingsError(
            code="bad_template",
            message=f"邮件模板 {name} 中有不完整的占位符。请写成 ${{名称}}，单独的 $ 写成 $$。",
            field=name,
        )
    used = set(found.get_identifiers())
    unknown, left_out = sorted(used - allowed), sorted(required - used)
    if unknown:
        raise SettingsError(
            code="unknown_placeholder",
            message=f"邮件模板 {name} 使用了未知的占位符 {'、'.join(unknown)}。可用：{'、'.join(sorted(allowed))}。",
            field=name,
            value=unknown[0],
        )
    if left_out:
        raise SettingsError(
            code="unused_placeholder",
            message=f"邮件模板 {name} 没有写出必需的内容 {'、'.join(left_out)}。请在正文中加上 ${{{left_out[0]}}}。",
            field=name,
            value=left_out[0],
        )
    if not source.strip():
        raise SettingsError(code="empty_template", message=f"邮件模板 {name} 是空的。请补上内容。", field=name)
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
