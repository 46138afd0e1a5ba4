"""Verbs as the table of states has them: the same rows that the services ask say what a page offers, and to whom."""

from collections.abc import Callable
from typing import Any

from admin.acting import Fields, Verb
from tenant import policy


def stepping(
    machine: str,
    verb: str,
    carry_out: Callable[[Any, Any, dict[str, Any]], str],
    *,
    fields: Fields = lambda _view: {},
    state: Callable[[Any], str] = lambda row: row.state,
    also: Callable[[Any], bool] = lambda _row: True,
    consequence: str = "",
    offers: Callable[[Any], dict[str, Any]] = lambda _row: {},
) -> Verb:
    """Return a verb of the table for a page: its label, the states it is offered in and who may say it come from there.

    ``state`` reads the state of a record, ``also`` says what must hold besides, ``offers`` what the form holds
    beforehand. Raises LookupError for a verb that the table has not.
    """
    row = policy.transitions().row(machine, verb)
    return Verb(
        verb.replace("_", "-"),
        row.label,
        carry_out,
        fields=fields,
        fits=lambda record: state(record) in row.came_from and also(record),
        consequence=consequence,
        permits=tuple(row.permits),
        offers=offers,
    )
