"""Mails, as the record of what went to whom; they are written by the clocks and never by hand."""

from typing import Any

from admin.office_view import OfficeView
from admin.screens.mail_pages import without_addresses
from tenant.models import Mail
from tenant.rules.terms import Act, Area


class MailView(OfficeView):
    """邮件."""

    area = Area.MAILS
    path = "mails"
    acts = frozenset({Act.VIEW})
    purpose = "系统发出的每一封邮件及其结果。"
    column_list = ("subject", "mail_class", "recipient_name", "recipient_address", "state", "attempts", "sent_at")
    column_searchable_list = ("subject", "recipient_name")
    column_filters = ("state", "mail_class", "subject", "sent_at")

    def show_last_error(self, row: Any) -> str:
        """Return what the server answered last, with the addresses it repeats masked."""
        return without_addresses(row.last_error or "")


VIEWS = ((MailView, Mail),)
