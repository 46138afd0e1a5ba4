"""Killed in the middle, again and again: every effect happens exactly once, and nothing is left undone."""

from collections import Counter
from datetime import date, timedelta

from sqlalchemy import select

import make
from desk import DAY, at_desk, request
from kills import kill_sweeps
from tasks import sweeps
from tasks.sweeps import Pace
from tenant.models import DueAction, DunningNotice, Escalation, Mail
from tenant.rules.terms import DueState
from tenant.services import tickets
from tenant.unscoped import Reason, across_offices

KILLS = 12


def look(database, statement):
    with across_offices(database, Reason.REVIEWING) as session:
        return list(session.scalars(statement))


def test_killed_sweeps_raise_every_level_exactly_once(database, cast, settings, announce):
    at = make.NOON + 3 * DAY
    replied = []
    for house in (cast.north, cast.south):
        with at_desk(database, house, make.NOON) as session:
            filed = [request(session, house) for _ in range(8)]
            for matter in filed[::4]:
                tickets.reply(session, matter.ticket_id)
                replied.append(matter.ticket_id)
            session.commit()

    landed = kill_sweeps(database, "escalations", settings, at, wanted=KILLS)
    before = len(look(database, select(Escalation.id)))
    sweeps.run_escalations(database, at, settings=settings, pace=Pace(lease=timedelta(seconds=1)))

    raised = look(database, select(Escalation))
    announce(f"escalations: {landed} kills landed, {before} of {len(raised)} effects done under fire")
    actions = look(database, select(DueAction).where(DueAction.due_at <= at))
    assert landed >= KILLS
    assert 0 < before < len(raised), "the kills fell into the work"
    assert max(Counter((row.clock_id, row.level, row.cycle) for row in raised).values()) == 1
    assert Counter(action.state for action in actions).keys() <= {DueState.DONE, DueState.CANCELLED}
    assert len(raised) == sum(action.state is DueState.DONE for action in actions)
    mails = look(database, select(Mail).where(Mail.subject_kind == "escalation"))
    assert len(mails) == sum(row.told for row in raised)
    assert max(Counter((mail.subject_id, mail.recipient_address) for mail in mails).values()) == 1
    assert sweeps.run_escalations(database, at, settings=settings).due == 0


def test_killed_dunning_reminds_every_owner_exactly_once(database, cast, settings, announce):
    with at_desk(database, cast.north) as session:
        unit, kind = make.unit(session, cast.north.id), make.charge_type(session, cast.north.id)
        for number in range(40):
            owner = make.owner(session, cast.north.id, email=f"owner{number}@owner.invalid")
            due_on = date(2026, 3, 1) + timedelta(days=number)
            make.charge(session, unit, owner, due_on, charge_type=kind)
        session.commit()
    at = make.NOON + 365 * DAY

    landed = kill_sweeps(database, "dunning", settings, at, wanted=KILLS)
    sweeps.run_dunning(database, at, settings=settings, pace=Pace(lease=timedelta(seconds=1)))

    notices = look(database, select(DunningNotice))
    announce(f"dunning: {landed} kills landed, {len(notices)} notices")
    assert landed >= 1
    assert len({notice.owner_id for notice in notices}) == 40
    assert max(Counter((row.owner_id, row.level, row.sequence, row.anchor_on) for row in notices).values()) == 1
    actions = look(database, select(DueAction).where(DueAction.rule == "dunning"))
    assert {action.state for action in actions} <= {DueState.DONE, DueState.CANCELLED}
    assert sweeps.run_dunning(database, at, settings=settings).due == 0
