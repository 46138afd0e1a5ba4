"""What had to be put right in a plan, and putting one planned action right."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tenant import policy
from tenant.models import DueAction
from tenant.rules.terms import DueState

EXAMPLES = 10


@dataclass(slots=True)
class Mended:
    """What had to be done for one rule; ``examples`` are the first few subjects, by id."""

    planned: int = 0
    moved: int = 0
    cancelled: int = 0
    examples: list[int] = field(default_factory=list)

    def name(self, subject_id: int) -> None:
        """Keep a subject as an example, while there are few."""
        if len(self.examples) < EXAMPLES and subject_id not in self.examples:
            self.examples.append(subject_id)


def by_subject(actions: Iterable[DueAction]) -> Mapping[int, list[DueAction]]:
    """Return planned actions by what they are about."""
    found: dict[int, list[DueAction]] = {}
    for action in actions:
        found.setdefault(action.subject_id, []).append(action)
    return found


def cancel(action: DueAction, at: datetime, mended: Mended) -> None:
    """Let a pending action be done no more."""
    action.state = DueState.CANCELLED
    action.settled_at = at
    mended.cancelled += 1
    mended.name(action.subject_id)


def set_right(action: DueAction, due_at: datetime, mended: Mended) -> None:
    """Let an action be pending again that was cancelled, and due when it should be; others stay as they are."""
    if action.state is DueState.CANCELLED:
        action.state, action.attempts, action.settled_at = DueState.PENDING, 0, None
        mended.planned += 1
    elif action.state is DueState.PENDING and action.due_at != due_at:
        mended.moved += 1
    else:
        return
    action.due_at, action.rule_version = due_at, policy.version()
    mended.name(action.subject_id)
