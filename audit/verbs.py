"""What a verb says in Chinese: the record stores codes, the screen, the export and the terminal read sentences.

Codes are never translated where they are stored: a sentence may be worded better later, the record may not.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from sqlalchemy import Column, Enum

from audit.models import AuditEntry
from tenant.models import Base

CHANGES: Final[Mapping[str, str]] = {"create": "新建", "update": "修改", "delete": "删除"}

ACTS: Final[Mapping[str, str]] = {
    "access.denied": "访问被拒绝",
    "attachment.opened": "查看附件原件：{subject}",
    "billing_run.undo_asked": "撤销计费批次：{subject}",
    "clockwork.mended": "核对到期事项并改正",
    "daily_log.checked": "检查当日登记",
    "database.dumped": "备份整个数据库",
    "database.restored": "从备份恢复整个数据库",
    "form.printed": "打印{term}：{subject}",
    "limits.recalculated": "按现行规则重新计算在走的时限",
    "mail.bodies_cleared": "清除到期邮件的正文",
    "rota.exported": "导出排班表",
    "rates.exported": "导出办理指标",
    "reports.exported": "导出报表汇总",
    "replay.exported": "导出规则试算",
    "record.exported": "导出{term}",
    "record.revealed": "查看完整信息：{subject}",
    "sign_in.ended": "退出登录",
    "sign_in.failed": "登录失败",
    "sign_in.succeeded": "登录",
    "sweep.stated": "以指定时间执行到期事项",
    "ticket.replied": "答复客户：{subject}",
    "wall.crossed": "跨管理处操作",
}
"""Acts that are no change of a row; ``{subject}`` is the record, ``{term}`` its kind."""

REASONS: Final[Mapping[str, str]] = {
    "signing_in": "登录验证",
    "claiming": "领取到期事项",
    "finding_recipients": "查找收件人",
    "resolving_office": "按编码查找管理处",
    "setting_up": "维护组织与人员",
    "reviewing": "查阅全部记录",
    "sealing": "封存审计记录",
    "returned": "处理退信",
    "watching": "查看运行状况",
}
"""Reasons that are codes; others were written by people and stand as they are."""

LONGEST_VALUE: Final = 40


def sentence(entry: AuditEntry) -> str:
    """Return what was done to which record, as in 修改业主 #12（联系电话：138****0000 → 139****1111）.

    An unknown verb stands as its code: the record of an older or newer release must stay readable.
    """
    table, _, act = entry.verb.rpartition(".")
    if act in CHANGES and table == entry.subject_kind:
        detail = "、".join(differences(entry)) if act == "update" else ""
        return f"{CHANGES[act]}{subject(entry)}" + (f"（{detail}）" if detail else "")
    if entry.verb in ACTS:
        return ACTS[entry.verb].format(subject=subject(entry), term=term(entry.subject_kind))
    return f"{entry.verb} {subject(entry)}".rstrip()


def told(entry: AuditEntry) -> str:
    """Return who did what, and why if a reason was given."""
    why = f"，原因：{reason(entry.reason)}" if entry.reason else ""
    return f"{entry.actor_name}{sentence(entry)}{why}"


def verb_label(verb: str) -> str:
    """Return the verb without a record, for lists and filters: ``owner.update`` is 修改业主."""
    table, _, act = verb.rpartition(".")
    if act in CHANGES and _model(table) is not None:
        return f"{CHANGES[act]}{term(table)}"
    if verb in ACTS:
        return ACTS[verb].format(subject="", term="").rstrip("：")
    return verb


def subject(entry: AuditEntry) -> str:
    """Return the record an entry is about, as in 业主 #12; the kind alone, or nothing, where there is no more."""
    if entry.subject_kind is None:
        return ""
    number = f" #{entry.subject_id}" if entry.subject_id is not None else ""
    return f"{term(entry.subject_kind)}{number}"


def term(kind: str | None) -> str:
    """Return the Chinese term of a table, which opens its model's docstring; an unknown kind stands as it is."""
    model = _model(kind)
    if model is None:
        return kind or ""
    return (model.__doc__ or "").split(" — ", 1)[0].strip() or str(kind)


def reason(code: str) -> str:
    """Return a reason in words."""
    return REASONS.get(code, code)


def differences(entry: AuditEntry) -> Iterator[str]:
    """Yield each changed column as 名称：旧值 → 新值."""
    before, after = entry.before or {}, entry.after or {}
    for name in after:
        label, old, new = column_label(entry.subject_kind, name), before.get(name), after[name]
        yield f"{label}：{shown(entry.subject_kind, name, old)} → {shown(entry.subject_kind, name, new)}"


def column_label(kind: str | None, name: str) -> str:
    """Return the Chinese label of a column; the column's name where there is none."""
    column = _column(kind, name)
    return (column.doc if column is not None else None) or name


def shown(kind: str | None, name: str, value: object) -> str:
    """Return a stored value as people read it: enums by label, 是 and 否, 空 for nothing; long ones are cut."""
    if value is None or value == "":
        return "空"
    if isinstance(value, bool):
        return "是" if value else "否"
    column = _column(kind, name)
    if column is not None and isinstance(column.type, Enum) and column.type.enum_class is not None:
        labels = {member.value: getattr(member, "label", member.value) for member in column.type.enum_class}
        return str(labels.get(value, value))
    text = str(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


@cache
def _models(_tables: int) -> dict[str, type[Base]]:
    return {str(mapper.class_.__tablename__): mapper.class_ for mapper in Base.registry.mappers}


def _model(kind: str | None) -> type[Base] | None:
    return _models(len(Base.metadata.tables)).get(kind) if kind else None


def _column(kind: str | None, name: str) -> Column[Any] | None:
    model = _model(kind)
    column = model.__table__.columns.get(name) if model is not None else None
    return column if isinstance(column, Column) else None
