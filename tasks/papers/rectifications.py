"""What the forms of rectification say: one record in two copies, and the summary (A-R2, A-R3, A-R5, A-R6)."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from tasks.papers import facts
from tasks.papers.facts import Words, day, moment
from tasks.papers.press import bars
from tenant.models import FollowUp, Office, Rectification, RectificationCheck
from tenant.services.follow_ups import said_of


def records(session: Session, office: Office, rows: Sequence[Rectification]) -> Words:
    """Return the facts of 《房屋整改记录表》, one form a record, in the order given (A-R2, A-R3)."""
    statement = (
        select(RectificationCheck)
        .where(RectificationCheck.rectification_id.in_([row.id for row in rows]))
        .order_by(RectificationCheck.checked_at, RectificationCheck.id)
    )
    checks: dict[int, list[RectificationCheck]] = {}
    for check in session.scalars(statement):
        checks.setdefault(check.rectification_id, []).append(check)
    return facts.frame(session, office) | {"records": [_record(row, office, checks.get(row.id, [])) for row in rows]}


def _record(row: Rectification, office: Office, checks: list[RectificationCheck]) -> Words:
    ticket = row.defect.ticket
    return {
        "number": row.number,
        "barcode": bars(row.number),
        "ticket": ticket.number,
        "unit": facts.place(ticket),
        "part": row.defect.part,
        "builder": row.builder.name,
        "issued": moment(row.issued_at, office),
        "agreed": day(row.agreed_on),
        "content": row.content,
        "cause": row.defect.cause or "",
        "signed_for": _signed_for(row, office),
        "returned": moment(row.returned_at, office),
        "accepted": moment(row.accepted_at, office),
        "checks": [_check(check, office) for check in checks],
    }


def _check(check: RectificationCheck, office: Office) -> list[str]:
    by = check.checked_by.staff.name if check.checked_by else ""
    return [moment(check.checked_at, office), by, str(check), check.findings or ""]


def summary(session: Session, office: Office, rows: Sequence[Rectification], period: str) -> Words:
    """Return the facts of 《房屋整改汇总表》: one line a record, in the order given (A-R2, A-R3, A-R6)."""
    heard = said_of(session, {row.id: (row.defect.ticket_id, row.owner_signed_at) for row in rows})
    return facts.frame(session, office) | {
        "period": period,
        "rows": [_line(row, office, heard.get(row.id)) for row in rows],
    }


def _line(row: Rectification, office: Office, heard: FollowUp | None) -> list[str]:
    return [
        row.number,
        facts.place(row.defect.ticket),
        row.content,
        row.builder.name,
        moment(row.issued_at, office),
        day(row.agreed_on),
        _signed_for(row, office),
        moment(row.accepted_at, office),
        moment(row.owner_signed_at, office),
        heard.satisfaction.label if heard else "",
        "",
    ]


def _signed_for(row: Rectification, office: Office) -> str:
    return " ".join(part for part in (moment(row.signed_for_at, office), row.signed_for_by or "") if part)
