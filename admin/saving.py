"""What changes a record through its form: made, changed, removed; a form filled from an older state changes nothing."""

from hashlib import sha256
from typing import Any, Final

from flask import flash, g, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_admin.form import BaseForm, FormOpts
from flask_admin.helpers import get_redirect_target
from sqlalchemy import inspect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm.exc import StaleDataError

from admin import access, faults, fields, formats
from admin.access import needs
from admin.listing import column_at
from admin.records import Records
from tenant.errors import Refusal
from tenant.journal import RecordedAct, note
from tenant.models import OfficeScoped
from tenant.rules.terms import Act, Area

CONFLICT, UNACCEPTABLE = 409, 422
GROUP_ONLY: Final = "这项内容由集团统一维护。请在页面上方切换到「全部管理处」后再办理。"
NO_OFFICE: Final = "新增要先选定一个管理处。请在页面上方选择管理处后再新增。"


def edition_of(row: Any) -> str:
    """Return what tells one state of a record from the next: its count of changes, or a digest of what it holds."""
    version = getattr(row, "version", None)
    if version is not None:
        return str(version)
    held = [(attribute.key, str(getattr(row, attribute.key))) for attribute in inspect(row).mapper.column_attrs]
    return sha256(repr(sorted(held)).encode()).hexdigest()[:16]


class Saving(Records):
    """The part of a view that writes."""

    form_columns: Any = ()

    # ---- what a subclass may say
    def make(self, form: BaseForm) -> Any:
        """Return the new record that ``form`` describes; raises Refusal. A view with a service of its own calls it."""
        row = self.model()
        self.fill(form, row)
        if isinstance(row, OfficeScoped):
            office = access.office_at_hand()
            if office is None:
                raise Refusal(code="no_office", message=NO_OFFICE)
            row.office_id = office.id
        self.check(row)
        self.session.add(row)
        self.session.flush()
        return row

    def change(self, form: BaseForm, row: Any) -> Any:
        """Carry what ``form`` says over to ``row``; raises Refusal."""
        self.fill(form, row)
        self.check(row)
        self.session.flush()
        return row

    def check(self, row: Any) -> None:
        """Raise Refusal when the filled-in record may not be kept as it is; all may by default."""

    def remove(self, row: Any) -> None:
        """Remove the record; raises Refusal."""
        self.session.delete(row)
        self.session.flush()

    def require_place(self, act: Act) -> None:
        """Raise Refusal where the record is the group's and the person stands in an office."""
        if not self.allows(act):
            raise Refusal(code="group_only", message=GROUP_ONLY)

    def written_in(self, row: Any) -> Any:
        """Return what the form of a record is filled from, the record itself by default."""
        return row

    def edition(self, row: Any) -> str:
        """Return what tells one state of the record from the next, for who fills in its form."""
        return edition_of(row)

    def column_of(self, name: str) -> Any:
        """Return the column that a field of the form fills, None where it fills none."""
        return column_at(self.model, name)

    # ---- forms
    def edit_form(self, obj: Any = None) -> BaseForm:
        """Return the form of a record, filled from it or from what was sent."""
        form: BaseForm = super().edit_form(None if obj is None else self.written_in(obj))
        return form

    def fill(self, form: BaseForm, row: Any) -> None:
        """Write to ``row`` what the form may write: the declared columns, whatever else was sent."""
        with self.session.no_autoflush:
            for name in self.form_columns:
                if name in form:
                    form[name].populate_obj(row, name)

    def attempt(self, form: BaseForm, carry_out: Any) -> Any:
        """Return what ``carry_out`` returns, or None when the form or the database refused: then nothing is changed.

        Why it was refused stands at the field, or above the form.
        """
        if not form.validate():
            return None
        try:
            return carry_out()
        except Refusal as refusal:
            refused = refusal
        except DBAPIError as error:
            explained = faults.explain(error, self.model, self.column_labels)
            if explained is None:
                raise
            refused = explained
        self.session.rollback()
        if refused.field and refused.field in form:
            form[refused.field].errors = [refused.message]
        else:
            flash(refused.message, "error")
        return None

    def return_url(self) -> str:
        """Return where the person came from, or the list."""
        found: str = get_redirect_target() or self.get_url(".index_view")
        return found

    def form_page(self, template: str, form: BaseForm, **more: Any) -> str:
        """Return the page of a form."""
        options = FormOpts(widget_args=self.form_widget_args, form_rules=None)
        page: str = self.render(template, form=form, form_opts=options, return_url=self.return_url(), **more)
        return page

    @expose("/new/", methods=("GET", "POST"))
    @needs(Act.CREATE)
    def create_view(self) -> ResponseReturnValue:
        """Show the empty form, and make the record it describes."""
        self.require_place(Act.CREATE)
        office = access.office_at_hand()
        if issubclass(self.model, OfficeScoped):
            if office is None:
                flash(NO_OFFICE, "warning")
                return redirect(self.return_url())
            g.form_office_id = office.id
        form = self.create_form()
        if request.method != "POST":
            return self.form_page(self.create_template, form)
        row = self.attempt(form, lambda: self.make(form))
        if row is None:
            return self.form_page(self.create_template, form), UNACCEPTABLE
        return self.made_answer(row)

    def made_answer(self, row: Any) -> ResponseReturnValue:
        """Return what follows when a record has been made: its page, or the next empty form."""
        self.say(f"已新增{self.name}「{row}」。")
        if "_add_another" in request.form:
            return redirect(self.get_url(".create_view", url=self.return_url()))
        return redirect(self.get_url(".details_view", id=row.id, url=self.return_url()))

    @expose("/edit/", methods=("GET", "POST"))
    @needs(Act.EDIT)
    def edit_view(self) -> ResponseReturnValue:
        """Show the record in its form, and change it; a form filled from an older state gets the conflict page."""
        self.require_place(Act.EDIT)
        row = self.row_asked_for(lock=request.method == "POST")
        form = self.edit_form(row)
        self._keep_masked_out(form, row)
        if request.method != "POST":
            form[fields.EDITION].data = self.edition(row)
            return self.form_page(self.edit_template, form, model=row)
        if form[fields.EDITION].data != self.edition(row):
            return self.conflict_page(form, row)
        try:
            saved = self.attempt(form, lambda: self.change(form, row))
        except StaleDataError:
            self.session.rollback()
            return self.conflict_page(form, self.row_asked_for())
        if saved is None:
            return self.form_page(self.edit_template, form, model=row), UNACCEPTABLE
        self.say(f"已保存{self.name}「{row}」。")
        if "_continue_editing" in request.form:
            return redirect(self.get_url(".edit_view", id=row.id, url=self.return_url()))
        return redirect(self.return_url())

    def _keep_masked_out(self, form: BaseForm, row: Any) -> None:
        """Leave personal values out of the form of who may not see them; for who may, put it on the record."""
        hidden = [name for name in self.form_columns if formats.is_masked(self.column_of(name))]
        if not self.may_reveal():
            for name in hidden:
                del form[name]
        elif request.method != "POST" and any(getattr(self.written_in(row), name) for name in hidden):
            self.note_reveal(row, hidden)

    def conflict_page(self, form: BaseForm, row: Any) -> ResponseReturnValue:
        """Return what the person wrote beside what stands there now; nothing has been saved."""
        theirs = self._edit_form_class(None, obj=self.written_in(row))
        shown = [
            {
                "label": form[name].label.text,
                "mine": fields.display(form[name]),
                "theirs": fields.display(theirs[name]),
                "differs": fields.display(form[name]) != fields.display(theirs[name]),
            }
            for name in self.form_columns
            if name in form
        ]
        latest = next(iter(self.history_of(row, limit=1)), None)
        page = self.render(
            "wuguan/conflict.html",
            model=row,
            fields=shown,
            latest=latest,
            edit_url=self.get_url(".edit_view", id=row.id, url=self.return_url()),
            return_url=self.return_url(),
        )
        return page, CONFLICT

    @expose("/delete/", methods=("GET", "POST"))
    @needs(Act.DELETE)
    def delete_view(self) -> ResponseReturnValue:
        """Ask whether to remove the record, naming it; remove it when the answer is posted."""
        self.require_place(Act.DELETE)
        row = self.get_one(request.values.get("id"), lock=request.method == "POST")
        if request.method != "POST":
            return self._delete_page(row)
        called = str(row)
        try:
            self.remove(row)
        except Refusal as refusal:
            refused = refusal
        except DBAPIError as error:
            explained = faults.explain(error, self.model, self.column_labels)
            if explained is None:
                raise
            refused = explained
        else:
            self.say(f"已删除{self.name}「{called}」。")
            return redirect(self.return_url())
        self.session.rollback()
        return self._delete_page(row, refused.message), CONFLICT

    def _delete_page(self, row: Any, error: str | None = None) -> str:
        page: str = self.render(
            "wuguan/delete.html", model=row, error=error, form=self.delete_form(), return_url=self.return_url()
        )
        return page

    @expose("/reveal/", methods=("POST",))
    @needs(Act.VIEW)
    def reveal_view(self) -> ResponseReturnValue:
        """Show the record with its personal values in full, and put on the record who asked (B-O5)."""
        if not self.may_reveal():
            access.refuse(Area.OWNERS, Act.REVEAL)
        row = self.get_one(request.form.get("id"))
        hidden = [path for path in self.column_details_list if formats.is_masked(column_at(self.model, path))]
        self.note_reveal(row, hidden)
        g.revealed = True
        return self.details_page(row)

    def note_reveal(self, row: Any, columns: list[str]) -> None:
        """Put on the record that the personal values of a record were shown in full."""
        act = RecordedAct(
            verb="record.revealed",
            subject_kind=self.model.__tablename__,
            subject_id=row.id,
            office_id=getattr(row, "office_id", None),
            facts={"columns": [self.column_labels.get(path, path) for path in columns]},
        )
        note(self.session, act)
