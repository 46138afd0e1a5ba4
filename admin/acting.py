"""Verbs of a record: 派单, 签收, 回访. Each has a small form, calls one service, and says what it did."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import abort, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_admin.form import BaseForm
from wtforms import Field

from admin import access
from admin.access import needs
from admin.fields import EDITION, form_class
from admin.references import ReferenceLoader
from tenant.rules.terms import Act

NOT_FOUND, UNACCEPTABLE = 404, 422
Fields = Callable[["Acting"], dict[str, Field]]


@dataclass(frozen=True, slots=True)
class Verb:
    """Something done to a record besides editing it.

    ``carry_out`` takes the session, the record and what the form holds, and returns the sentence that says what was
    done; it raises Refusal. ``fields`` makes the form, empty for a verb that asks only whether. ``fits`` tells whether
    the verb makes sense for a record as it is now.
    """

    name: str
    label: str
    carry_out: Callable[[Any, Any, dict[str, Any]], str]
    fields: Fields = field(default=lambda _view: {})
    fits: Callable[[Any], bool] = field(default=lambda _row: True)
    consequence: str = ""
    act: Act = Act.ACT


class Acting:
    """The part of a view that carries out verbs."""

    area: Any
    session: Any
    verbs: tuple[Verb, ...] = ()
    verb_targets: dict[str, tuple[Any, tuple[Any, ...]]] = {}
    """References that the verbs' forms ask for: field name → model and conditions."""
    _form_ajax_refs: dict[str, Any]

    def verb_references(self) -> dict[str, ReferenceLoader]:
        """Return a loader for every reference the verbs' forms ask for."""
        return {
            name: ReferenceLoader(name, self.session, model, conditions)
            for name, (model, conditions) in self.verb_targets.items()
        }

    def loader(self, name: str) -> ReferenceLoader:
        """Return the loader of a reference for a field of a verb's form."""
        found: ReferenceLoader = self._form_ajax_refs[name]
        return found

    def verbs_for(self, row: Any) -> list[dict[str, str]]:
        """Return what the person asking may do with ``row`` now: name, label and address of each verb."""
        view: Any = self
        return [
            {
                "name": verb.name,
                "label": verb.label,
                "url": view.get_url(".act_view", verb=verb.name, id=row.id, url=view.return_url()),
            }
            for verb in self.verbs
            if access.may(self.area, verb.act) and verb.fits(row)
        ]

    @expose("/act/<verb>/", methods=("GET", "POST"))
    @needs(Act.ACT)
    def act_view(self, verb: str) -> ResponseReturnValue:
        """Ask what a verb needs to know, and carry it out."""
        view: Any = self
        found = next((known for known in self.verbs if known.name == verb), None)
        if found is None:
            abort(NOT_FOUND)
        access.require(self.area, found.act)
        row = view.row_asked_for(lock=request.method == "POST")
        form = form_class(found.fields(self))(request.form if request.method == "POST" else None)
        if request.method == "GET":
            return self._act_page(found, row, form)
        called = str(row)
        sentence = view.attempt(form, lambda: found.carry_out(view.session, row, _held(form)))
        if sentence is None:
            return self._act_page(found, row, form), UNACCEPTABLE
        view.say(sentence or f"「{called}」已{found.label}。")
        return redirect(view.return_url())

    def _act_page(self, verb: Verb, row: Any, form: BaseForm) -> str:
        view: Any = self
        page: str = view.form_page("wuguan/act.html", form, model=row, verb=verb)
        return page


def _held(form: BaseForm) -> dict[str, Any]:
    return {name: found.data for name, found in form._fields.items() if name != EDITION}
