"""Time limits of one's own: of the group and its companies, and of an office, in place of the manuals' (A-O2, A-O3)."""

import re
from typing import Any, Final

from flask import url_for
from flask_admin.form import BaseForm
from sqlalchemy import or_, select
from wtforms import Field, SelectField, SelectMultipleField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from admin import access
from admin.acting import Verb
from admin.fields import Lines, TermField, required
from admin.office_view import OfficeView
from admin.screens import limit_words
from tenant.models import ClockPolicy, Office, OfficeClockPolicy
from tenant.rules.terms import Act, Area, ClockKind, PauseReason, Role
from tenant.services import limit_drafts

KEPT: Final = frozenset({Act.VIEW, Act.CREATE, Act.EDIT, Act.DELETE, Act.ACT})
NEVER: Final = "never"
COLUMNS: Final = (
    "ticket", "clock", "qualifier", "measure", "amount", "calendar", "warning", "effective_on", "activated_at",
    "withdrawn_at",
)  # fmt: skip
FORM: Final = (
    "ticket", "clock", "qualifier", "measure", "amount", "minimum", "calendar", "warning", "pauses", "steps",
    "effective_on", "why",
)  # fmt: skip
_STEP = re.compile(r"(\d{1,3})[\s,，.、]+(\S+?)[\s,，]+(\d{1,6})(?:\s*分钟)?")
_ROLES: Final = {role.label: role for role in Role} | {role.value: role for role in Role}


class Pauses(SelectMultipleField):
    """For which reasons a limit stands still; nothing chosen: as the tables have it."""

    def __init__(self, label: str, **options: Any) -> None:
        """Offer every reason, and none at all."""
        choices = [SelectChoice(NEVER, "任何等待都不停")]
        choices += [SelectChoice(reason.value, reason.label) for reason in PauseReason]
        super().__init__(
            label,
            choices=choices,
            description="按住 Ctrl 可多选；不选即沿用手册的规定。",
            invalid_choice_message="请从列表中选择。",
            render_kw={"size": len(choices)},
            **options,
        )

    def process_data(self, value: list[str] | None) -> None:
        """Take what is kept."""
        self.data = None if value is None else (value or [NEVER])

    def pre_validate(self, form: BaseForm) -> None:
        """Raise for a reason that is none, and for a reason beside none at all."""
        if self.data and NEVER in self.data and len(self.data) > 1:
            raise ValidationError("「任何等待都不停」不能与其他原因同时选。请只选其一。")
        if self.data:
            super().pre_validate(form)

    def populate_obj(self, obj: Any, name: str) -> None:
        """Keep what was chosen."""
        setattr(obj, name, None if not self.data else [word for word in self.data if word != NEVER])


class Steps(Lines):
    """A ladder of one's own: a level a line, ``1 部门负责人 0``; empty: the tables' own."""

    data: Any

    def __init__(self, label: str, **options: Any) -> None:
        """Say how it is written."""
        words = "每行一级：级别 角色 超时多少分钟后通知，例如「1 部门负责人 0」「2 客服主管 15」。留空即沿用原来的。"
        super().__init__(label, description=words, **options)

    def _value(self) -> str:
        return str(self.raw_data[0]) if self.raw_data else limit_words.steps_written(self.data)

    def process_formdata(self, valuelist: list[str]) -> None:
        """Take the lines; raises ValueError for the first that is no level."""
        super().process_formdata(valuelist)
        text = self.data
        self.data = None if text is None else [_step(n, one) for n, one in _lines(text)]


def _lines(text: str) -> list[tuple[int, str]]:
    return [(number, one.strip()) for number, one in enumerate(text.splitlines(), 1) if one.strip()]


def _step(number: int, text: str) -> dict[str, Any]:
    found = _STEP.fullmatch(text)
    if found is None:
        raise ValueError(f"第 {number} 行「{text[:30]}」看不懂。请写成「级别 角色 分钟」，例如「1 部门负责人 0」。")
    level, role, after = found.groups()
    if role not in _ROLES:
        raise ValueError(f"第 {number} 行的角色「{role}」不存在。可用：{'、'.join(role.label for role in Role)}。")
    return {"level": int(level), "role": _ROLES[role].value, "after": int(after)}


def _qualifier(label: str) -> Field:
    choices = [SelectChoice("", limit_words.EVERYTHING)]
    choices += [SelectChoice(stored, words) for stored, words in limit_words.QUALIFIERS.items()]
    return SelectField(
        label, choices=choices, coerce=lambda value: value or None, invalid_choice_message="请从列表中选择。"
    )


def _clock(label: str) -> Field:
    return TermField(label, [required(label)], terms=ClockKind, blank=False, without={ClockKind.PROMISED})


def _activation(row: Any) -> str:
    return (
        f"{limit_words.described(row)}。从 {row.effective_on} 起开始计时的按这一条；此前已经在走的不变，"
        "要一并改的，启用后到「现行时限」页「重新计算」。启用后不能修改，只能撤回。"
    )


def _withdrawal(row: Any) -> str:
    return (
        f"撤回{limit_words.described(row)}。此后开始计时的，按上一级或更早的规定；已经按它在走的不变。撤回后不能恢复。"
    )


def _activate(session: Any, row: Any, _told: dict[str, Any]) -> str:
    limit_drafts.activate(session, type(row), row.id)
    return f"已启用「{row}」，自 {row.effective_on} 起生效。"


def _withdraw(session: Any, row: Any, _told: dict[str, Any]) -> str:
    limit_drafts.withdraw(session, type(row), row.id)
    return f"已撤回「{row}」。"


def _is_draft(row: Any) -> bool:
    return row.activated_at is None


def _holds(row: Any) -> bool:
    return row.activated_at is not None and row.withdrawn_at is None


class _LimitView(OfficeView):
    """What the limits of every level have in common."""

    area = Area.POLICY
    group = "settings"
    acts = KEPT
    column_list: Any = COLUMNS
    column_filters: Any = ("ticket", "clock", "effective_on", "activated_at", "withdrawn_at")
    form_columns: Any = FORM
    makers = {"qualifier": _qualifier, "pauses": Pauses, "steps": Steps, "clock": _clock}
    verbs = (
        Verb("activate", "启用", _activate, fits=_is_draft, consequence=_activation),
        Verb("withdraw", "撤回", _withdraw, fits=_holds, consequence=_withdrawal),
    )

    def show_qualifier(self, row: Any) -> str:
        """Return what the limit is narrowed to."""
        return limit_words.qualifier(row.qualifier)

    def show_pauses(self, row: Any) -> str:
        """Return for which reasons it stands still."""
        return "沿用手册" if row.pauses is None else limit_words.pauses(PauseReason(word) for word in row.pauses)

    def show_steps(self, row: Any) -> str:
        """Return its own ladder."""
        return limit_words.steps_written(row.steps).replace("\n", "；") or "沿用手册"

    def verbs_for(self, row: Any, back: str | None = None) -> list[dict[str, str]]:
        """Return what may be done with it; a draft is tried before it is put into force."""
        offered: list[dict[str, str]] = super().verbs_for(row, back)
        if not _is_draft(row):
            return offered
        level = "office" if isinstance(row, OfficeClockPolicy) else "group"
        trial = url_for("replays.show", level=level, row_id=row.id)
        return [{"name": "replay", "label": "试算", "url": trial}, *offered]

    def check(self, row: Any) -> None:
        """Refuse at the field what makes no sense."""
        with self.session.no_autoflush:
            limit_drafts.check(self.session, row)

    def remove(self, row: Any) -> None:
        """Remove a draft; what was ever in force stays."""
        limit_drafts.remove(self.session, row)


class GroupLimitView(_LimitView):
    """时限规则."""

    path = "group_limits"
    order = 51
    is_group_only = True
    create_label = "新增时限规则"
    purpose = "集团或某一公司代替手册默认的时限。先写草稿，试算后再启用；各管理处还可以另设自己的。"
    column_list = ("company", *COLUMNS)
    form_columns = ("company", *FORM)
    extra_labels = {"company": "公司（不选即全集团）"}

    def get_query(self) -> Any:
        """Return the group's limits, and in an office those of its own company alone."""
        query, office = super().get_query(), access.office_at_hand()
        if office is None:
            return query
        own = select(Office.company_id).where(Office.id == office.id)
        return query.filter(or_(ClockPolicy.company_id.is_(None), ClockPolicy.company_id.in_(own)))


class OfficeLimitView(_LimitView):
    """管理处时限规则."""

    path = "office_limits"
    order = 52
    create_label = "新增时限规则"
    purpose = "本管理处代替集团、公司规定的时限。先写草稿，试算后再启用。"


VIEWS = ((GroupLimitView, ClockPolicy), (OfficeLimitView, OfficeClockPolicy))
