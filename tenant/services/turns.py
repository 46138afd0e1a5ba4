"""Whose turn it is among what is due, and what is late: the queries under :mod:`tenant.services.clockwork`.

A rule may have a hundred thousand rows waiting in two hundred offices. No query here reads or sorts them all: each
office, or rule, costs one step into a partial index that gives its oldest row first (a loose index scan). Rows never
tried and rows tried before lie in indexes of their own: a thousand that fail cost those that do not nothing.
"""

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import CTE, ColumnElement, FromClause, Select, and_, func, literal, select, true

from tenant.models.clockwork import DueAction
from tenant.rules.terms import DueState

if TYPE_CHECKING:
    from sqlalchemy.orm import InstrumentedAttribute

MOST_COUNTED = 10_000
"""Counts of what waits go no further: a screen shows 10,000 and more alike."""


class Turn:
    """Whose turn it is among the offices where something of ``rule`` can be taken up."""

    def __init__(self, rule: str, at: datetime, office_id: int | None, *, suspects: bool) -> None:
        self.since: InstrumentedAttribute[datetime | None] | InstrumentedAttribute[datetime]
        self.since, until = (DueAction.lease_until, func.now()) if suspects else (DueAction.due_at, literal(at))
        self.until: ColumnElement[datetime] = until
        self.ready = [tried() if suspects else fresh(), *due(rule, at, office_id)]
        self.pending = [tried() if suspects else fresh(), DueAction.rule == rule, *of_office(office_id)]

    def locked(self, limit: int, per_office: int, after: int, passing_over: Collection[int]) -> CTE:
        """Return the query that locks up to ``limit`` rows, shared out among the offices from ``after`` on."""
        heads = self._heads()
        offices = (
            select(heads.c.office_id, func.count().over().label("how_many"))
            .where(heads.c.since <= self.until)
            .order_by(heads.c.office_id <= after, heads.c.office_id)
            .subquery("offices")
        )
        most = literal(limit, literal_execute=True)
        share = func.least(per_office, (limit - 1 + offices.c.how_many) // offices.c.how_many)
        rows = (
            select(DueAction.id)
            .where(*self.ready, self.since <= self.until, DueAction.office_id == offices.c.office_id)
            .where(DueAction.id.not_in(passing_over))
            .order_by(self.since, DueAction.id)
            .limit(share)
            .with_for_update(skip_locked=True)
            .lateral("rows")
        )
        return select(rows.c.id).select_from(offices.join(rows, true())).limit(most).cte("locked")

    def _heads(self) -> CTE:
        """Return each office with the oldest of what is pending there: one step into the index for each, no sort."""
        oldest = (
            select(DueAction.office_id, self.since.label("since"))
            .where(*self.pending)
            .order_by(DueAction.office_id, self.since, DueAction.id)
            .limit(1)
        )
        heads = oldest.cte("heads", recursive=True)
        following = oldest.where(DueAction.office_id > heads.c.office_id).lateral("following")
        return _with_following(heads, following)


def late_and_fresh(at: datetime) -> Select[str, datetime, int]:
    """Return the query for the oldest row of each rule that was never tried, and how many such rows are due.

    A row planned today for a day gone by, as the steps of a ladder are, could not have been begun before today.
    """
    since = func.greatest(DueAction.due_at, DueAction.created_at).label("since")
    pending = select(DueAction.rule, DueAction.due_at, since).where(fresh())
    oldest = pending.order_by(DueAction.rule, DueAction.due_at).limit(1)
    heads = oldest.cte("heads", recursive=True)
    heads = _with_following(heads, oldest.where(DueAction.rule > heads.c.rule).lateral("following"))
    rows = select(DueAction.id).where(fresh(), DueAction.rule == heads.c.rule, DueAction.due_at <= at)
    some = rows.limit(MOST_COUNTED).correlate(heads).subquery()
    counted = select(func.count().label("waiting")).select_from(some).lateral("counted")
    late = heads.join(counted, heads.c.due_at <= at)
    return select(heads.c.rule, heads.c.since, counted.c.waiting).select_from(late)


def late_again(at: datetime) -> tuple[Select[str, datetime, int], ...]:
    """Return the queries for rows that may be tried again and for those a dead worker holds, by rule."""
    since = func.greatest(DueAction.due_at, DueAction.lease_until)
    ready = (DueAction.lease_until <= func.now(), DueAction.due_at <= at)
    late = select(DueAction.rule, func.min(since), func.count()).group_by(DueAction.rule)
    return late.where(tried(), *ready), late.where(is_in(DueState.CLAIMED), *ready)


def due(rule: str, at: datetime, office_id: int | None) -> list[ColumnElement[bool]]:
    """Return the conditions that a row of ``rule`` is due at ``at``, in one office or (None) in any."""
    return [DueAction.rule == rule, DueAction.due_at <= at, *of_office(office_id)]


def of_office(office_id: int | None) -> list[ColumnElement[bool]]:
    """Return the condition that a row is the office's, none for None."""
    return [] if office_id is None else [DueAction.office_id == office_id]


def fresh() -> ColumnElement[bool]:
    """Return the condition that a row is pending and was never tried, written as the indexes have it."""
    return and_(is_in(DueState.PENDING), DueAction.attempts == literal(0, literal_execute=True))


def tried() -> ColumnElement[bool]:
    """Return the condition that a row is pending and was tried before; it has a ``lease_until``."""
    return and_(is_in(DueState.PENDING), DueAction.attempts > literal(0, literal_execute=True))


def is_in(state: DueState) -> ColumnElement[bool]:
    """Return the condition with the state written out: a partial index serves no plan in which it is a parameter."""
    return DueAction.state == literal(state, DueAction.state.type, literal_execute=True)


def _with_following(heads: CTE, following: FromClause) -> CTE:
    """Let ``heads``, which is the first row, go on with the row that follows each."""
    return heads.union_all(select(*following.c).select_from(heads.join(following, true())))
