"""The doors through the wall: few, named, and on the record.

Only the modules listed in the import contract may open one. A reason that serves every request or every tick of the
clock is counted by its use, not written down each time; all others leave an entry.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum

from tenant.db import Database
from tenant.journal import CLOCKWORK, Actor, RecordedAct, note
from tenant.scoping import Scope, ScopedSession


class Reason(Enum):
    """Why a piece of work needs to see every office; ``recorded`` tells whether each crossing leaves an entry."""

    SIGNING_IN = ("signing_in", False)
    """Who is this, and which offices do the postings reach: asked before there is a scope, on every request."""
    CLAIMING = ("claiming", False)
    """Which due actions, mails and slots wait, in whatever office: asked each tick, answered in an office's scope."""
    FINDING_RECIPIENTS = ("finding_recipients", False)
    """Who stands up the line from an office: postings at the company and the group lie outside any office's scope."""
    RESOLVING_OFFICE = ("resolving_office", False)
    """Which office has this code: a command names offices by code."""
    SEALING = ("sealing", False)
    """The record's chains, one an office: sealed for all of them together, every few seconds."""
    WATCHING = ("watching", False)
    """Does the clockwork keep up, which processes are alive: numbers and times alone, asked every few seconds."""
    SETTING_UP = ("setting_up", True)
    """Companies, offices and staff are the group's to make."""
    REVIEWING = ("reviewing", True)
    """The record and the clockwork, read whole by a command."""

    RETURNED = ("returned", False)
    """Whose mail came back: a returned mail names ours by its Message-ID alone."""

    def __init__(self, code: str, recorded: bool) -> None:  # noqa: FBT001 - an enum's members are positional
        """Keep the code and whether a crossing is written down."""
        self.code = code
        self.recorded = recorded


@contextmanager
def across_offices(database: Database, reason: Reason, actor: Actor = CLOCKWORK) -> Iterator[ScopedSession]:
    """Open a session that sees every office, for ``reason``; the caller commits what it changes.

    The reason stands in every audit entry the session makes.
    """
    with database.session(Scope.everywhere(), actor, reason=reason.code) as session:
        if reason.recorded:
            note(session, RecordedAct(verb="wall.crossed", reason=reason.code))
        yield session
