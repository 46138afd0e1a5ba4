"""Once a night the store of files is held against the rows: what no row names goes, and what was taken off goes."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import islice

from tasks.errands import clockwork
from tasks.sweeps.drain import PATIENT, Pace, Run
from tenant.db import Database
from tenant.files import Store, Stored
from tenant.services import attachments
from tenant.unscoped import Reason, across_offices

log = logging.getLogger(__name__)

LOOKED_AT = 500
"""Files asked about at once."""
YOUNG = timedelta(hours=24)
"""A file is stored before its row: for so long one without a row may still be waiting for it."""
FEW = 50
"""So many files without rows are what killed uploads leave behind; more than half of a store is a wrong database."""


@dataclass(slots=True)
class FilesReport:
    """The count of one run at the instant ``at``: files ``seen``, ``orphans`` and ``removed`` ones that were deleted.

    ``held_back``: so many files have no row that nothing of them was deleted; the store belongs to another database.
    """

    at: datetime
    seen: int = 0
    orphans: int = 0
    removed: int = 0
    held_back: int = 0

    def as_json(self) -> dict[str, object]:
        """Return the values under their stable names, ``at`` as ISO text."""
        return asdict(self) | {"at": self.at.isoformat()}


def run_files(database: Database, at: datetime, *, store: Store, pace: Pace = PATIENT) -> FilesReport:
    """Delete from ``store`` what no row has named for a day, and what people took off their matters.

    A file that hangs on a matter is never touched, however old it is. Where more than half of the store has no row
    it is the store of another database, or the database was set back: then nothing but a line in the log. Raises
    StoreDown.
    """
    run, report = Run(database, at, None, pace, actor=clockwork()), FilesReport(at=at)
    orphans: list[str] = []
    for found in _in_batches(store.listed()):
        if run.is_over():
            return report  # without having seen all of it nothing can be said of what has no row
        report.seen += len(found)
        living, gone = _named(run, {stored.key for stored in found})
        for key in sorted(gone):
            store.remove(key)
        report.removed += len(gone)
        orphans += [stored.key for stored in found if stored.key not in living | gone and stored.at < at - YOUNG]
    if len(orphans) > max(FEW, report.seen // 2):
        report.held_back = len(orphans)
        log.error("%s of %s files in %s have no row: none deleted", len(orphans), report.seen, store.place)
        return report
    for key in orphans:
        store.remove(key)
    report.orphans = len(orphans)
    return report


def _named(run: Run, keys: set[str]) -> tuple[set[str], set[str]]:
    """Return which keys are of files that hang on matters, and which of files that were taken off."""
    with across_offices(run.database, Reason.CLAIMING, run.actor) as session:
        return (
            attachments.named_by_rows(session, keys, removed=False),
            attachments.named_by_rows(session, keys, removed=True),
        )


def _in_batches(listed: Iterable[Stored]) -> Iterator[list[Stored]]:
    rest = iter(listed)
    while found := list(islice(rest, LOOKED_AT)):
        yield found
