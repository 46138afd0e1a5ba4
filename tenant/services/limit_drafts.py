"""Writing, trying and putting into force the time limits of the group, a company or an office (A-O2, A-O3).

A draft holds for nothing. Once it is in force it is never edited: a change is another one, and withdrawing ends it for
clocks that begin later. Clocks keep the limit they began with.
"""

from typing import Any, TypeVar

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from tenant import clock
from tenant.errors import Refusal
from tenant.journal import actor_of
from tenant.models import ClockPolicy, Office, OfficeClockPolicy
from tenant.policy.tables import QUALIFIERS
from tenant.rules.drafts import fault_in_calendar, fault_in_length, fault_in_steps
from tenant.rules.limits import Limit
from tenant.services import replays
from tenant.services.limits import Policy, base_of
from tenant.services.lookups import find, written

_LONGEST_WHY = 200
_Row = TypeVar("_Row", ClockPolicy, OfficeClockPolicy)


def check(session: Session, row: Policy) -> None:
    """Raise Refusal at the field that makes a draft impossible; the row is not written."""
    _refuse_in_force(row)
    row.why = written(row.why, field="why", label="理由", limit=_LONGEST_WHY)
    base = _base(row)
    fault = (
        fault_in_length(row.measure, row.amount or 0, row.minimum or 0, row.warning or 0)
        or fault_in_calendar(row.measure, row.calendar)
        or (None if row.steps is None else fault_in_steps(row.steps, base))
    )
    if fault is not None:
        raise Refusal(code=fault.code, message=fault.message, field=fault.field, value=fault.value)
    if row.warning and not base.steps:
        message = f"「{row.clock.label}」到期后自动处理，不通知任何人，也就没有人可以提醒。「提前提醒（分钟）」请填 0。"
        raise Refusal(code="warning", message=message, field="warning", value=str(row.warning))
    _refuse_past(session, row)
    _refuse_overlap(session, row)


def activate(session: Session, model: type[_Row], row_id: int) -> _Row:
    """Put a draft into force for clocks that begin on its day or later.

    Raises NotFound for a foreign id, Refusal for one in force or withdrawn, and for whatever :func:`check` refuses.
    """
    row = find(session, model, row_id, field="limit", lock=True)
    check(session, row)
    row.activated_at, row.activated_by = clock.now(), actor_of(session).name
    session.flush()
    return row


def withdraw(session: Session, model: type[_Row], row_id: int) -> _Row:
    """End a limit for clocks that begin from now on; those it governs keep it.

    Raises NotFound for a foreign id, Refusal for a draft and for one that was withdrawn before.
    """
    row = find(session, model, row_id, field="limit", lock=True)
    if row.activated_at is None or row.withdrawn_at is not None:
        message = (
            f"「{row}」还是草稿，没有生效，不用撤回。不需要的草稿请直接删除。"
            if row.activated_at is None
            else f"「{row}」已由{row.withdrawn_by}撤回，无需再次撤回。"
        )
        raise Refusal(code="not_in_force", message=message, field="limit", value=str(row))
    row.withdrawn_at, row.withdrawn_by = clock.now(), actor_of(session).name
    session.flush()
    return row


def remove(session: Session, row: Policy) -> None:
    """Delete a draft and its trials. Raises Refusal for one that was ever in force (clocks name it) or is on trial."""
    _refuse_in_force(row)
    replays.forget(session, row)
    session.delete(row)
    session.flush()


def _refuse_in_force(row: Policy) -> None:
    if row.activated_at is not None:
        message = f"「{row}」已启用，不能修改、删除或再次启用。要改变时限，请另写一条新的草稿，从新的日期起生效。"
        raise Refusal(code="in_force", message=message, field="limit", value=str(row))


def _base(row: Policy) -> Limit:
    """Return the table row in whose place the draft stands. Raises Refusal where there is none."""
    known = QUALIFIERS[row.ticket]
    row.qualifier = row.qualifier or None
    if row.qualifier is not None and row.qualifier not in known:
        message = f"「适用范围」{row.qualifier} 不是{row.ticket.label}的范围。请从列表中选择，或留空表示全部。"
        raise Refusal(code="qualifier", message=message, field="qualifier", value=row.qualifier)
    base = base_of(row.ticket, row.clock, row.qualifier)
    if base is None:
        message = (
            f"{row.ticket.label}没有这一范围的「{row.clock.label}」时限。请对照「现行时限」选择种类、时限和适用范围。"
        )
        raise Refusal(code="no_such_limit", message=message, field="clock", value=row.clock.label)
    if row.qualifier in base.term.spares:
        message = (
            f"「适用范围」所选的{row.ticket.label}没有「{row.clock.label}」时限（{base.term.source}）。请另选范围。"
        )
        raise Refusal(code="spared", message=message, field="qualifier", value=row.qualifier)
    return base


def _refuse_past(session: Session, row: Policy) -> None:
    zone = clock.DEFAULT_ZONE
    if isinstance(row, OfficeClockPolicy):
        zone = find(session, Office, row.office_id, field="office").zone
    today = clock.today(zone)
    if row.effective_on < today:
        message = (
            f"「生效日期」{row.effective_on} 已经过去。请填 {today} 或以后的日期；已经在走的时限请用「重新计算」。"
        )
        raise Refusal(code="past", message=message, field="effective_on", value=row.effective_on.isoformat())


def _refuse_overlap(session: Session, row: Policy) -> None:
    """Refuse a second one of the same level for the same day: nobody could tell which of them holds."""
    with session.no_autoflush:
        other = session.scalars(_others(row)).first()
    if other is not None:
        message = (
            f"「生效日期」{row.effective_on} 已有一条同样的「{other}」启用（{other.why}）。请先撤回那一条，或另选日期。"
        )
        raise Refusal(code="overlap", message=message, field="effective_on", value=row.effective_on.isoformat())


def _others(row: Policy) -> Select[Any]:
    model = type(row)
    statement: Select[Any] = select(model).where(
        model.ticket == row.ticket,
        model.clock == row.clock,
        model.qualifier.is_not_distinct_from(row.qualifier),
        model.effective_on == row.effective_on,
        model.activated_at.is_not(None),
        model.withdrawn_at.is_(None),
    )
    if row.id is not None:
        statement = statement.where(model.id != row.id)
    if isinstance(row, OfficeClockPolicy):
        return statement.where(OfficeClockPolicy.office_id == row.office_id)
    company_id = row.company_id if row.company is None else row.company.id
    return statement.where(ClockPolicy.company_id.is_not_distinct_from(company_id))
