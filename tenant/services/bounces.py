"""Mail that came back: found again by its Message-ID, and marked as bounced when it came back for good."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from tenant.models import Mail
from tenant.rules.fates import Hand, may
from tenant.rules.terms import MailState
from tenant.services import mail_marks

SKEW: Final = timedelta(minutes=5)
"""How far the clock of a mail server may be from ours."""
LONGEST_REASON: Final = 300


@dataclass(frozen=True, slots=True)
class Returned:
    """What a mail server says of one mail of ours.

    ``status`` is the enhanced code (``5.1.1``) or empty; ``action`` that of RFC 3464 (``failed``, ``delayed`` …) or
    empty; ``reason`` in its words, addresses masked by whoever read it; ``received_at`` when it came, None: not known.
    """

    message_id: str
    status: str = ""
    action: str = ""
    reason: str = ""
    received_at: datetime | None = None

    @property
    def is_final(self) -> bool:
        """Tell whether the mail will not be delivered any more: it failed, or no more is said than a code for that."""
        return self.action == "failed" or (not self.action and self.status.startswith("5"))


class Outcome(Enum):
    """What became of a returned mail."""

    BOUNCED = "bounced"
    """The mail is marked as bounced."""
    NOTED = "noted"
    """It is delayed, or nobody can tell: that stands on the mail, which stays as it was."""
    SETTLED = "settled"
    """Nothing to do: it bounced before, or waits to be sent again."""
    UNDER_WAY = "under_way"
    """The mail is being sent at this moment: ask again when its sender has said what it knows."""
    NOT_OURS = "not_ours"
    """No mail has this Message-ID."""


def office_of(group_session: Session, message_id: str) -> int | None:
    """Return the office of the mail with this Message-ID, None where there is none; the session sees every office."""
    return group_session.scalar(select(Mail.office_id).where(Mail.message_id == message_id))


def take(session: Session, returned: Returned, at: datetime) -> Outcome:
    """Write down what was returned, in the session of its office; saying the same again changes nothing.

    What was received before the mail was sent again tells of the earlier sending, and is settled.
    """
    statement = select(Mail).where(Mail.message_id == returned.message_id).with_for_update(key_share=True)
    mail = session.scalars(statement.execution_options(populate_existing=True)).one_or_none()
    if mail is None:
        return Outcome.NOT_OURS
    if mail.state is MailState.SENDING:
        return Outcome.UNDER_WAY
    if not may(Hand.BOUNCES, mail.state, MailState.BOUNCED) or _is_of_an_earlier_sending(mail, returned):
        return Outcome.SETTLED
    words = " ".join(part for part in (returned.status, returned.reason) if part)[:LONGEST_REASON]
    if returned.is_final:
        mail_marks.turn(mail, MailState.BOUNCED, Hand.BOUNCES)
        mail.bounced_at, mail.claim_token = at, None
        mail.last_error = f"被收件方退回：{words or '没有说明原因'}"
    else:
        mail.last_error = f"收件方暂未投递：{words or '没有说明原因'}"
    session.flush()
    return Outcome.BOUNCED if returned.is_final else Outcome.NOTED


def _is_of_an_earlier_sending(mail: Mail, returned: Returned) -> bool:
    if returned.received_at is None or mail.sent_at is None or not mail.resends:
        return False
    return returned.received_at < mail.sent_at - SKEW
