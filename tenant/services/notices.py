"""What a person does with a dunning notice: sent, signed for, withdrawn (B-F2 to B-F4). Nothing sends by itself."""

from sqlalchemy.orm import Session

from tenant import clock, journal
from tenant.calendars import local_day
from tenant.errors import Refusal
from tenant.models import DunningNotice
from tenant.rules.terms import DunningNoticeState
from tenant.services.arrears import arrears_on
from tenant.services.lookups import find, open_office, written

PLANNED, SENT = DunningNoticeState.PLANNED, DunningNoticeState.SENT


def send(session: Session, notice_id: int) -> DunningNotice:
    """Record that a notice has been posted, delivered or handed to counsel.

    Raises Refusal when it does not wait to be sent, and when the owner owes nothing any more.
    """
    notice = _in_state(session, notice_id, (PLANNED,), "登记发出")
    office = open_office(session, notice.office_id)
    if not arrears_on(session, local_day(clock.now(), office.zone), office.id, owner_id=notice.owner_id):
        raise Refusal(
            code="nothing_owed",
            message=f"业主「{notice.owner.name}」的欠费已经结清，不应再发{notice.level.label}。请撤销这张通知单。",
            field="owner",
            value=str(notice.owner_id),
        )
    notice.state = SENT
    session.flush()
    return notice


def sign(session: Session, notice_id: int) -> DunningNotice:
    """Record that the owner has signed for a notice (B-F2). Raises Refusal before it was sent."""
    notice = _in_state(session, notice_id, (SENT,), "登记签收")
    notice.state = DunningNoticeState.SIGNED
    session.flush()
    return notice


def withdraw(session: Session, notice_id: int, reason: str) -> DunningNotice:
    """Withdraw a notice that was not sent; its step stays taken. Raises Refusal without a reason and once sent."""
    notice = _in_state(session, notice_id, (PLANNED,), "撤销")
    journal.because(session, written(reason, field="reason", label="撤销原因", limit=journal.LONGEST_REASON))
    notice.state = DunningNoticeState.CANCELLED
    session.flush()
    return notice


def _in_state(session: Session, notice_id: int, states: tuple[DunningNoticeState, ...], act: str) -> DunningNotice:
    notice = find(session, DunningNotice, notice_id, field="notice", lock=True)
    if notice.state not in states:
        wanted = "、".join(f"「{state.label}」" for state in states)
        raise Refusal(
            code="wrong_state",
            message=f"{notice} 现为「{notice.state.label}」，只有{wanted}的通知单可以{act}。请刷新后查看最新状态。",
            field="state",
            value=notice.state.label,
        )
    return notice
