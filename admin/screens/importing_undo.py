"""撤销导入: what would go back and what would stay, asked before it is done; of much it is reckoned behind the page."""

from typing import Any, Final

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from admin import access, formats
from admin.access import needs
from admin.screens import importing_lines
from admin.session import session_at_hand
from importers import foresight, undo
from importers.undo import Undoing
from tenant.errors import NotFound, Refusal
from tenant.models import ImportBatch
from tenant.rules.terms import Act, Area

KEPT: Final = 200
"""How many records that stay are listed; the rest is counted."""

part = Blueprint("undo", __name__)


@part.get("/imports/<int:batch_id>/undo")
@needs(Act.ACT, Area.IMPORTS)
def foresee(batch_id: int) -> ResponseReturnValue:
    """Show what undoing a batch would restore and what would be left as it is; one that cannot be undone says why.

    Of a large one it shows what was reckoned last, and when; nobody waits here for it to be reckoned.
    """
    batch = importing_lines.batch_of(batch_id)
    try:
        undo.require_undoable(session_at_hand(), batch.id)
        undoing, at = _foreseen(batch)
    except NotFound:
        raise
    except Refusal as refusal:
        flash(refusal.message, "error")
        return redirect(url_for("importing.batch", batch_id=batch_id))
    return render_template(
        "wuguan/undo.html",
        batch=importing_lines.line(batch) | importing_lines.standing(batch),
        written=importing_lines.written(batch),
        history=importing_lines.history(batch),
        reckoned=at,
        **_counted(undoing),
        **importing_lines.progress(batch),
    )


@part.post("/imports/<int:batch_id>/undo/foresee")
@needs(Act.ACT, Area.IMPORTS)
def reckon(batch_id: int) -> ResponseReturnValue:
    """Have it reckoned in the background what undoing a batch would do; a doubled click asks once."""
    batch = undo.require_undoable(session_at_hand(), batch_id)
    importing_lines.ask(batch, importing_lines.FORESEE)
    return redirect(url_for(".foresee", batch_id=batch_id))


def begin(batch_id: int) -> ImportBatch:
    """Say that a batch is being undone; raises Refusal for one that cannot be."""
    return undo.begin(session_at_hand(), batch_id)


def _foreseen(batch: ImportBatch) -> tuple[Undoing | None, str]:
    """Return what undoing would do, None while that was not reckoned, and when it was; empty: it is so now."""
    session = session_at_hand()
    if not foresight.is_large(batch):
        return undo.foresee(session, batch.id), ""
    kept = foresight.kept(session, batch)
    if kept is None:
        return None, ""
    return kept.undoing, formats.written(kept.at, zone=access.zone_of(batch.office_id))


def _counted(undoing: Undoing | None) -> dict[str, Any]:
    """Return what the page says of an undoing."""
    if undoing is None:
        return {"is_known": False, "counts": (), "total": 0, "kept": (), "kept_in_all": 0}
    return {
        "is_known": True,
        "counts": [(label, counted["removed"], counted["restored"]) for label, counted in undoing.counts.items()],
        "total": undoing.total,
        "kept": undoing.kept[:KEPT],
        "kept_in_all": sum(counted["kept"] for counted in undoing.counts.values()),
    }
