"""What was told "tomorrow" at night and overlooked in the morning becomes a request, whose limits ask for it (B-S3)."""

from datetime import datetime

from tasks.sweeps.drain import PATIENT, Pace, Run, drain
from tasks.sweeps.report import SweepReport
from tenant.db import Database
from tenant.models import DueAction
from tenant.scoping import ScopedSession
from tenant.services import daily_log


def run_handover(
    database: Database, at: datetime, office_id: int | None = None, *, pace: Pace = PATIENT
) -> SweepReport:
    """Make requests of the entries that were overlooked by ``at``, each once; of one office or of all (B-S3)."""

    def effect(session: ScopedSession, action: DueAction) -> int | None:
        return None if daily_log.hand_over(session, action) is None else 0

    return drain(Run(database, at, office_id, pace), daily_log.RULE, effect)
