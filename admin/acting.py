"""Verbs of a record: 派单, 签收, 回访. Each has a small form, calls one service, and says what it did."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from flask import abort, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_admin.form import BaseForm
from flask_admin.model.template import BaseListRowAction
from markupsafe import Markup
from wtforms import Field

from admin import access
from admin.access import needs
from admin.fields import EDITION, Reference, form_class
from admin.references import ReferenceLoader
from tenant.rules.terms import Act, Area

NOT_FOUND, UNACCEPTABLE = 404, 422
SHOWN_IN_LIST = 2
Fields = Callable[["Acting"], dict[str, Field]]


@dataclass(frozen=True, slots=True)
class Verb:
    """Something done to a record besides editing it.

    ``carry_out`` takes the session, the record and what the form holds, and returns the sentence that says what was
    done; it raises Refusal. ``fields`` makes the form, empty for a verb that asks only whether. ``fits`` tells whether
    the verb makes sense for a record as it is now. One of ``permits`` is enough; the area None is the view's own.
    ``consequence`` is what the form says before it is sent, of the record where it depends on it.
    ``is_told_once``: the sentence holds a secret, and is shown on the page instead of kept for the next. ``offers``
    fills in beforehand what the record suggests, by field; what is sent stands.
    """

    name: str
    label: str
    carry_out: Callable[[Any, Any, dict[str, Any]], str]
    fields: Fields = field(default=lambda _view: {})
    fits: Callable[[Any], bool] = field(default=lambda _row: True)
    consequence: str | Callable[[Any], str] = ""
    permits: tuple[tuple[Area | None, Act], ...] = ((None, Act.ACT),)
    is_told_once: bool = False
    offers: Callable[[Any], dict[str, Any]] = field(default=lambda _row: {})

    def may(self, area: Area) -> bool:
        """Tell whether the person asking may carry the verb out in a view of ``area``."""
        return any(access.may(own or area, act) for own, act in self.permits)


class VerbLinks(BaseListRowAction):
    """The first few verbs that fit a row, as links to their forms."""

    def __init__(self, view: "Acting") -> None:
        """Belong to ``view``."""
        super().__init__()
        self.view = view

    def render(self, context: Any, row_id: str, row: Any) -> Markup:
        """Return the links."""
        links = Markup('<a class="button button-small" href="{url}">{label}</a>')
        offered = self.view.verbs_for(row, request.full_path)[:SHOWN_IN_LIST]
        return Markup("").join(links.format(**verb) for verb in offered)


class Acting:
    """The part of a view that carries out verbs."""

    area: Any
    session: Any
    verbs: tuple[Verb, ...] = ()
    targets: dict[str, tuple[Any, tuple[Any, ...]]] = {}
    """References asked for by forms that are not the record's own: field name → model and conditions."""
    _form_ajax_refs: dict[str, Any]

    def target_references(self) -> dict[str, ReferenceLoader]:
        """Return a loader for every one of ``targets``."""
        return {
            name: ReferenceLoader(name, self.session, model, conditions)
            for name, (model, conditions) in self.targets.items()
        }

    def loader(self, name: str) -> ReferenceLoader:
        """Return the loader of a reference for a field of such a form."""
        found: ReferenceLoader = self._form_ajax_refs[name]
        return found

    def reference(self, name: str, label: str, *, blank: bool = False) -> Reference:
        """Return the field that asks for one of ``targets``."""
        return Reference(self.loader(name), label, allow_blank=blank)

    def verbs_for(self, row: Any, back: str | None = None) -> list[dict[str, str]]:
        """Return what the person asking may do with ``row`` now: name, label and address of each verb.

        ``back`` is where the form leads when done, None for where the page at hand leads.
        """
        view: Any = self
        return [
            {
                "name": verb.name,
                "label": verb.label,
                "url": self.verb_url(verb, row, back or view.return_url()),
            }
            for verb in self.verbs
            if verb.may(self.area) and verb.fits(row) and (not view.is_group_only or view.allows(Act.ACT))
        ]

    def verb_url(self, verb: Verb, row: Any, back: str) -> str:
        """Return the address of a verb's form for ``row``, which leads on to ``back``."""
        view: Any = self
        return url_for(f"{view.endpoint}.act_view", verb=verb.name, id=row.id, url=back)

    @expose("/act/<verb>/", methods=("GET", "POST"))
    @needs(Act.VIEW)
    def act_view(self, verb: str) -> ResponseReturnValue:
        """Ask what a verb needs to know, and carry it out."""
        view: Any = self
        found = next((known for known in self.verbs if known.name == verb), None)
        if found is None:
            abort(NOT_FOUND)
        if not found.may(self.area):
            access.refuse(self.area, Act.ACT)
        if view.is_group_only:
            view.require_place(Act.ACT)
        row = view.row_asked_for(lock=request.method == "POST")
        asked = form_class(found.fields(self))
        if request.method != "POST":
            return self._act_page(found, row, asked(None, **found.offers(row)))
        form = asked(request.form)
        sentence = view.attempt(form, lambda: found.carry_out(view.session, row, _held(form)))
        if sentence is None:
            return self._act_page(found, row, form), UNACCEPTABLE
        if found.is_told_once:
            return self.told_page(row, sentence)
        view.say(sentence)
        return redirect(self.place_after(row.id))

    def place_after(self, row_id: int) -> str:
        """Return where somebody goes on who has said a verb: where they said it, a record's page, a board or a list.

        The list where the record has left its own page by what was done.
        """
        view: Any = self
        target: str = view.return_url()
        own = urlsplit(url_for(f"{view.endpoint}.details_view")).path
        if urlsplit(target).path != own or view.get_query().filter(view.model.id == row_id).one_or_none() is not None:
            return target
        return url_for(f"{view.endpoint}.index_view")

    def get_list_row_actions(self) -> list[Any]:
        """Return what stands beside a row of the list: Flask-Admin's own, and the verbs that fit the row."""
        found: list[Any] = super().get_list_row_actions()  # type: ignore[misc]
        return [*found, VerbLinks(self)] if self.verbs else found

    def told_page(self, row: Any, sentence: str) -> str:
        """Return the page that says ``sentence`` this once."""
        view: Any = self
        page: str = view.render("wuguan/told.html", model=row, sentence=sentence, return_url=view.return_url())
        return page

    def _act_page(self, verb: Verb, row: Any, form: BaseForm) -> str:
        view: Any = self
        told = verb.consequence(row) if callable(verb.consequence) else verb.consequence
        page: str = view.form_page("wuguan/act.html", form, model=row, verb=verb, consequence=told)
        return page


def _held(form: BaseForm) -> dict[str, Any]:
    return {name: found.data for name, found in form._fields.items() if name != EDITION}
