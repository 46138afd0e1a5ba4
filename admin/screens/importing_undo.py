"""撤销导入: what would go back, what would stay and why, asked before it is done."""

from typing import Final

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from admin.access import needs
from admin.screens import importing_lines
from admin.session import session_at_hand
from importers import undo
from tenant.errors import NotFound, Refusal
from tenant.models import ImportBatch
from tenant.rules.terms import Act, Area

KEPT: Final = 200
"""How many records that stay are listed; the rest is counted."""

part = Blueprint("undo", __name__)


@part.get("/imports/<int:batch_id>/undo")
@needs(Act.ACT, Area.IMPORTS)
def foresee(batch_id: int) -> ResponseReturnValue:
    """Show what undoing a batch would restore and what would be left as it is; one that cannot be undone says why."""
    batch = importing_lines.batch_of(batch_id)
    try:
        undoing = undo.foresee(session_at_hand(), batch.id)
    except NotFound:
        raise
    except Refusal as refusal:
        flash(refusal.message, "error")
        return redirect(url_for("importing.batch", batch_id=batch_id))
    return render_template(
        "wuguan/undo.html",
        batch=importing_lines.line(batch) | importing_lines.standing(batch),
        written=importing_lines.written(batch),
        counts=[(label, counted["removed"], counted["restored"]) for label, counted in undoing.counts.items()],
        total=undoing.total,
        kept=undoing.kept[:KEPT],
        kept_in_all=sum(counted["kept"] for counted in undoing.counts.values()),
        history=importing_lines.history(batch),
    )


def begin(batch_id: int) -> ImportBatch:
    """Say that a batch is being undone; raises Refusal for one that cannot be."""
    return undo.begin(session_at_hand(), batch_id)
