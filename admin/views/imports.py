"""Imports, as the record of what was read; and what an office has taught about its columns."""

from typing import TYPE_CHECKING, Any, Final, cast

from flask_admin.form import BaseForm
from markupsafe import Markup
from wtforms import SelectField
from wtforms.fields.choices import SelectChoice

from admin.fields import field_for, form_class, required
from admin.listing import column_at
from admin.office_view import OfficeView
from importers.choices import NOTE
from importers.layouts import KEPT_IN_NOTE, kept_columns, require_heading
from importers.sheets.kinds import KINDS, kind_named
from tenant.models import HeadingAlias, ImportBatch, ImportLayout
from tenant.rules.terms import Act, Area

if TYPE_CHECKING:
    from sqlalchemy import Column

PICK: Final = "请从列表中选择。"


def _kind(identifier: str) -> str:
    """Return what a kind of sheet is called; the bare word for one there no longer is."""
    return kind_named(identifier).label if identifier in KINDS else identifier


def _column(kind: str, identifier: str | None) -> str:
    """Return what a column of a kind is called; the bare word for one it no longer has."""
    if identifier == NOTE:
        return KEPT_IN_NOTE
    known = {column.identifier: column.label for column in kind_named(kind).columns} if kind in KINDS else {}
    return known.get(identifier or "", identifier or "不读取")


class ImportBatchView(OfficeView):
    """导入批次."""

    area = Area.IMPORTS
    path = "import_batches"
    acts = frozenset({Act.VIEW})
    purpose = "每次导入的文件、工作表和结果。"
    column_list = ("file_name", "kind", "sheet", "state", "uploaded_by", "created_at", "applied_at", "undone_at")
    column_details_list = (
        "file_name", "kind", "sheet", "state", "fault", "file_size", "file_digest", "uploaded_by", "created_at",
        "read_ms", "applied_by", "applied_at", "write_ms", "undone_by", "undone_at",
    )  # fmt: skip
    column_searchable_list = ("file_name",)
    column_filters = ("state", "file_name", "created_at", "applied_at", "undone_at")

    def show_kind(self, row: Any) -> str:
        """Return what the kind of sheet is called."""
        return _kind(row.kind)


class Picked(SelectField):
    """One of a few words, kept as a code."""

    def __init__(self, label: str, choices: dict[str, str], **options: Any) -> None:
        """Offer the choices: code → word."""
        offered = [SelectChoice("", ""), *(SelectChoice(code, word) for code, word in choices.items())]
        super().__init__(label, [required(label)], choices=offered, invalid_choice_message=PICK, **options)


class HeadingAliasView(OfficeView):
    """列名对照."""

    area = Area.IMPORTS
    path = "heading_aliases"
    group = "imports"
    order = 60
    acts = frozenset({Act.VIEW, Act.CREATE, Act.EDIT, Act.DELETE, Act.EXPORT})
    purpose = "表格里的列名在本管理处的意思。导入时先按这里认列名，再按系统认得的写法。"
    column_list = ("kind", "heading", "identifier")
    column_searchable_list = ("heading",)
    column_filters = ("heading",)
    form_columns = ("kind", "heading", "identifier")

    def show_kind(self, row: Any) -> str:
        """Return what the kind of sheet is called."""
        return _kind(row.kind)

    def show_identifier(self, row: Any) -> str:
        """Return what the column is called."""
        return _column(row.kind, row.identifier)

    def scaffold_form(self) -> type[BaseForm]:
        """Return the form: the kind of sheet, the heading, and a column of that kind."""
        labels: dict[str, dict[str, list[str]]] = {}
        for kind in map(kind_named, KINDS):
            for column in kind.columns:
                labels.setdefault(column.identifier, {}).setdefault(column.label, []).append(kind.label)
        columns = {
            identifier: " / ".join(f"{label}（{'、'.join(where)}）" for label, where in named.items())
            for identifier, named in labels.items()
        }
        words = self.column_labels
        return form_class(
            {
                "kind": Picked(words["kind"], {name: kind_named(name).label for name in KINDS}),
                "heading": field_for(cast("Column[Any]", column_at(HeadingAlias, "heading")), words["heading"]),
                "identifier": Picked(words["identifier"], columns),
            }
        )

    def check(self, row: Any) -> None:
        """Raise Refusal for a column the kind has not, a heading without a word, and one the office has already."""
        require_heading(self.session, row)


class ImportLayoutView(OfficeView):
    """导入版式."""

    area = Area.IMPORTS
    path = "import_layouts"
    group = "imports"
    order = 70
    acts = frozenset({Act.VIEW, Act.DELETE})
    purpose = "记住的表格版式：列名相同的文件再次导入时，照上次的对法读取。删除后，下次重新对列。"
    column_list = ("sheet", "kind", "headings", "used_at")
    column_details_list = ("sheet", "kind", "headings", "mapping", "used_at", "created_at")
    column_searchable_list = ("sheet", "headings")
    column_filters = ("sheet", "used_at")
    column_default_sort = ("used_at", True)

    def show_kind(self, row: Any) -> str:
        """Return what the kind of sheet is called."""
        return _kind(row.kind)

    def show_mapping(self, row: Any) -> Markup:
        """Return what each column is taken for, one to a line."""
        lines = [f"{letter} 列 → {_column(row.kind, identifier)}" for letter, identifier in kept_columns(row.mapping)]
        return Markup("<br>").join(lines)


VIEWS = ((ImportBatchView, ImportBatch), (HeadingAliasView, HeadingAlias), (ImportLayoutView, ImportLayout))
