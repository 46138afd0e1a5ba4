"""Who is away and who stands in: entered, ended early, and what of theirs waits for somebody else (A-O3).

A posting that is away has what is its own done by its substitute: mails of what ran out go there. Work that somebody
was sent to do is offered to be dispatched anew, and never moves by itself.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session, aliased, joinedload

from tenant import clock
from tenant.calendars import local_day
from tenant.errors import Refusal
from tenant.models import Absence, Office, Posting, ServiceRequest, WorkOrder
from tenant.services import orders
from tenant.services.lookups import find

LONGEST: Final = timedelta(days=366)


def check(session: Session, absence: Absence, day: date) -> None:
    """Raise Refusal for an absence that cannot be, on ``day`` of the office.

    The days must be in order and not all over, the person at work in the office on them and not away already, the
    substitute somebody else of the office who is at work on all of them and not away on any. So substitutes never go in
    a circle. ``substitute`` None: nobody stands in, and what would reach the person goes up the line at once.
    """
    _check_days(absence, day)
    with session.no_autoflush:
        absentee = absence.posting
        _check_posting(absence, absentee, field="posting", label="请假人")
        for other in _meeting(session, absence, {absentee.staff_id}):
            words = (
                f"{absentee.staff.name}已登记从 {other.from_on} 到 {other.to_on} 请假，与这次重叠。请改那一条，或改日期"
            )
            raise _refused("absent_already", words, "from_on", absence.from_on.isoformat())
        if absence.substitute is not None:
            _check_substitute(session, absence, absentee, absence.substitute)
        else:
            _check_nobody_waits_for(session, absence, absentee)


def end(session: Session, absence_id: int) -> Absence | None:
    """Let somebody be back from today on; None where the absence had not begun, so that nothing of it is left.

    Raises NotFound for a foreign one, Refusal for one that is over.
    """
    absence = find(session, Absence, absence_id, field="absence", lock=True)
    today = local_day(clock.now(), find(session, Office, absence.office_id, field="office").zone)
    if absence.to_on < today:
        words = f"{absence.posting.staff.name}的这次请假在 {absence.to_on} 已结束，不需要销假。请刷新列表查看最新情况"
        raise _refused("absence_over", words, "to_on", absence.to_on.isoformat())
    if absence.from_on >= today:
        session.delete(absence)
        session.flush()
        return None
    absence.to_on = today - timedelta(days=1)
    session.flush()
    return absence


def away(session: Session, office_id: int, day: date) -> dict[int, int | None]:
    """Return the office's postings that are away on ``day``, each with its substitute, None where nobody was named.

    Who holds several postings in the office is away from all of them.
    """
    mine = aliased(Posting)
    statement = (
        select(mine.id, Absence.substitute_id)
        .join(Posting, and_(Posting.id == Absence.posting_id, Posting.office_id == Absence.office_id))
        .join(mine, and_(mine.staff_id == Posting.staff_id, mine.office_id == Absence.office_id))
        .where(Absence.office_id == office_id, Absence.from_on <= day, Absence.to_on >= day)
        .order_by(Absence.id)
    )
    return dict(iter(session.execute(statement)))


def on(session: Session, office_ids: Sequence[int], day: date) -> Sequence[Absence]:
    """Return who of the offices is away on ``day``, with the people loaded."""
    people = [joinedload(side).joinedload(Posting.staff) for side in (Absence.posting, Absence.substitute)]
    statement = select(Absence).where(Absence.office_id.in_(office_ids), Absence.from_on <= day, Absence.to_on >= day)
    return session.scalars(statement.order_by(Absence.office_id, Absence.id).options(*people)).all()


def is_left_behind(absence: Absence) -> ColumnElement[bool]:
    """Return the condition of orders that the absentee was sent to do and has not done: send another (A-W5)."""
    return and_(
        WorkOrder.office_id == absence.office_id,
        WorkOrder.technician_id == absence.posting_id,
        WorkOrder.state.not_in(orders.OVER),
    )


def left_behind(session: Session, absence: Absence) -> Sequence[WorkOrder]:
    """Return these orders, with what they are about loaded."""
    statement = select(WorkOrder).where(is_left_behind(absence)).order_by(WorkOrder.id)
    return session.scalars(statement.options(joinedload(WorkOrder.request).joinedload(ServiceRequest.ticket))).all()


def _check_days(absence: Absence, day: date) -> None:
    if absence.to_on < absence.from_on:
        words = f"「截止日」{absence.to_on} 早于「起始日」{absence.from_on}。请改正其中一个"
        raise _refused("ends_before_it_begins", words, "to_on", absence.to_on.isoformat())
    if absence.to_on < day:
        words = f"「截止日」{absence.to_on} 已经过去，不会再有通知要转给代理人。请填写今天或以后的日期"
        raise _refused("in_the_past", words, "to_on", absence.to_on.isoformat())
    if absence.to_on - absence.from_on > LONGEST:
        words = f"从 {absence.from_on} 到 {absence.to_on} 超过一年。长期离岗请在「人员」中结束任职，或分次登记"
        raise _refused("too_long", words, "to_on", absence.to_on.isoformat())


def _check_posting(absence: Absence, posting: Posting, *, field: str, label: str) -> None:
    name = posting.staff.name
    if posting.office_id != absence.office_id:
        raise _refused("not_of_the_office", f"「{label}」{name}不在本管理处任职。请从本管理处的人员中选择", field, name)
    ends = posting.to_on
    if posting.from_on > absence.from_on or (ends is not None and ends < absence.to_on):
        until = "至今" if ends is None else f"至 {ends}"
        words = f"「{label}」{name}的任职为 {posting.from_on} {until}，没有包含请假的全部日期。请改选人员或日期"
        raise _refused("not_posted", words, field, name)


def _check_substitute(session: Session, absence: Absence, absentee: Posting, substitute: Posting) -> None:
    name = substitute.staff.name
    if substitute.staff_id == absentee.staff_id:
        raise _refused("stands_in_for_oneself", f"「代理人」{name}就是请假人自己。请另选一位同事", "substitute", name)
    _check_posting(absence, substitute, field="substitute", label="代理人")
    for other in _meeting(session, absence, {substitute.staff_id}):
        words = f"「代理人」{name}从 {other.from_on} 到 {other.to_on} 也请假。请另选一位同事，或错开日期"
        raise _refused("substitute_absent", words, "substitute", name)


def _check_nobody_waits_for(session: Session, absence: Absence, absentee: Posting) -> None:
    """Refuse to leave without a substitute while standing in for somebody else."""
    statement = (
        select(Absence)
        .join(Posting, and_(Posting.id == Absence.substitute_id, Posting.office_id == Absence.office_id))
        .where(Absence.office_id == absence.office_id, Posting.staff_id == absentee.staff_id)
        .where(Absence.from_on <= absence.to_on, Absence.to_on >= absence.from_on)
    )
    other = session.scalars(statement.order_by(Absence.from_on)).first()
    if other is not None:
        name, whom = absentee.staff.name, other.posting.staff.name
        words = (
            f"{name}正代理{whom}（{other.from_on} 至 {other.to_on}）。请为{name}填写「代理人」，或先为{whom}另选代理人"
        )
        raise _refused("stands_in_already", words, "substitute", whom)


def _meeting(session: Session, absence: Absence, staff_ids: set[int]) -> Sequence[Absence]:
    """Return the other absences of these people in the office that have a day in common with this one."""
    statement = (
        select(Absence)
        .join(Posting, and_(Posting.id == Absence.posting_id, Posting.office_id == Absence.office_id))
        .where(Absence.office_id == absence.office_id, Posting.staff_id.in_(staff_ids))
        .where(Absence.from_on <= absence.to_on, Absence.to_on >= absence.from_on)
    )
    if absence.id is not None:
        statement = statement.where(Absence.id != absence.id)
    return session.scalars(statement.order_by(Absence.from_on)).all()


def _refused(code: str, words: str, field: str, value: str) -> Refusal:
    return Refusal(code=code, message=f"{words}。", field=field, value=value)
