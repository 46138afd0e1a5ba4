"""What hangs on the matters of an office, as a list: who brought what, when, and what was taken off and why."""

from typing import Any

from flask import url_for
from markupsafe import Markup
from sqlalchemy import select

from admin import access
from admin.office_view import OfficeView
from tenant.models import Attachment, ServiceRequest, Ticket, WorkOrder
from tenant.rules.terms import Act, Area
from tenant.services import attachments


class AttachmentView(OfficeView):
    """附件: the list; files are added and taken off on the page of their matter."""

    area = Area.REQUESTS
    path = "attachments"
    group = "requests"
    order = 45
    acts = frozenset({Act.VIEW, Act.EXPORT})
    purpose = "报事、投诉和整改所附的照片、录音和文件。在各自的页面上传和删除。"
    column_list = ("ticket", "purpose", "kind", "name", "note", "size", "added_by", "added_at", "removed_at")
    column_details_list = (*column_list, "work_order", "media_type", "width", "height", "removed_why")
    column_searchable_list = ("ticket.number",)
    column_filters = ("ticket.number", "ticket.kind", "purpose", "kind", "added_at", "removed_at")
    column_default_sort = ("added_at", True)

    def get_query(self) -> Any:
        """Return what hangs on the matters that the person may see; a technician's own orders' alone (A-W9)."""
        kinds = [kind for kind, area in attachments.AREAS.items() if access.may(area)]
        seen = select(Ticket.id).where(Ticket.kind.in_(kinds))
        own = access.own_orders_only()
        if own is not None:
            sent = select(WorkOrder.request_id).where(WorkOrder.technician_id.in_(own))
            seen = select(ServiceRequest.ticket_id).where(ServiceRequest.id.in_(sent))
        return super().get_query().filter(Attachment.ticket_id.in_(seen))

    def cell(self, row: Any, path: str) -> Markup | str:
        """Return one cell; the name leads to the file while there is one."""
        words = super().cell(row, path)
        if path != "name" or row.removed_at is not None:
            return words
        return Markup('<a href="{}">{}</a>').format(url_for("files.show", key=row.key), words)


VIEWS = ((AttachmentView, Attachment),)
