"""Charging a month to an office's units: previewed, posted whole or not at all, undone while nothing is paid (B-F1).

Counting, posting and undoing are long work, done by jobs; what is posted is what was seen: where anything it rests on
has changed since, the run is counted again and a person looks at it once more.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final, TypeVar

from sqlalchemy import delete, exists, func, select
from sqlalchemy.orm import Session

from tenant import clock, journal
from tenant.calendars import months_after
from tenant.errors import Conflict, Refusal
from tenant.journal import RecordedAct, write_columns, write_rows
from tenant.models import Allocation, BillingLine, BillingRun, Charge, ChargeType, OfficeScoped, Owner, Payment, Unit
from tenant.rules.terms import BillingState, ChargeBasis
from tenant.scoping import PERMIT
from tenant.services import advances, jobs, postings
from tenant.services.billing_lines import Line, lines_of, read_month
from tenant.services.lookups import find, open_office

COUNTING: Final = "billing_count"
POSTING: Final = "billing_post"
UNDOING: Final = "billing_undo"
SUBJECT: Final = "billing_run"
_AT_ONCE: Final = 20_000
_BY_KEY: dict[str, Any] = {**PERMIT, "synchronize_session": False}
_Row = TypeVar("_Row")
_LIVE = (BillingState.COUNTING, BillingState.COUNTED, BillingState.POSTING)

Report = Callable[[str, int, int | None], None]
"""Told how far long work is: what it does now, how much is done, of how much in all (None: not known)."""


def silent(_phase: str, _done: int, _total: int | None) -> None:
    """Tell nobody how far the work is."""


def begin(
    session: Session, office_id: int, month: date, charge_type_ids: Sequence[int], *, due_on: date | None = None
) -> BillingRun:
    """Begin to charge a month: the preview is counted in the background.

    ``month`` is any day of it; ``due_on`` None: the latest due day of the items. Raises NotFound for a foreign item,
    Refusal without any, for one that runs do not charge, for a due date before the month, and while another run of the
    month with one of the items is not over; the items stay locked, so that of two begun at once one is refused.
    """
    office = open_office(session, office_id)
    first = month.replace(day=1)
    items = [find(session, ChargeType, item_id, field="item", lock=True) for item_id in sorted(set(charge_type_ids))]
    if not items:
        raise _refused("nothing_to_charge", "没有按月计费的收费项目。请先在「收费项目」中设置。", "item", "")
    for item in items:
        _check_item(item)
    _refuse_second(session, office_id, first, items)
    due = due_on or max(_due_day(first, item.due_day) for item in items)
    if due < first:
        raise _refused("due_too_early", f"「应缴日」{due} 早于费用月份。请填写 {first} 或以后的日期。", "due_on", due)
    run = BillingRun(
        office_id=office_id,
        month=first,
        due_on=due,
        charge_types=[item.id for item in items],
        state=BillingState.COUNTING,
        asked_by_id=postings.acting_posting_id(session, office.id),
    )
    session.add(run)
    session.flush()
    jobs.ask(session, kind=COUNTING, subject_kind=SUBJECT, subject_id=run.id, office_id=office_id)
    return run


def count(session: Session, run_id: int, report: Report = silent) -> BillingRun:
    """Work out a run's lines and keep them for its preview; what the job ``billing_count`` does.

    Why it was not posted as it was seen before stays said until a person goes on.
    """
    run = find(session, BillingRun, run_id, field="billing_run", lock=True)
    if run.state is not BillingState.COUNTING:
        return run
    _drop_lines(session, run)
    lines = _reckon(session, run, report)
    for done, part in enumerate(_portions(lines, _AT_ONCE)):
        _keep(session, run, part)
        report("保存明细", min((done + 1) * _AT_ONCE, len(lines)), len(lines))
    _tally(run, lines)
    run.state, run.counted_at = BillingState.COUNTED, clock.now()
    session.flush()
    return run


def ask_post(session: Session, run_id: int) -> BillingRun:
    """Ask for a run to be posted as it was previewed. Raises Refusal unless it waits for that, and when it is empty."""
    run = _in_state(session, run_id, BillingState.COUNTED, "入账")
    if not run.lines:
        raise _refused(
            "nothing_to_charge", "这一批没有可以入账的应收。请先处理「不能计费」的房屋，再重新试算。", "lines", 0
        )
    run.state, run.posted_by_id = BillingState.POSTING, postings.acting_posting_id(session, run.office_id)
    run.failed_why = None
    session.flush()
    jobs.ask(session, kind=POSTING, subject_kind=SUBJECT, subject_id=run.id, office_id=run.office_id, total=run.lines)
    return run


def post(session: Session, run_id: int, report: Report = silent) -> BillingRun:
    """Post a run, whole: every line becomes a charge, and what owners have paid in advance settles it.

    What the job ``billing_post`` does. Raises Conflict where what the preview rests on has changed since: nothing is
    posted then.
    """
    run = find(session, BillingRun, run_id, field="billing_run", lock=True)
    if run.state is not BillingState.POSTING:
        return run
    for item_id in sorted(run.charge_types):
        find(session, ChargeType, item_id, field="item", lock=True)  # no price is published meanwhile
    lines = _reckon(session, run, report)
    if _digest(lines) != run.digest:
        raise Conflict(
            code="billing_changed",
            message="试算之后房屋、产权、收费标准或应收有了变化，没有入账。已按最新情况重新试算，请核对后再入账。",
            field="state",
        )
    charged = [line for line in lines if line.problem is None]
    for done, part in enumerate(_portions(charged, _AT_ONCE)):
        _post_part(session, run, part)
        report("写入应收", min((done + 1) * _AT_ONCE, len(charged)), len(charged))
    _settle(session, run)
    run.state, run.posted_at, run.failed_why = BillingState.POSTED, clock.now(), None
    session.flush()
    return run


def lay_down(session: Session, run_id: int, why: str | None, *, recount: bool = False) -> None:
    """Put a run back where a person can go on, after work on it ended without being done; ``why`` None: asked for."""
    run = find(session, BillingRun, run_id, field="billing_run", lock=True)
    run.failed_why = why
    if run.state is BillingState.COUNTING:
        _drop_lines(session, run)
        run.state, run.ended_at = BillingState.CANCELLED, clock.now()
    elif run.state is BillingState.POSTING:
        run.state = BillingState.COUNTING if recount else BillingState.COUNTED
        if recount:
            jobs.ask(session, kind=COUNTING, subject_kind=SUBJECT, subject_id=run.id, office_id=run.office_id)
    session.flush()


def recount(session: Session, run_id: int) -> BillingRun:
    """Have the preview of a run counted again, after what it rests on was put right."""
    run = _in_state(session, run_id, BillingState.COUNTED, "重新试算")
    run.state, run.failed_why = BillingState.COUNTING, None
    session.flush()
    jobs.ask(session, kind=COUNTING, subject_kind=SUBJECT, subject_id=run.id, office_id=run.office_id)
    return run


def cancel(session: Session, run_id: int) -> BillingRun:
    """Give a run up that is not posted; its lines go, so that they keep nothing that could be taken back."""
    run = _in_state(session, run_id, BillingState.COUNTED, "取消")
    _drop_lines(session, run)
    run.state, run.ended_at = BillingState.CANCELLED, clock.now()
    session.flush()
    return run


def ask_undo(session: Session, run_id: int, reason: str) -> BillingRun:
    """Ask for a posted run to be undone. Raises Refusal where any of it is paid, naming the first of them."""
    run = _in_state(session, run_id, BillingState.POSTED, "撤销")
    _refuse_paid(session, run)
    journal.because(session, reason)
    run.failed_why = None
    session.flush()
    journal.note(
        session,
        RecordedAct(
            verb="billing_run.undo_asked",
            subject_kind=SUBJECT,
            subject_id=run.id,
            office_id=run.office_id,
            reason=reason,
        ),
    )
    jobs.ask(session, kind=UNDOING, subject_kind=SUBJECT, subject_id=run.id, office_id=run.office_id, total=run.lines)
    return run


def undo(session: Session, run_id: int, report: Report = silent) -> BillingRun:
    """Take a posted run back, whole, its lines too; what was paid in advance is free again: the job ``billing_undo``.

    Raises Refusal where any of it was paid meanwhile: nothing is undone then.
    """
    run = find(session, BillingRun, run_id, field="billing_run", lock=True)
    if run.state is not BillingState.POSTED:
        return run
    _hold_payers(session, run)
    rows = _whole(session, Charge, Charge.office_id == run.office_id, Charge.billing_run_id == run.id)
    _refuse_paid(session, run)
    write_rows(session, Allocation, deletes=_whole(session, Allocation, Allocation.charge_id.in_(_charges_of(run))))
    for done, part in enumerate(_portions(rows, _AT_ONCE)):
        write_rows(session, Charge, deletes=part)
        report("撤销应收", min((done + 1) * _AT_ONCE, len(rows)), len(rows))
    _drop_lines(session, run)
    run.state, run.ended_at = BillingState.UNDONE, clock.now()
    session.flush()
    return run


def monthly_items(session: Session, office_id: int) -> list[int]:
    """Return the ids of the office's items that runs charge."""
    statement = select(ChargeType.id).where(
        ChargeType.office_id == office_id, ChargeType.is_monthly, ChargeType.retired_at.is_(None)
    )
    return list(session.scalars(statement.order_by(ChargeType.id)))


def before_by_item(session: Session, run: BillingRun) -> dict[str, Decimal]:
    """Return what was charged for the month before, in yuan by the name of the item; items without are left out."""
    first = months_after(run.month, -1)
    statement = (
        select(ChargeType.name, func.sum(Charge.amount))
        .join(ChargeType, ChargeType.id == Charge.charge_type_id)
        .where(Charge.office_id == run.office_id, ChargeType.id.in_(run.charge_types))
        .where(Charge.period_from >= first, Charge.period_from < run.month)
        .group_by(ChargeType.name)
    )
    return dict(iter(session.execute(statement)))


def _reckon(session: Session, run: BillingRun, report: Report) -> list[Line]:
    report("读取房屋和标准", 0, None)
    month = read_month(session, run.office_id, run.month, run.charge_types)
    report("计算应收", 0, len(month.units))
    return list(lines_of(month))


def _portions(rows: Sequence[_Row], size: int) -> Iterator[Sequence[_Row]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))


def _keep(session: Session, run: BillingRun, lines: Sequence[Line]) -> None:
    columns = {name: [getattr(line, name) for line in lines] for name in Line._fields}
    write_columns(session, BillingLine, columns, {"office_id": run.office_id, "billing_run_id": run.id})


def _tally(run: BillingRun, lines: Sequence[Line]) -> None:
    charged = [line.amount for line in lines if line.amount is not None]
    run.lines, run.problems = len(charged), len(lines) - len(charged)
    run.total, run.digest = sum(charged, Decimal(0)), _digest(lines)


def _digest(lines: Iterable[Line]) -> str:
    """Return what names all that is charged, line by line; what the month before came to is left out."""
    named = sha256()
    for line in lines:
        named.update(repr(line._replace(before=None)).encode())
    return named.hexdigest()


def _post_part(session: Session, run: BillingRun, lines: Sequence[Line]) -> None:
    names = ("unit_id", "owner_id", "charge_type_id", "period_from", "period_to", "amount")
    columns = {name: [getattr(line, name) for line in lines] for name in names}
    write_columns(
        session, Charge, columns, {"office_id": run.office_id, "due_on": run.due_on, "billing_run_id": run.id}
    )


def _settle(session: Session, run: BillingRun) -> None:
    """Settle with what was paid in advance: only owners who have paid any are looked at."""
    waiting = select(Payment.owner_id).where(
        Payment.office_id == run.office_id, Payment.voided_at.is_(None), advances.left_of() > 0
    )
    charges = select(Charge).where(
        Charge.office_id == run.office_id, Charge.billing_run_id == run.id, Charge.owner_id.in_(waiting)
    )
    for charge in session.scalars(charges.order_by(Charge.owner_id, Charge.id)).all():
        advances.settle(session, charge)


def _whole(session: Session, model: type[OfficeScoped], *conditions: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    """Return the rows of ``model`` that meet the conditions, column by name, locked against payments meanwhile."""
    columns = [getattr(model, column.key) for column in model.__mapper__.column_attrs]
    found = session.execute(select(*columns).where(*conditions).order_by(model.id).with_for_update())
    return [row._asdict() for row in found]


def _hold_payers(session: Session, run: BillingRun) -> None:
    """Lock who owes any of the run, as receiving and voiding money do: they wait, and then see what stands."""
    owing = select(Charge.owner_id).where(Charge.office_id == run.office_id, Charge.billing_run_id == run.id)
    held = select(Owner.id).where(Owner.office_id == run.office_id, Owner.id.in_(owing)).order_by(Owner.id)
    session.execute(held.with_for_update(key_share=True)).all()


def _drop_lines(session: Session, run: BillingRun) -> None:
    session.execute(
        delete(BillingLine).where(BillingLine.office_id == run.office_id, BillingLine.billing_run_id == run.id),
        execution_options=_BY_KEY,
    )


def _charges_of(run: BillingRun) -> Any:  # noqa: ANN401 - a subquery
    return select(Charge.id).where(Charge.office_id == run.office_id, Charge.billing_run_id == run.id)


def _refuse_paid(session: Session, run: BillingRun) -> None:
    """Raise Refusal where a payment settles any of the run.

    What was paid in advance and settled it as it was posted does not count, nor does what was voided since.
    """
    paid = (
        select(Unit.number)
        .join(Charge, Charge.unit_id == Unit.id)
        .where(Charge.office_id == run.office_id, Charge.billing_run_id == run.id)
        .where(
            exists().where(
                Allocation.office_id == Charge.office_id,
                Allocation.charge_id == Charge.id,
                Allocation.created_at != Charge.created_at,  # not by the transaction that posted it
                Payment.office_id == Allocation.office_id,
                Payment.id == Allocation.payment_id,
                Payment.voided_at.is_(None),
            )
        )
        .distinct()
    )
    number = session.scalar(select(func.count()).select_from(paid.subquery()))
    if number:
        examples = "、".join(session.scalars(paid.order_by(Unit.number).limit(3)))
        raise _refused(
            "paid_meanwhile",
            f"这一批已有 {number} 户缴费（{examples} 等），不能整批撤销。请先作废这些收据，或逐户更正。",
            "state",
            run.state.label,
        )


def _in_state(session: Session, run_id: int, state: BillingState, verb: str) -> BillingRun:
    run = find(session, BillingRun, run_id, field="billing_run", lock=True)
    open_office(session, run.office_id)
    if run.state is not state:
        raise _refused(
            "wrong_state",
            f"{run} 的计费{run.state.label}，不能{verb}。请刷新后查看最新情况。",
            "state",
            run.state.label,
        )
    return run


def _refuse_second(session: Session, office_id: int, first: date, items: Sequence[ChargeType]) -> None:
    rows = session.scalars(
        select(BillingRun).where(
            BillingRun.office_id == office_id, BillingRun.month == first, BillingRun.state.in_(_LIVE)
        )
    )
    wanted = {item.id: item.name for item in items}
    for run in rows:
        doubled = [wanted[item_id] for item_id in run.charge_types if item_id in wanted]
        if doubled:
            raise _refused(
                "run_already",
                f"{first:%Y-%m} 的「{doubled[0]}」已有一批{run.state.label}。请先把它入账或取消。",
                "item",
                doubled[0],
            )


def _check_item(item: ChargeType) -> None:
    if item.retired_at is not None or not item.is_monthly:
        why = "已停用" if item.retired_at is not None else "不是按月计费的项目"
        raise _refused("not_billed", f"「{item.name}」{why}，不能批量计费。请改选其他项目。", "item", item.name)
    if item.basis is ChargeBasis.USAGE and item.meter_kind is None:
        raise _refused(
            "meter_missing",
            f"「{item.name}」按用量计费，但没有选择表计。请先在「收费项目」中补填表计。",
            "item",
            item.name,
        )


def _due_day(first: date, day: int) -> date:
    for wanted in range(day, 27, -1):
        try:
            return first.replace(day=wanted)
        except ValueError:
            continue
    return first.replace(day=day)


def _refused(code: str, message: str, field: str, value: object) -> Refusal:
    return Refusal(code=code, message=message, field=field, value=str(value))
