"""Files that hang on a matter: into the store first, then as a row; taken off, then swept (A-C9, A-W9)."""

from collections.abc import Collection, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from tenant import clock, journal
from tenant.errors import NotFound
from tenant.files import Prepared, Store, new_key
from tenant.files.store import KEY
from tenant.models import Attachment, ServiceRequest, Ticket, WorkOrder
from tenant.rules.attachments import PICTURE
from tenant.rules.terms import Area, AttachmentPurpose, TicketKind
from tenant.services import postings
from tenant.services.lookups import find, optional, written

OPENED: Final = "attachment.opened"
AREAS: Final = {
    TicketKind.REQUEST: Area.REQUESTS,
    TicketKind.COMPLAINT: Area.COMPLAINTS,
    TicketKind.DEFECT: Area.RECTIFICATIONS,
}
"""Who may see a matter may see what hangs on it: its area in the table of permissions."""
_LONGEST_NOTE: Final = 200


class Attached(NamedTuple):
    """A file that hangs on a matter now; ``is_new`` tells that it did not hang there before."""

    attachment: Attachment
    is_new: bool


def attach(
    session: Session,
    store: Store,
    ticket_id: int,
    made: Prepared,
    *,
    purpose: AttachmentPurpose = AttachmentPurpose.OTHER,
    note: str | None = None,
    work_order_id: int | None = None,
) -> Attached:
    """Hang a file on a matter: kept in the store before the row is written, so that no row is ever without its file.

    The same file a second time is the one that hangs there: a form sent twice does nothing twice. Raises NotFound for a
    foreign ticket, or an order that is not of it; StoreDown where the store does not answer.
    """
    ticket = find(session, Ticket, ticket_id, field="ticket")
    _require_order_of(session, ticket, work_order_id)
    said = optional(note, field="note", label="说明", limit=_LONGEST_NOTE)
    known = _same(session, ticket, made.digest)
    if known is not None:
        return Attached(known, is_new=False)
    key, thumbnail_key = _stored(store, made)
    find(session, Ticket, ticket_id, field="ticket", lock=True)
    known = _same(session, ticket, made.digest)
    if known is not None:  # the form came twice at once: what this one stored has no row, and is swept
        return Attached(known, is_new=False)
    row = Attachment(
        office_id=ticket.office_id,
        ticket_id=ticket.id,
        work_order_id=work_order_id,
        purpose=purpose,
        note=said,
        key=key,
        thumbnail_key=thumbnail_key,
        added_at=clock.now(),
        added_by_id=postings.acting_posting_id(session, ticket.office_id),
        **_described(made),
    )
    session.add(row)
    session.flush()
    return Attached(row, is_new=True)


def remove(session: Session, attachment_id: int, why: str) -> Attachment:
    """Take a file off its matter; the reason is required and stays with the row, the file goes with the next sweep.

    One that is off already stays as it is. Raises NotFound for a foreign one, Refusal for no reason.
    """
    reason = written(why, field="why", label="删除原因", limit=journal.LONGEST_REASON)
    row = find(session, Attachment, attachment_id, field="attachment", lock=True)
    if row.removed_at is None:
        journal.because(session, reason)
        row.removed_at, row.removed_why = clock.now(), reason
        session.flush()
    return row


def of_ticket(session: Session, ticket_id: int) -> Sequence[Attachment]:
    """Return what hangs on a matter, in the order in which it came."""
    statement = select(Attachment).where(Attachment.ticket_id == ticket_id, Attachment.removed_at.is_(None))
    return session.scalars(statement.order_by(Attachment.id)).all()


def by_key(session: Session, key: str) -> Attachment:
    """Return the file that ``key`` names, itself or its thumbnail. Raises NotFound alike for all that it does not."""
    if KEY.fullmatch(key) is None:
        raise NotFound(field="key")
    named = (Attachment.key == key) | (Attachment.thumbnail_key == key)
    row = session.scalars(select(Attachment).where(named, Attachment.removed_at.is_(None))).one_or_none()
    if row is None:
        raise NotFound(field="key")
    return row


def by_id(session: Session, attachment_id: int) -> Attachment:
    """Return a file that hangs on a matter. Raises NotFound for a foreign one and for one that was taken off."""
    row = find(session, Attachment, attachment_id, field="attachment")
    if row.removed_at is not None:
        raise NotFound(field="attachment", value=str(attachment_id))
    return row


def named_by_rows(session: Session, keys: Collection[str], *, removed: bool) -> set[str]:
    """Return which of ``keys`` rows name: rows of files that were removed, or of those that hang where they hung."""
    state: ColumnElement[bool] = Attachment.removed_at.is_not(None) if removed else Attachment.removed_at.is_(None)
    found: set[str] = set()
    for column in (Attachment.key, Attachment.thumbnail_key):
        found.update(key for key in session.scalars(select(column).where(column.in_(keys), state)) if key)
    return found


def _described(made: Prepared) -> dict[str, Any]:
    """Return the columns that say what a file is."""
    said = {name: getattr(made, name) for name in ("kind", "name", "media_type", "digest", "width", "height")}
    return said | {"size": len(made.content)}


def _stored(store: Store, made: Prepared) -> tuple[str, str | None]:
    """Put a file into the store, and its thumbnail where it has one; return their keys."""
    key = new_key()
    store.put(key, made.content, made.media_type)
    if made.thumbnail is None:
        return key, None
    thumbnail_key = new_key()
    store.put(thumbnail_key, made.thumbnail, PICTURE.media_type)
    return key, thumbnail_key


def _same(session: Session, ticket: Ticket, digest: str) -> Attachment | None:
    statement = select(Attachment).where(
        Attachment.ticket_id == ticket.id, Attachment.digest == digest, Attachment.removed_at.is_(None)
    )
    return session.scalars(statement.order_by(Attachment.id).limit(1)).first()


def _require_order_of(session: Session, ticket: Ticket, work_order_id: int | None) -> None:
    """Raise NotFound for an order that is not one of the ticket's request."""
    if work_order_id is None:
        return
    own = (
        select(WorkOrder.id)
        .join(ServiceRequest, ServiceRequest.id == WorkOrder.request_id)
        .where(WorkOrder.id == work_order_id, ServiceRequest.ticket_id == ticket.id)
    )
    if session.scalars(own).one_or_none() is None:
        raise NotFound(field="work_order", value=str(work_order_id))
