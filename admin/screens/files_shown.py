"""What a page shows of the files of a matter: the panel 「附件」, and whether the person may add to it or take off."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from flask import current_app, request, url_for
from sqlalchemy import select

from admin import access, formats
from admin.session import session_at_hand
from tenant.errors import NotFound
from tenant.models import Attachment, Complaint, Defect, Rectification, ServiceRequest, Ticket, WorkOrder
from tenant.rules.attachments import MEGABYTE, THUMBNAIL_EDGE
from tenant.rules.terms import Act, AttachmentKind, AttachmentPurpose, RectificationState, WorkOrderState
from tenant.services import attachments

if TYPE_CHECKING:
    from tenant.settings import Settings

KILOBYTE: Final = 1024
SIGNED_FOR: Final[dict[type[Any], frozenset[str]]] = {
    WorkOrder: frozenset({WorkOrderState.UNDER_WAY, WorkOrderState.DONE, WorkOrderState.SIGNED}),
    Rectification: frozenset({RectificationState.ACCEPTED, RectificationState.OWNER_SIGNED}),
}
"""Where the person served signs, or has just signed on paper: the pad stands on the page."""


@dataclass(frozen=True, slots=True)
class Panel:
    """The files of one matter for a page: ``lines`` of those that hang there, and how to add more.

    ``upload_url`` None: the person may look and no more. ``purpose`` is what a new file is taken to show unless
    somebody says otherwise; ``work_order_id`` None: new files are of the whole matter. ``is_to_be_signed``: the work
    has come to where the person served signs for it (A-W9, A-R5).
    """

    ticket_id: int
    number: str
    lines: list[dict[str, Any]]
    panel_url: str
    upload_url: str | None
    back: str
    purpose: AttachmentPurpose
    purposes: tuple[AttachmentPurpose, ...]
    largest_mb: int
    work_order_id: int | None = None
    is_to_be_signed: bool = False

    @property
    def is_signed(self) -> bool:
        """Tell whether the customer's signature hangs there, of an order that order's own."""
        signed = (line["order_id"] for line in self.lines if line["purpose"] is AttachmentPurpose.SIGNATURE)
        return any(self.work_order_id in {None, order_id} for order_id in signed)


def files_of(row: Any, purpose: AttachmentPurpose | None = None) -> Panel | None:
    """Return the panel of the matter that ``row`` is or is part of; None for other rows and who may not see it."""
    ticket, order = _matter(row)
    if ticket is None or not access.may(attachments.AREAS[ticket.kind]):
        return None
    is_work = isinstance(row, WorkOrder | Rectification)
    order_id = order.id if order is not None else None
    usual = AttachmentPurpose.AFTER if is_work else AttachmentPurpose.REPORTED
    shown = panel_of(ticket, purpose or usual, order_id, request.full_path.rstrip("?"))
    return replace(shown, is_to_be_signed=is_work and row.state in SIGNED_FOR[type(row)])


def panel_of(ticket: Ticket, purpose: AttachmentPurpose, order_id: int | None, back: str) -> Panel:
    """Return the panel of ``ticket``; ``back`` is the page it stands on."""
    settings: Settings = current_app.extensions["wuguan.settings"]
    may_act = access.may(attachments.AREAS[ticket.kind], Act.ACT)
    return Panel(
        ticket_id=ticket.id,
        number=ticket.number,
        lines=[_line(found, ticket, back) for found in attachments.of_ticket(session_at_hand(), ticket.id)],
        panel_url=url_for("files.panel", ticket_id=ticket.id, purpose=purpose.value, order=order_id, back=back),
        upload_url=url_for("files.upload", ticket_id=ticket.id) if may_act else None,
        back=back,
        purpose=purpose,
        purposes=tuple(AttachmentPurpose),
        largest_mb=settings.largest_file // MEGABYTE,
        work_order_id=order_id,
    )


def may_remove(found: Attachment, ticket: Ticket) -> bool:
    """Tell whether the person may take a file off: who runs the desk any, who works what they brought themselves.

    What somebody brought to a matter that is over is the desk's to take off.
    """
    area = attachments.AREAS[ticket.kind]
    if access.may(area, Act.EDIT):
        return True
    person = access.identity()
    own = person.posting_at(found.office_id) if person else None
    is_own = own is not None and found.added_by_id == own
    return is_own and ticket.closed_at is None and access.may(area, Act.ACT)


def ticket_seen(ticket_id: int, act: Act) -> Ticket:
    """Return a ticket on which the person may do ``act``; NotFound for a foreign one, and for a technician's others."""
    ticket = session_at_hand().scalars(select(Ticket).where(Ticket.id == ticket_id)).one_or_none()
    if ticket is None or not _is_own(ticket):
        raise NotFound(field="ticket", value=str(ticket_id))
    access.require(attachments.AREAS[ticket.kind], act)
    return ticket


def _is_own(ticket: Ticket) -> bool:
    """Tell whether a technician is sent to the matter (A-W9); true for who is more than a technician."""
    own = access.own_orders_only()
    if own is None:
        return True
    sent = (
        select(WorkOrder.id)
        .join(ServiceRequest, ServiceRequest.id == WorkOrder.request_id)
        .where(ServiceRequest.ticket_id == ticket.id, WorkOrder.technician_id.in_(own))
    )
    return session_at_hand().scalars(sent.limit(1)).first() is not None


def _matter(row: Any) -> tuple[Ticket | None, WorkOrder | None]:
    if isinstance(row, Ticket):
        return row, None
    if isinstance(row, ServiceRequest | Complaint | Defect):
        return row.ticket, None
    if isinstance(row, WorkOrder):
        return row.request.ticket, row
    if isinstance(row, Rectification):
        return row.defect.ticket, None
    return None, None


def _line(found: Attachment, ticket: Ticket, back: str) -> dict[str, Any]:
    is_picture = found.kind is AttachmentKind.PHOTO and found.thumbnail_key is not None
    return {
        "id": found.id,
        "order_id": found.work_order_id,
        "name": found.name,
        "note": found.note,
        "kind": found.kind,
        "purpose": found.purpose,
        "size": size(found.size),
        "at": formats.shown(found.added_at, zone=access.zone_of(found.office_id)),
        "by": str(found.added_by.staff.name) if found.added_by else "",
        "url": url_for("files.show", key=found.key),
        "thumbnail_url": url_for("files.show", key=found.thumbnail_key) if is_picture else None,
        "width": min(THUMBNAIL_EDGE, found.width or 0),
        "is_heard": found.kind is AttachmentKind.RECORDING,
        "media_type": found.media_type,
        "remove_url": url_for("files.remove", attachment_id=found.id, url=back) if may_remove(found, ticket) else None,
    }


def size(count: int) -> str:
    """Return a number of bytes for people: 3.4 MB, 820 KB."""
    return f"{count / MEGABYTE:.1f} MB" if count >= MEGABYTE else f"{max(1, round(count / KILOBYTE))} KB"
