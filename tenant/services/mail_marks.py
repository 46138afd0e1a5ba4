"""What becomes of a mail in the sender's hand, written on its row: sent, refused, not known, put back.

Each function changes a row that the caller has claimed or locked; the session records it when it is flushed.
"""

from datetime import datetime, timedelta

from tenant.models.mails import Mail
from tenant.rules.fates import Hand, may, sends_itself_again
from tenant.rules.terms import MailState

RETRY_AFTER = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 720, 1440))
"""How long a mail waits after each refusal that may pass; after the last one it has failed."""
RESEND_AFTER = timedelta(minutes=30)
"""How long a reminder waits whose fate is not known, before it goes out once more."""
INTERRUPTED = "发送中断，不能确定是否已送达"


def mark_sent(mail: Mail, at: datetime) -> None:
    """Mark a mail as taken over by the next server."""
    mail.sent_at = at
    settle(mail, MailState.SENT, None)


def mark_failed(mail: Mail, error: str) -> None:
    """Mark a mail as refused for good."""
    settle(mail, MailState.FAILED, error)


def mark_unknown(mail: Mail, at: datetime, error: str) -> None:
    """Mark a mail as sent or not, nobody knows: a person decides; a reminder goes out once more by itself."""
    if mail.state is MailState.QUEUED:  # its lease had ended, and it was queued once more for just that
        mail.claim_token = None
    elif sends_itself_again(mail.mail_class, mail.resends):
        once_more(mail, at, error)
        mail.claim_token, mail.lease_until = None, None
    elif mail.state is MailState.UNKNOWN:
        mail.last_error = error
    else:
        settle(mail, MailState.UNKNOWN, error)


def put_back(mail: Mail, at: datetime, error: str) -> None:
    """Queue a mail again after a refusal that may pass, later each time; after the last time it has failed."""
    if mail.attempts > len(RETRY_AFTER):
        mark_failed(mail, error)
        return
    mail.not_before = at + RETRY_AFTER[max(mail.attempts, 1) - 1]
    settle(mail, MailState.QUEUED, error)


def put_back_untried(mail: Mail, at: datetime, error: str) -> None:
    """Queue a mail again that was never offered to a server: the attempt does not count against it."""
    mail.not_before, mail.attempts = at, max(mail.attempts - 1, 0)
    settle(mail, MailState.QUEUED, error)


def once_more(mail: Mail, at: datetime, error: str) -> None:
    """Queue a reminder of unknown fate again; the caller decides whether its old claim may still speak."""
    turn(mail, MailState.QUEUED, Hand.SENDER)
    mail.not_before, mail.attempts, mail.resends = at + RESEND_AFTER, 0, mail.resends + 1
    mail.last_error = f"{error}；稍后自动再发一次"


def settle(mail: Mail, state: MailState, error: str | None) -> None:
    """Bring a mail into ``state`` and end its claim."""
    if mail.state is not state:
        turn(mail, state, Hand.SENDER)
    mail.claim_token, mail.lease_until, mail.last_error = None, None, error


def turn(mail: Mail, state: MailState, hand: Hand) -> None:
    """Bring a mail into ``state``. Raises ValueError where that is not for ``hand`` to do: a mistake of the program."""
    if not may(hand, mail.state, state):
        message = f"{hand.value} may not bring mail {mail.id} from {mail.state} to {state}"
        raise ValueError(message)
    mail.state = state
