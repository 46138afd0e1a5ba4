"""Import batches, as the record of what was read and what became of it."""

from admin.office_view import OfficeView
from tenant.models import ImportBatch
from tenant.rules.terms import Act, Area


class ImportBatchView(OfficeView):
    """导入批次."""

    area = Area.IMPORTS
    path = "import_batches"
    acts = frozenset({Act.VIEW})
    purpose = "每次导入的文件、工作表和结果。"
    column_list = ("file_name", "kind", "sheet", "state", "uploaded_by", "created_at", "applied_at")
    column_details_list = (
        "file_name", "kind", "sheet", "state", "fault", "file_size", "file_digest", "uploaded_by", "created_at",
        "applied_at",
    )  # fmt: skip
    column_searchable_list = ("file_name",)
    column_filters = ("state", "file_name", "created_at", "applied_at")


VIEWS = ((ImportBatchView, ImportBatch),)
