"""What a sweep found and did."""

from dataclasses import asdict, dataclass
from datetime import datetime


@dataclass(slots=True)
class SweepReport:
    """The count of one run at the instant ``at``.

    ``due`` were taken up; of these ``done`` took effect, ``cancelled`` had become pointless, ``dead`` need a person;
    the rest failed and are tried again by the next run. ``mails`` were queued; in the sweep of mails, sent.
    """

    at: datetime
    due: int = 0
    done: int = 0
    cancelled: int = 0
    dead: int = 0
    mails: int = 0

    def as_json(self) -> dict[str, object]:
        """Return the six numbers under their stable names, ``at`` as ISO text."""
        return asdict(self) | {"at": self.at.isoformat()}
