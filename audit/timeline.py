"""The one way to ask the record: the screen, its count, its export and a record's own history share the query.

A count or an export with a filter of its own is how a report comes to differ from the list it was made from.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, tuple_
from sqlalchemy.orm import Session

from audit.models import AuditEntry

PAGE: Final = 50
CHUNK: Final = 1_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended: instant and id of its last entry; the next one begins behind it."""

    at: datetime
    id: int


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the record; every None leaves its side open.

    ``verb`` ending with a dot stands for all that begin with it (``owner.``); ``since`` is included, ``until`` is not.
    ``subjects`` are pairs of kind and id, any of which an entry may be about.
    """

    office_id: int | None = None
    actor_id: int | None = None
    actor_name: str | None = None
    verb: str | None = None
    subject_kind: str | None = None
    subject_id: int | None = None
    subjects: tuple[tuple[str, int], ...] = ()
    request_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """Yield the condition of each side that is not open."""
        for column, value in (
            (AuditEntry.office_id, self.office_id),
            (AuditEntry.actor_id, self.actor_id),
            (AuditEntry.actor_name, self.actor_name),
            (AuditEntry.subject_kind, self.subject_kind),
            (AuditEntry.subject_id, self.subject_id),
            (AuditEntry.request_id, self.request_id),
        ):
            if value is not None:
                yield column == value
        if self.verb is not None:
            begins = self.verb.endswith(".")
            yield AuditEntry.verb.startswith(self.verb, autoescape=True) if begins else AuditEntry.verb == self.verb
        if self.since is not None:
            yield AuditEntry.at >= self.since
        if self.until is not None:
            yield AuditEntry.at < self.until
        if self.subjects:
            yield or_(
                *(and_(AuditEntry.subject_kind == kind, AuditEntry.subject_id == row) for kind, row in self.subjects)
            )


def query(question: Question) -> Select[AuditEntry]:
    """Return the select that everything else here is made of; the session's scope is added when it runs."""
    return select(AuditEntry).where(*question.conditions())


def page(
    session: Session, question: Question, *, behind: Place | None = None, limit: int = PAGE
) -> tuple[Sequence[AuditEntry], Place | None]:
    """Return the newest ``limit`` entries behind ``behind``, and where the next page begins (None: there is none)."""
    found = query(question).order_by(AuditEntry.at.desc(), AuditEntry.id.desc()).limit(limit + 1)
    if behind is not None:
        found = found.where(tuple_(AuditEntry.at, AuditEntry.id) < (behind.at, behind.id))
    entries = session.scalars(found).all()
    if len(entries) <= limit:
        return entries, None
    last = entries[limit - 1]
    return entries[:limit], Place(last.at, last.id)


def count(session: Session, question: Question) -> int:
    """Return how many entries there are, by the same conditions as the pages."""
    return session.scalar(select(func.count()).select_from(query(question).subquery())) or 0


def export(session: Session, question: Question) -> Iterator[AuditEntry]:
    """Yield every entry, newest first, a thousand at a time: the same entries as the pages, however many."""
    behind: Place | None = None
    while True:
        entries, behind = page(session, question, behind=behind, limit=CHUNK)
        yield from entries
        for entry in entries:
            session.expunge(entry)
        if behind is None:
            return


def of_record(session: Session, kind: str, row_id: int, *, limit: int = PAGE) -> Sequence[AuditEntry]:
    """Return the history of one record, newest first."""
    return page(session, Question(subject_kind=kind, subject_id=row_id), limit=limit)[0]


def of_request(session: Session, request_id: str) -> Sequence[AuditEntry]:
    """Return all that one request, command or job did, newest first."""
    return page(session, Question(request_id=request_id), limit=CHUNK)[0]


def what_stood(
    session: Session, kind: str, row_ids: Sequence[int], columns: Sequence[str]
) -> dict[int, list[tuple[datetime, Mapping[str, object]]]]:
    """Return, by row, when one of the columns was changed and what stood in them before; the oldest change first."""
    changed = or_(*(AuditEntry.before.has_key(name) for name in columns))
    statement = query(Question(subject_kind=kind, verb=f"{kind}.update"))
    found: dict[int, list[tuple[datetime, Mapping[str, object]]]] = {}
    for entry in session.scalars(statement.where(AuditEntry.subject_id.in_(row_ids), changed).order_by(AuditEntry.id)):
        before, row_id = entry.before or {}, entry.subject_id or 0
        stood = {name: before[name] for name in columns if name in before}
        found.setdefault(row_id, []).append((entry.at, stood))
    return found
