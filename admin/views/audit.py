"""The record of who did what: read, filtered, exported; nobody changes it."""

from admin import formats
from admin.office_view import OfficeView
from audit.models import AuditEntry
from tenant.rules.terms import Act, Area


class AuditEntryView(OfficeView):
    """审计记录."""

    area = Area.AUDIT
    path = "audit_entries"
    acts = frozenset({Act.VIEW, Act.EXPORT})
    purpose = "谁在何时对哪条记录做了什么。记录不能修改，也不能删除。"
    column_list = ("at", "actor_name", "verb", "subject_kind", "subject_id", "reason", "address")
    column_details_list = (
        "at", "actor_kind", "actor_name", "verb", "subject_kind", "subject_id", "before", "after", "reason",
        "request_id", "address",
    )  # fmt: skip
    column_searchable_list = ("actor_name", "verb", "request_id")
    column_filters = ("at", "actor_name", "actor_kind", "verb", "subject_kind", "subject_id", "reason", "request_id")

    def show_before(self, row: AuditEntry) -> str | None:
        """Return the columns as they were."""
        return _listed(row.before)

    def show_after(self, row: AuditEntry) -> str | None:
        """Return the columns as they are."""
        return _listed(row.after)


def _listed(values: dict[str, object] | None) -> str | None:
    return "；".join(f"{key}：{formats.written(value)}" for key, value in values.items()) if values else None


VIEWS = ((AuditEntryView, AuditEntry),)
