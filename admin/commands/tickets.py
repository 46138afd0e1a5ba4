"""``wuguan ticket add``: register a request or a complaint from the terminal (A-W2, A-C1)."""

from typing import Any

import click
from sqlalchemy import select

from admin.commands.edge import answer, answers, find_office, office_session, open_database, read_at, read_term, stated
from tenant import clock
from tenant.errors import Refusal
from tenant.models import Clock, Complaint, ServiceRequest
from tenant.rules.terms import Gravity, TicketKind
from tenant.scoping import ScopedSession
from tenant.services import complaints, requests, units


@click.group("ticket", help="报事与投诉。")
def group() -> None:
    """Hold the commands about tickets."""


@group.command("add", help="登记报事（request）或投诉（complaint）。")
@click.argument("kind")
@click.option("--office", "office_code", required=True, help="管理处编码。")
@click.option("--unit", "unit_number", required=True, help="房号，如 5-1-101。")
@click.option("--content", required=True, help="内容。")
@click.option("--urgent", is_flag=True, help="较急（仅报事）。")
@click.option("--gravity", "gravity_code", help="投诉等级：ordinary、major、grave、invalid。")
@click.option("--at", "at_text", help="受理时间，管理处当地的 ISO 时间，如 2026-11-21T09:05；默认现在。")
@answers
def add(
    *,
    kind: str,
    office_code: str,
    unit_number: str,
    content: str,
    urgent: bool,
    gravity_code: str | None,
    at_text: str | None,
    as_json: bool,
) -> None:
    """Register a ticket; its clocks start at once."""
    ticket_kind, gravity = _kind(kind), Gravity.ORDINARY
    if gravity_code is not None:
        gravity = read_term(Gravity, gravity_code, field="gravity", label="投诉等级")
    _refuse_the_other_kinds(ticket_kind, urgent=urgent, has_gravity=gravity_code is not None)
    with open_database() as database:
        office = find_office(database, office_code)
        at = read_at(at_text, office.zone)
        reason = stated(at, office.zone)
        with clock.at(at), office_session(database, office, reason=reason) as session:
            unit_id = units.by_number(session, office.id, unit_number).id
            made: ServiceRequest | Complaint
            if ticket_kind is TicketKind.REQUEST:
                made = requests.register_request(
                    session, office_id=office.id, unit_id=unit_id, content=content, urgent=urgent, received_at=at
                )
            else:
                made = complaints.register_complaint(
                    session, office_id=office.id, unit_id=unit_id, content=content, gravity=gravity, received_at=at
                )
            payload = _describe(session, made)
    answer(payload, as_json=as_json, sentence=f"已登记{ticket_kind.label} {payload['number']}。")


def _describe(session: ScopedSession, made: ServiceRequest | Complaint) -> dict[str, Any]:
    ticket = made.ticket
    clocks = session.scalars(select(Clock).where(Clock.ticket_id == ticket.id).order_by(Clock.due_at, Clock.id))
    return {
        "id": ticket.id,
        "number": ticket.number,
        "kind": ticket.kind.value,
        "state": ticket.state.value,
        "received_at": ticket.received_at.isoformat(),
        "clocks": [{"kind": row.kind.value, "due_at": row.due_at.isoformat(), "source": row.source} for row in clocks],
    }


def _kind(code: str) -> TicketKind:
    if code in {TicketKind.REQUEST.value, TicketKind.COMPLAINT.value}:
        return TicketKind(code)
    raise Refusal(
        code="unknown_kind",
        message=f"「{code}」不是可登记的种类。请用 request（报事）或 complaint（投诉）。",
        field="kind",
        value=code,
    )


def _refuse_the_other_kinds(kind: TicketKind, *, urgent: bool, has_gravity: bool) -> None:
    """Raise Refusal for an option of the other kind, which would be passed over without a word."""
    if kind is TicketKind.REQUEST and has_gravity:
        raise Refusal(code="not_for_request", message="报事没有投诉等级。请去掉 --gravity。", field="gravity")
    if kind is TicketKind.COMPLAINT and urgent:
        raise Refusal(
            code="not_for_complaint", message="--urgent 仅用于报事。投诉请用 --gravity 说明等级。", field="urgent"
        )
