"""One record on a page: its facts, what can be done with it, and its history."""

from typing import Any, Final

from flask import abort, jsonify, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import Column, and_, or_, select

from admin import formats
from admin.access import needs
from admin.listing import column_at
from audit.models import AuditEntry
from tenant.models import Base
from tenant.rules.terms import Act

NOT_FOUND: Final = 404
LONGEST_HISTORY: Final = 200
VERBS: Final = {"create": "新增", "update": "修改", "delete": "删除"}
ACTS: Final = {"record.revealed": "查看完整证件与电话", "record.exported": "导出"}


class Records:
    """The part of a view that shows one record."""

    model: Any
    session: Any
    name: Any
    area: Any
    column_labels: Any
    column_details_list: Any
    render: Any
    get_url: Any
    form_widget_args: Any
    create_form: Any
    edit_form: Any
    delete_form: Any
    _edit_form_class: Any
    create_template: str
    edit_template: str
    details_template: str
    get_one: Any
    row_asked_for: Any
    may_reveal: Any
    say: Any
    return_url: Any
    verbs_for: Any
    lookup: Any
    allows: Any

    @expose("/details/")
    @needs(Act.VIEW)
    def details_view(self) -> ResponseReturnValue:
        """Show one record."""
        return self.details_page(self.row_asked_for())

    def details_page(self, row: Any) -> str:
        """Return the page of one record, with what can be done with it."""
        view: Any = self
        view.prepare([row])
        masked = any(formats.is_masked(column_at(self.model, path)) for path in self.column_details_list)
        page: str = self.render(
            self.details_template,
            model=row,
            details_columns=view._details_columns,  # noqa: SLF001 - Flask-Admin's
            get_value=view.get_detail_value,
            return_url=self.return_url(),
            verbs=self.verbs_for(row, self.get_url(".details_view", id=row.id, url=self.return_url())),
            can_reveal=masked and self.may_reveal(),
            reveal_url=self.get_url(".reveal_view") if masked else None,
        )
        return page

    @expose("/history/")
    @needs(Act.VIEW)
    def history_view(self) -> ResponseReturnValue:
        """Show who did what to the record, when, and from what to what."""
        row = self.row_asked_for()
        page: str = self.render(
            "wuguan/history.html", model=row, entries=self.history_of(row), return_url=self.return_url()
        )
        return page

    def history_of(self, row: Any, limit: int = LONGEST_HISTORY) -> list[dict[str, Any]]:
        """Return what the record says about ``row``, latest first."""
        subjects = [
            and_(AuditEntry.subject_kind == model.__tablename__, AuditEntry.subject_id == row_id)
            for model, row_id in self.history_subjects(row)
        ]
        statement = select(AuditEntry).where(or_(*subjects)).order_by(AuditEntry.id.desc()).limit(limit)
        zone = formats.row_zone(row)
        return [_told(entry, zone) for entry in self.session.scalars(statement)]

    def history_subjects(self, row: Any) -> list[tuple[Any, int]]:
        """Return whose history is told on the page of ``row``: its own, and of what is shown as one with it."""
        return [(self.model, row.id)]

    @expose("/ajax/lookup/")
    @needs(Act.VIEW)
    def ajax_lookup(self) -> ResponseReturnValue:
        """Answer a field that looks for a record by typing: a few, in scope, never more than asked for."""
        loader = self.lookup(request.args.get("name", ""))
        offset, limit = (request.args.get(name, type=int) for name in ("offset", "limit"))
        return jsonify([loader.format(row) for row in loader.get_list(request.args.get("query"), offset, limit or 10)])

    @expose("/action/", methods=("POST",))
    @needs(Act.VIEW)
    def action_view(self) -> ResponseReturnValue:
        """Carry out an act on the chosen rows; one the view does not declare does not exist."""
        view: Any = self
        if request.form.get("action") not in view._actions_data or not view.is_action_allowed(  # noqa: SLF001
            request.form["action"]
        ):
            abort(NOT_FOUND)
        answer: ResponseReturnValue = view.handle_action()
        return answer


def _told(entry: AuditEntry, zone: str) -> dict[str, Any]:
    """Return an entry in words: who, what, when, and each column from what to what."""
    before, after = entry.before or {}, entry.after or {}
    table = Base.metadata.tables.get(entry.subject_kind or "")
    changes = []
    for key in dict.fromkeys((*before, *after)):
        column = table.c.get(key) if table is not None else None
        changes.append(
            {
                "label": (column.doc if column is not None else None) or key,
                "before": _recorded(column, before.get(key)),
                "after": _recorded(column, after.get(key)),
            }
        )
    return {
        "at": formats.shown(entry.at, zone=zone),
        "actor": entry.actor_name,
        "verb": ACTS.get(entry.verb) or VERBS.get(entry.verb.rpartition(".")[2], entry.verb),
        "changes": changes,
        "reason": entry.reason,
        "address": entry.address,
    }


def _recorded(column: Column[Any] | None, value: object) -> str:
    """Return a recorded value in words: codes as their labels, the rest as it was kept."""
    terms = getattr(column.type, "enum_class", None) if column is not None else None
    if terms is not None and value in {term.value for term in terms}:
        return formats.written(terms(value))
    return formats.written(value) or formats.NOTHING
