"""The list of an entity: one query for the screen and for its export, each relation loaded with the page."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

from flask import g
from flask_admin import expose
from markupsafe import Markup
from sqlalchemy import Column, inspect
from sqlalchemy.orm import DeclarativeBase, RelationshipProperty, joinedload

from admin import access, formats
from admin.access import needs
from admin.filters import filters_for
from admin.references import SPOKEN_WITH
from tenant.models import Walled
from tenant.rules.terms import Act

LAST_PAGE: Final = 2000
OFFICE_COLUMN: Final = ("office_name", "管理处")
"""The column by which a list across offices says whose each row is."""


@lru_cache(maxsize=4096)
def column_at(model: type[DeclarativeBase], path: str) -> Column[Any] | None:
    """Return the column that ``path`` (``ticket.number``) leads to from ``model``, None where it leads to no column."""
    *relations, name = path.split(".")
    for relation in relations:
        found = inspect(model).relationships.get(relation)
        if found is None:
            return None
        model = found.mapper.class_
    attribute = inspect(model).column_attrs.get(name)
    column = attribute.columns[0] if attribute is not None else None
    return column if isinstance(column, Column) else None


def label_of(model: type[DeclarativeBase], path: str) -> str | None:
    """Return what ``path`` is called: its column's doc, or the doc of the key behind a relation."""
    column = column_at(model, path)
    if column is not None:
        return column.doc
    *relations, name = path.split(".")
    for relation in relations:
        if relation not in inspect(model).relationships:
            return None
        model = inspect(model).relationships[relation].mapper.class_
    found = inspect(model).relationships.get(name)
    local = next(iter(found.local_columns), None) if found is not None else None
    return getattr(local, "doc", None)


def loads_for(model: type[DeclarativeBase], paths: Sequence[str]) -> Iterator[Any]:
    """Yield the options that load with the page every relation its columns show, and what those need to say a name."""
    seen: set[tuple[str, ...]] = set()
    for path in paths:
        yield from _loads_along(model, tuple(path.split(".")), seen)
    for name in SPOKEN_WITH.get(model.__name__, ()):
        yield from _loads_along(model, (name,), seen)


def _loads_along(model: type[DeclarativeBase], names: tuple[str, ...], seen: set[tuple[str, ...]]) -> Iterator[Any]:
    option: Any = None
    here: Any = model
    walked: tuple[str, ...] = ()
    for name in names:
        found: RelationshipProperty[Any] | None = inspect(here).relationships.get(name)
        if found is None:
            break
        attribute = getattr(here, name)
        option = joinedload(attribute) if option is None else option.joinedload(attribute)
        here, walked = found.mapper.class_, (*walked, name)
    if option is None or walked in seen:
        return
    seen.add(walked)
    yield option
    for further in SPOKEN_WITH.get(here.__name__, ()):
        yield from _loads_along(model, (*walked, further), seen)


class Listing:
    """The part of a view that lists: columns, filters, search, pages."""

    model: Any
    column_list: Any = ()
    column_details_list: Any = None
    column_filters: Any = None
    column_labels: Any = None
    extra_labels: dict[str, str] = {}
    """Labels of columns that the view works out by itself, or calls otherwise than the model does."""

    def labels(self) -> dict[str, str]:
        """Return what every column a view speaks of is called."""
        paths = {*self.column_list, *(self.column_details_list or ()), *(self.column_filters or ())}
        paths |= {*(getattr(self, "form_columns", None) or ()), *(getattr(self, "column_searchable_list", None) or ())}
        found = {path: label_of(self.model, path) for path in paths}
        return {path: label for path, label in found.items() if label} | self.extra_labels

    def scaffold_filters(self, name: str) -> list[Any] | None:
        """Return the filters of a column by its path."""
        column = column_at(self.model, name)
        if column is None:
            return None
        label = self.column_labels.get(name, name)
        return [self.handle_filter(found) for found in filters_for(name, column, label)]  # type: ignore[attr-defined]

    def get_filter_arg(self, index: int, flt: Any) -> str:
        """Return how a filter stands in an address: by its column, so that saved addresses outlive new filters."""
        return f"{flt.key_name}-{flt.code}"

    def rows(
        self,
        sort_column: str | None,
        sort_desc: bool,  # noqa: FBT001 - Flask-Admin's
        search: str | None,
        filters: Any,
    ) -> Any:
        """Return the query behind the screen and its export: one and the same, so that neither drops a condition."""
        view: Any = self
        query = view.get_query().options(*loads_for(self.model, [name for name, _ in view._list_columns]))  # noqa: SLF001
        joins: dict[Any, Any] = {}
        if search and view._search_supported:  # noqa: SLF001
            words = search.replace("\x00", "")
            query, _, joins, _ = view._apply_search(query, None, joins, {}, words)  # noqa: SLF001
        if filters:
            query, _, joins, _ = view._apply_filters(query, None, joins, {}, filters)  # noqa: SLF001
        query, joins = view._apply_sorting(query, joins, sort_column, sort_desc)  # noqa: SLF001
        return query.order_by(self.model.id.desc())

    def get_list(
        self,
        page: int | None,
        sort_column: str | None,
        sort_desc: bool,  # noqa: FBT001
        search: str | None,
        filters: Any,
        execute: bool = True,  # noqa: FBT001, FBT002
        page_size: int | None = None,
    ) -> tuple[None, list[Any]]:
        """Return one page, and no total: counting a large table on each page costs more than the page."""
        size = page_size or self.page_size  # type: ignore[attr-defined]
        number = min(max(page or 0, 0), LAST_PAGE)
        found = self.rows(sort_column, sort_desc, search, filters).limit(size).offset(number * size).all()
        self.prepare(found)
        return None, found

    def prepare(self, rows: list[Any]) -> None:
        """Fetch at once what the columns of these rows need beyond their relations; nothing by default."""

    # ---- what a cell says
    def _get_list_value(
        self, context: Any, model: Any, name: str, column_formatters: Any, column_type_formatters: Any
    ) -> Markup | str:
        """Return one cell for the screen."""
        return self.cell(model, name)

    def cell(self, row: Any, path: str) -> Markup | str:
        """Return one cell for the screen: words for codes, masked personal values."""
        column = column_at(self.model, path)
        value = self.value(row, path)
        if formats.is_masked(column) and column is not None and not g.get("revealed"):
            return formats.masked(column, value) or formats.NOTHING
        return formats.shown(value, column=column, zone=formats.row_zone(row))

    def value(self, row: Any, path: str) -> Any:
        """Return the value a path leads to, None where it breaks off."""
        found = getattr(self, f"show_{path.replace('.', '_')}", None)
        if found is not None:
            return found(row)
        for name in path.split("."):
            row = getattr(row, name, None)
        return row

    def show_office_name(self, row: Any) -> str | None:
        """Return the name of the row's office without asking the database: who asks knows all they can reach."""
        person = access.identity()
        found = person.office(getattr(row, "office_id", None)) if person else None
        return found.name if found else None

    def get_invalid_value_msg(self, value: str, filter: Any) -> str:  # noqa: A002 - Flask-Admin's name
        """Return what is said of a value that a filter cannot take."""
        return f"筛选「{filter.name}」的值「{value[:40]}」无法识别，已忽略。请重新填写。"

    def search_placeholder(self) -> str | None:
        """Return what can be searched for, as the field says it before anything is typed."""
        labels = [self.column_labels.get(path, path) for path in getattr(self, "column_searchable_list", None) or ()]
        return "、".join(dict.fromkeys(labels)) or None

    @expose("/")
    @needs(Act.VIEW)
    def index_view(self) -> Any:
        """Show the list; across offices each row says whose it is."""
        view: Any = self
        if access.office_at_hand() is None and issubclass(self.model, Walled) and "office_id" in self.model.__table__.c:
            view._template_args["list_columns"] = [*view._list_columns, OFFICE_COLUMN]  # noqa: SLF001
        return super().index_view()  # type: ignore[misc]
