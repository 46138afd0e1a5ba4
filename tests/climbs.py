"""What has gone up the line, and the proof that each level did so once: raised, settled, written of and recorded."""

from collections import Counter, defaultdict
from datetime import timedelta

from sqlalchemy import select

from audit.models import AuditEntry
from tenant import clock
from tenant.journal import CLOCKWORK
from tenant.models import Clock, DueAction, Escalation, Mail
from tenant.rules.terms import DueState
from tenant.scoping import Scope
from tenant.services import clockwork, escalations
from tenant.unscoped import Reason, across_offices


def faults(database, at):
    """Return what went wrong with the levels that were due by ``at``, counted; nothing when each was raised once.

    A level is a row, a due action that is done, a mail to each who was to be told, and an entry in the record for each.
    """
    with across_offices(database, Reason.REVIEWING) as session:
        rows = session.execute(select(Escalation, Clock).join(Clock, Clock.id == Escalation.clock_id)).all()
        actions = session.scalars(select(DueAction).where(DueAction.rule == escalations.RULE)).all()
        mails = session.scalars(select(Mail).where(Mail.subject_kind == escalations.SUBJECT)).all()
        made = select(AuditEntry.subject_id, AuditEntry.after)
        entries = session.execute(made.where(AuditEntry.verb == "escalation.create")).all()
        mailed = session.scalars(select(AuditEntry.subject_id).where(AuditEntry.verb == "mail.create")).all()
    raised = Counter((row.clock_id, str(row.cycle), row.level) for row, _ in rows)
    states = {(action.subject_id, action.cycle, action.level): action.state for action in actions}
    told, recorded = {row.id: row.told for row, _ in rows}, Counter(entry.subject_id for entry in entries)
    letters = Counter(mail.subject_id for mail in mails)
    in_record = Counter(mailed)
    found = {
        "planned twice": len(actions) - len(states),
        "doubled": raised.total() - len(raised),
        "raised and not settled": sum(states.get(key) is not DueState.DONE for key in raised),
        "settled and not raised": sum(state is DueState.DONE and key not in raised for key, state in states.items()),
        "left undone": sum(action.state in clockwork.UNDONE and action.due_at <= at for action in actions),
        "stopped": sum(action.state is DueState.DEAD for action in actions),
        "a level missing below": sum(levels != list(range(1, len(levels) + 1)) for levels in _by_clock(raised)),
        "not as late as it says": sum(not _says_how_late(row, clock) for row, clock in rows),
        "told by another number of mails": sum(letters[key] != count for key, count in told.items()),
        "mails about nothing": len(letters.keys() - told.keys()),
        "told twice": len(mails) - len({(mail.subject_id, mail.recipient_address) for mail in mails}),
        "recorded not once": sum(recorded[key] != 1 for key in told) + len(recorded.keys() - told.keys()),
        "mail recorded not once": sum(in_record[mail.id] != 1 for mail in mails),
    }
    return {what: count for what, count in found.items() if count}


def _by_clock(raised):
    levels = defaultdict(list)
    for clock_id, cycle, level in raised:
        levels[clock_id, cycle].append(level)
    return [sorted(found) for found in levels.values()]


def _says_how_late(row, clock):
    return row.late_minutes == (row.raised_at - clock.due_at) // timedelta(minutes=1) >= 0


def retry_stopped(database, at):
    """Do for each level whose workers died of it five times what an operator does; return how many those were."""
    stopped = select(DueAction.id, DueAction.office_id)
    stopped = stopped.where(DueAction.rule == escalations.RULE, DueAction.state == DueState.DEAD)
    with across_offices(database, Reason.REVIEWING) as session:
        found = session.execute(stopped).all()
    for action_id, office_id in found:
        with database.session(Scope.of([office_id]), CLOCKWORK) as session, clock.at(at):
            clockwork.retry(session, action_id)
            session.commit()
    return len(found)


def climbed(database, ticket_ids):
    """Return what was raised on the tickets, by their places in the list: clock, its cycle, level, role, people told.

    The instants are left out: who was killed is taken over from by somebody who comes later.
    """
    places = {ticket_id: place for place, ticket_id in enumerate(ticket_ids)}
    statement = (
        select(Escalation.ticket_id, Clock.kind, Clock.cycle, Escalation.level, Escalation.role, Escalation.told)
        .join(Clock, Clock.id == Escalation.clock_id)
        .where(Escalation.ticket_id.in_(ticket_ids))
    )
    with across_offices(database, Reason.REVIEWING) as session:
        return Counter((places[row.ticket_id], *row[1:]) for row in session.execute(statement))
