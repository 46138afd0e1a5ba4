"""Which time limits hold for an office on a day, and by which one a clock runs.

The tables' defaults hold unless the group has set its own, a company its own for its offices, an office its own: the
nearest prevails, of several of one level the one that came into force last. A clock keeps the limit it began with.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any, TypeAlias

from sqlalchemy import Row, or_, select
from sqlalchemy.orm import Session

from tenant import policy
from tenant.models import Clock, ClockPolicy, Office, OfficeClockPolicy
from tenant.rules.deadlines import Term
from tenant.rules.ladder import EscalationStep
from tenant.rules.limits import Limit, in_place_of, limit_for
from tenant.rules.terms import ClockCalendar, ClockKind, PauseReason, PostingLevel, Role, TicketKind

Policy: TypeAlias = ClockPolicy | OfficeClockPolicy
"""A limit of the group, a company or an office, as it is kept; a draft too."""

ByPolicy: TypeAlias = Mapping[tuple[int | None, int | None], Limit]
"""Limits by the group's or company's, and the office's policy that set them."""


def in_force(session: Session, office: Office | None, day: date) -> tuple[Limit, ...]:
    """Return what holds for clocks of ``office`` that begin on ``day`` (local), in the order of the tables.

    None: what holds where neither a company nor an office has limits of its own. Drafts and what was withdrawn hold
    for nothing.
    """
    limits = policy.limits()
    for row in _activated(session, office, day):
        limits = in_place_of(limits, as_limit(row))
    return limits


def with_draft(limits: Iterable[Limit], draft: Policy) -> tuple[Limit, ...]:
    """Return ``limits`` as they would be with ``draft`` in force; what a nearer level has set stays."""
    return in_place_of(limits, as_limit(draft))


def base_of(ticket: TicketKind, kind: ClockKind, qualifier: str | None) -> Limit | None:
    """Return the row of the tables in whose place a limit may be set, None where there is none.

    A qualifier without a row of its own narrows the general one.
    """
    rows = [row for row in policy.limits() if (row.term.ticket, row.term.kind) == (ticket, kind)]
    for wanted in (qualifier, None):
        found = next((row for row in rows if row.term.qualifier == wanted), None)
        if found is not None:
            return found
    return None


def as_limit(row: Policy) -> Limit:
    """Return a kept limit as it holds: what it leaves open is its table row's.

    Raises LookupError for one in whose place the tables have nothing; such a one is never kept.
    """
    base = base_of(row.ticket, row.clock, row.qualifier)
    if base is None:
        message = f"the tables have no {row.ticket} {row.clock} for {row.qualifier}"
        raise LookupError(message)
    is_office = isinstance(row, OfficeClockPolicy)
    return Limit(
        term=_term(row, base.term),
        steps=base.steps if row.steps is None else _steps(row, base),
        warning=row.warning,
        pauses=base.pauses if row.pauses is None else frozenset(PauseReason(word) for word in row.pauses),
        policy_id=None if is_office else row.id,
        office_policy_id=row.id if is_office else None,
        level=_level(row),
        own_steps=row.steps is not None,
    )


def of_policies(session: Session, policy_ids: Collection[int], office_policy_ids: Collection[int]) -> ByPolicy:
    """Return the limits of these policies, whether they still hold for new clocks or not."""
    found: dict[tuple[int | None, int | None], Limit] = {}
    if policy_ids:
        for row in session.scalars(select(ClockPolicy).where(ClockPolicy.id.in_(policy_ids))):
            found[row.id, None] = as_limit(row)
    if office_policy_ids:
        for own in session.scalars(select(OfficeClockPolicy).where(OfficeClockPolicy.id.in_(office_policy_ids))):
            found[None, own.id] = as_limit(own)
    return found


def of_clocks(session: Session, clocks: Iterable[Clock | Row[Any]]) -> ByPolicy:
    """Return the limits set by somebody by which these clocks run."""
    rows = list(clocks)
    return of_policies(
        session,
        {row.policy_id for row in rows if row.policy_id is not None},
        {row.office_policy_id for row in rows if row.office_policy_id is not None},
    )


def running_by(
    own: ByPolicy, ticket: TicketKind, kind: ClockKind, held: Collection[str], key: tuple[int | None, int | None]
) -> Limit | None:
    """Return the limit by which a clock runs: the one it began with, else the tables' for the ticket as it stands now.

    ``key`` are the clock's policies, ``own`` what :func:`of_clocks` found. None where the tables have none.
    """
    found = own.get(key)
    return limit_for(policy.limits(), ticket, kind, held) if found is None else found


def steps_of(limit: Limit | None, now: Limit | None) -> tuple[EscalationStep, ...]:
    """Return the ladder of a clock: its limit's own levels, else those of the tables' limit ``now`` (A-C7).

    Who is told of a complaint follows its gravity unless the limit names people of its own.
    """
    chosen = limit if limit is not None and limit.own_steps else now
    return () if chosen is None else chosen.steps


def _activated(session: Session, office: Office | None, day: date) -> list[Policy]:
    """Return what was put into force for the office by ``day``: the furthest level first, the latest last."""
    company_id = None if office is None else office.company_id
    shared = (
        select(ClockPolicy)
        .where(or_(ClockPolicy.company_id.is_(None), ClockPolicy.company_id == company_id))
        .where(ClockPolicy.activated_at.is_not(None), ClockPolicy.withdrawn_at.is_(None))
        .where(ClockPolicy.effective_on <= day)
        .order_by(ClockPolicy.company_id.is_not(None), ClockPolicy.effective_on, ClockPolicy.id)
    )
    if office is None:
        return list(session.scalars(shared))
    own = (
        select(OfficeClockPolicy)
        .where(OfficeClockPolicy.office_id == office.id, OfficeClockPolicy.effective_on <= day)
        .where(OfficeClockPolicy.activated_at.is_not(None), OfficeClockPolicy.withdrawn_at.is_(None))
        .order_by(OfficeClockPolicy.effective_on, OfficeClockPolicy.id)
    )
    return [*session.scalars(shared), *session.scalars(own)]


def _term(row: Policy, base: Term) -> Term:
    return Term(
        kind=base.kind,
        ticket=base.ticket,
        starts=base.starts,
        qualifier=row.qualifier,
        spares=base.spares,
        measure=row.measure,
        amount=row.amount,
        minimum=row.minimum,
        waits=base.waits,
        ladder=base.ladder,
        source=base.source,
        goes_on=base.goes_on,
        calendar=row.calendar or ClockCalendar.ALWAYS,
    )


def _steps(row: Policy, base: Limit) -> tuple[EscalationStep, ...]:
    source, waits = base.term.source, any(step.waits for step in base.steps)
    steps = (
        EscalationStep(step["level"], Role(step["role"]), step["after"], source, note="", waits=waits)
        for step in row.steps or ()
    )
    return tuple(sorted(steps, key=lambda step: step.level))


def _level(row: Policy) -> PostingLevel:
    if isinstance(row, OfficeClockPolicy):
        return PostingLevel.OFFICE
    return PostingLevel.GROUP if row.company_id is None else PostingLevel.COMPANY
