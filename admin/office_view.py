"""The one view of an entity: what it lists, fills in, exports and refuses, for every entity alike.

The only subclass of Flask-Admin's ``ModelView``. A view declares columns, form, filters and acts; which rows there are
follows from the session's scope, what may be done with them from ``policy/permissions.toml``, and the doors that
Flask-Admin leaves open are closed here once.
"""

from collections.abc import Callable
from typing import Any, Final

from flask import abort, flash, g, request
from flask_admin.contrib.sqla import ModelView
from flask_admin.model.helpers import get_mdict_item_or_list
from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase
from wtforms import Field

from admin import access, formats
from admin.acting import Acting
from admin.exports import Exporting
from admin.fields import Reference, field_for, form_class
from admin.listing import Listing, column_at, loads_for
from admin.printing import PRINT, Printing
from admin.references import LOOKED_UP_BY, ReferenceLoader, parse_id
from admin.saving import Saving
from admin.site import Entry
from tenant.errors import NotFound
from tenant.models import Base, Defect, OfficeScoped, QuoteLine, Rectification, ServiceRequest, Ticket, WorkOrder
from tenant.rules.terms import Act, Area

NOT_FOUND: Final = 404
ROUTES_OF_ACTS: Final = {
    "/new/": Act.CREATE,
    "/edit/": Act.EDIT,
    "/delete/": Act.DELETE,
    "/export/<export_type>/": Act.EXPORT,
}
CHANGING: Final = frozenset({Act.CREATE, Act.EDIT, Act.DELETE, Act.ACT})
NEVER_SERVED: Final = frozenset({"/ajax/update/"})
"""Flask-Admin's inline edit asks nobody whether the record may be edited (#2129)."""
TICKET_THROUGH: Final[dict[type[Base], tuple[Any, str]]] = {
    WorkOrder: (ServiceRequest, "request_id"),
    QuoteLine: (ServiceRequest, "request_id"),
    Rectification: (Defect, "defect_id"),
}
"""Records of a ticket that name it by another record: which, and by which column."""


class OfficeView(Saving, Exporting, Acting, Printing, Listing, ModelView):
    """The view of one entity; a subclass says what is special about it and nothing else."""

    area: Area
    """The area of the permission table that the view's acts belong to."""
    path: str
    """The first part of the view's addresses, and the name of its endpoints."""
    group: str = ""
    """The duty of the navigation the view stands under; empty: it has no line of its own."""
    order: int = 50
    acts: frozenset[Act] = frozenset({Act.VIEW})
    """What the view offers at all, to whoever may; what it does not offer has no address."""
    form_columns: tuple[str, ...] = ()
    purpose: str = ""
    """One sentence on what the page is for, shown while it is empty."""
    create_label: str = ""
    is_group_only = False
    """The record is the group's: made and changed only by who looks at the whole group, in no office."""
    makers: dict[str, Callable[[str], Field]] = {}
    """For a column whose form field is none of the usual ones: what makes it of its label."""
    conditions: dict[str, tuple[Any, ...]] = {}
    """For a reference of the form, what the records offered must meet besides being in scope."""

    column_sortable_list: Any = None
    column_default_sort = ("id", True)
    column_display_actions = True
    simple_list_pager = True
    can_view_details = True
    can_set_page_size = True
    page_size = 50
    page_size_options = (20, 50, 100, 200)
    action_disallowed_list = ("delete",)
    inline_models = None
    column_editable_list = None
    export_types = ("xlsx", "csv")

    def __init__(self, model: type[DeclarativeBase], db: Any, **options: Any) -> None:
        """Take the labels from the model, and find what can be sorted by."""
        self.model = model
        self.column_labels = self.labels()
        if self.column_details_list is None:
            self.column_details_list = self.all_columns()
            self.column_labels = self.labels()
        if self.column_sortable_list is None:
            self.column_sortable_list = tuple(path for path in self.column_list if column_at(model, path) is not None)
        options.setdefault("name", formats.term_of(model))
        options.setdefault("endpoint", self.path)
        super().__init__(model, db, **options)

    def all_columns(self) -> tuple[str, ...]:
        """Return the columns of the record's page: those of the list, then the rest the model has words for."""
        further = [
            attribute.key
            for attribute in self.model.__mapper__.column_attrs
            if not (hidden := attribute.columns[0]).foreign_keys
            and not hidden.info.keys() & {"secret", "redacted", "office_ref"}
            and attribute.key not in {"id", "version", "office_id"}
        ]
        return tuple(dict.fromkeys((*self.column_list, *further)))

    def entries(self) -> tuple[Entry, ...]:
        """Return the view's line in the navigation."""
        if not self.group:
            return ()
        return (Entry(self.group, str(self.name), f"{self.endpoint}.index_view", self.area, order=self.order),)

    def create_blueprint(self, admin: Any) -> Any:
        """Serve only what the view offers."""
        found: list[Any] = vars(type(self))["_urls"]  # collected by Flask-Admin's metaclass
        self._urls = [
            route
            for route in found
            if route[0] not in NEVER_SERVED
            and ROUTES_OF_ACTS.get(route[0], Act.VIEW) in self.acts
            and (not route[0].startswith("/act/") or self.verbs)
            and (route[0] != "/reveal/" or self.has_masked_columns())
        ]
        return super().create_blueprint(admin)

    def _run_view(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        """Run a view function as it is: Flask-Admin tries another calling convention on any TypeError."""
        return fn(self, *args, **kwargs)

    # ---- permissions: properties, because they differ from request to request
    def allows(self, act: Act) -> bool:
        """Tell whether the view offers ``act`` and the person asking may do it; with nobody asking, what it offers.

        Flask-Admin asks when the view is registered, before there is anybody.
        """
        person = access.identity()
        if person is None:
            return act in self.acts
        if self.is_group_only and act in CHANGING and not (person.is_headquarters and access.office_at_hand() is None):
            return False
        return act in self.acts and access.may(self.area, act)

    can_create = property(lambda self: self.allows(Act.CREATE))
    can_edit = property(lambda self: self.allows(Act.EDIT))
    can_delete = property(lambda self: self.allows(Act.DELETE))
    can_export = property(lambda self: self.allows(Act.EXPORT))

    def is_accessible(self) -> bool:
        """Tell whether the person asking may see the view at all."""
        return access.may(self.area, Act.VIEW)

    def is_action_allowed(self, name: str) -> bool:
        """Allow no act on many rows that the view does not declare."""
        if name == PRINT:
            return self.may_print()
        return name not in self.action_disallowed_list and access.may(self.area, Act.ACT)

    # ---- rows
    def get_one(self, id: Any, *, lock: bool = False) -> Any:  # noqa: A002 - Flask-Admin's name
        """Return the record with this id; raises NotFound alike for one that is missing, foreign or no id at all.

        ``lock`` keeps it from changing until the request ends.
        """
        number = parse_id(id)
        if number is None:
            raise NotFound
        if lock:
            self._hold_matter(number)
        query = self.get_query().filter(self.model.id == number)
        query = query.options(*loads_for(self.model, [name for name, _ in self._details_columns]))
        if lock:
            query = query.with_for_update(of=self.model, key_share=True).populate_existing()
        row = query.one_or_none()
        if row is None:
            raise NotFound
        g.form_office_id = row.office_id if isinstance(row, OfficeScoped) else None
        return row

    def _hold_matter(self, number: int) -> None:
        """Lock the ticket that a record is of before the record: whoever acts on a matter locks them in this order."""
        model = self.model
        if model in TICKET_THROUGH:
            between, key = TICKET_THROUGH[model]
            of_record = select(between.ticket_id).join(model, getattr(model, key) == between.id)
        elif hasattr(model, "ticket_id"):
            of_record = select(model.ticket_id)
        else:
            return
        holding = select(Ticket.id).where(Ticket.id.in_(of_record.where(model.id == number)))
        self.session.execute(holding.with_for_update(key_share=True))

    def row_asked_for(self, *, lock: bool = False) -> Any:
        """Return the record the address names; raises NotFound."""
        return self.get_one(get_mdict_item_or_list(request.args, "id"), lock=lock)

    # ---- forms
    def references(self) -> dict[str, ReferenceLoader]:
        """Return a loader for every relation of the form: never a list of all rows."""
        relations = self.model.__mapper__.relationships
        return {
            name: ReferenceLoader(name, self.session, relations[name].mapper.class_, self.conditions.get(name, ()))
            for name in (*self.form_columns, *self.conditions)
            if name in relations and relations[name].mapper.class_ in LOOKED_UP_BY
        }

    def _process_ajax_references(self) -> dict[str, Any]:
        found: dict[str, Any] = {**self.references(), **self.target_references()}
        return found

    def scaffold_form(self) -> Any:
        """Return the form of ``form_columns``: nothing else can be filled in, whatever is sent."""
        fields: dict[str, Any] = {}
        for name in self.form_columns:
            label = self.column_labels[name]
            if name in self.makers:
                fields[name] = self.makers[name](label)
            elif name in self._form_ajax_refs:
                (key,) = self.model.__mapper__.relationships[name].local_columns
                fields[name] = Reference(self._form_ajax_refs[name], label, allow_blank=bool(key.nullable))
            else:
                column = column_at(self.model, name)
                if column is None:
                    message = f"{type(self).__name__}.form_columns: {name} is no column of {self.model.__name__}"
                    raise TypeError(message)
                fields[name] = field_for(column, label)
        return form_class(fields)

    def has_masked_columns(self) -> bool:
        """Tell whether the record's page masks anything that could be revealed."""
        return any(formats.is_masked(column_at(self.model, path)) for path in self.column_details_list)

    def may_reveal(self) -> bool:
        """Tell whether the person asking may see personal values in full, which is recorded each time (B-O5)."""
        return access.may(Area.OWNERS, Act.REVEAL)

    # ---- lookups
    def lookup(self, name: str) -> ReferenceLoader:
        """Return the loader of a reference; any other name is a page that does not exist."""
        loader = self._form_ajax_refs.get(name)
        if not isinstance(loader, ReferenceLoader):
            abort(NOT_FOUND)
        return loader

    def say(self, sentence: str) -> None:
        """Tell the person what was done."""
        flash(sentence, "success")
