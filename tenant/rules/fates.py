"""What may become of a mail, and in whose hand that lies: a person's, the sender's, the reader of returned mail's."""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final

from tenant.rules.terms import MailClass, MailState

QUEUED, SENDING, SENT, FAILED = MailState.QUEUED, MailState.SENDING, MailState.SENT, MailState.FAILED
UNKNOWN, WITHHELD, BOUNCED = MailState.UNKNOWN, MailState.WITHHELD, MailState.BOUNCED
GATHERED = MailState.GATHERED

Table = Mapping[MailState, frozenset[MailState]]


class Hand(Enum):
    """Who decides on a mail."""

    PERSON = "person"
    SENDER = "sender"
    BOUNCES = "bounces"
    GATHERER = "gatherer"


def _table(*rows: tuple[MailState, tuple[MailState, ...]]) -> Table:
    return MappingProxyType({state: frozenset(following) for state, following in rows})


MAY_FOLLOW: Final[Mapping[Hand, Table]] = MappingProxyType(
    {
        Hand.PERSON: _table(
            (QUEUED, (WITHHELD,)),
            (WITHHELD, (QUEUED,)),
            (UNKNOWN, (SENT, QUEUED)),
            (FAILED, (QUEUED,)),
            (BOUNCED, (QUEUED,)),
        ),
        Hand.SENDER: _table(
            (QUEUED, (SENDING, SENT, FAILED)),  # the last two: said late, of a reminder that was queued once more
            (SENDING, (SENT, FAILED, UNKNOWN, QUEUED)),
            (UNKNOWN, (SENT, FAILED, QUEUED)),
        ),
        Hand.BOUNCES: _table((SENT, (BOUNCED,)), (UNKNOWN, (BOUNCED,))),
        Hand.GATHERER: _table((QUEUED, (GATHERED,))),
    }
)
"""For each hand, from which state it may bring a mail into which."""

OWED_SILENCE: Final = frozenset({MailClass.REMINDER, MailClass.LEGAL})
"""What goes to owners, and so never in an office's quiet hours; staff are told at any hour."""

SETTLED: Final = frozenset({SENT, FAILED, BOUNCED, GATHERED})
"""States in which a mail waits for nothing: its body may be cleared when its time is over."""


def may(hand: Hand, state: MailState, following: MailState) -> bool:
    """Tell whether ``hand`` may bring a mail from ``state`` into ``following``."""
    return following in MAY_FOLLOW[hand].get(state, frozenset())


def sends_itself_again(mail_class: MailClass, resends: int) -> bool:
    """Tell whether a mail whose fate is not known goes out once more by itself: a reminder, and only the first time.

    Twice reminded does no harm; a legal mail twice may (B-F3, B-F4). The rest waits for a person.
    """
    return mail_class is MailClass.REMINDER and resends == 0
