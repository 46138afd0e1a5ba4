"""Printing from a list and from a record's page: which forms there are of it, for one and for the chosen."""

from typing import Any, Final

from flask import abort, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_admin.actions import action

from admin.screens import papers

PRINT: Final = "print"
NOT_FOUND: Final = 404


class Printing:
    """The part of a view whose records can be printed."""

    model: Any

    def may_print(self) -> bool:
        """Tell whether there is a form of the view's records, and the person asking may have it."""
        form = papers.form_of(self.model)
        return form is not None and form.may()

    def print_url(self, *ids: Any) -> str | None:
        """Return where the PDF of records is, None where there is none to be had."""
        form = papers.form_of(self.model)
        return url_for("papers.of_records", name=form.name, id=ids) if form is not None and form.may() else None

    @action(PRINT, "打印", None)
    def print_chosen(self, ids: list[str]) -> ResponseReturnValue:
        """Print the chosen records, in the order they stand in."""
        found = self.print_url(*ids)
        return redirect(found) if found else abort(NOT_FOUND)
