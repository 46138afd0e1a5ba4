"""对列 and deciding: how a file is read, what it may do, what is put right by hand; each read and planned again."""

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from admin.access import needs
from admin.references import parse_id
from admin.screens import importing_asked, importing_lines, importing_preview
from admin.session import session_at_hand
from importers import batches, frames, layouts
from importers.cells import column_letter
from importers.choices import NOTE, Choices
from importers.sheets.kinds import SheetKind, kind_named
from tenant.errors import NotFound, Refusal
from tenant.models import ImportBatch, Office
from tenant.rules.terms import Act, Area, ImportState

UNACCEPTABLE: Final = 422
SURE: Final = 80
"""From this confidence on a suggestion is called likely; below it is called possible."""

part = Blueprint("deciding", __name__)


def next_page(batch: ImportBatch) -> str:
    """Return the address of what is to be done next with a batch: say how it is read, or look at what it would do."""
    wants_mapping = batch.state is ImportState.MAPPING
    return url_for("importing.deciding.mapping" if wants_mapping else "importing.batch", batch_id=batch.id)


@part.get("/imports/<int:batch_id>/mapping")
@needs(Act.IMPORT, Area.IMPORTS)
def mapping(batch_id: int) -> ResponseReturnValue:
    """Show how each column is understood, beside what stands in it, to be put right."""
    batch = importing_lines.batch_of(batch_id)
    if batch.state not in importing_lines.DECIDABLE:
        return redirect(url_for("importing.batch", batch_id=batch_id))
    return _mapping_page(batch)


@part.post("/imports/<int:batch_id>/mapping")
@needs(Act.IMPORT, Area.IMPORTS)
def map_again(batch_id: int) -> ResponseReturnValue:
    """Take how the columns are read, remember it if wished, and plan again; where that fails the page keeps it."""
    try:
        decided = _mapped(importing_lines.batch_of(batch_id))
    except NotFound:
        raise
    except Refusal as refusal:
        flash(refusal.message, "error")
        session_at_hand().rollback()
        return _mapping_page(importing_lines.batch_of(batch_id), typed=request.form), UNACCEPTABLE
    again = request.form.get("then") == "mapping" or decided.state is ImportState.MAPPING
    return redirect(url_for(".mapping" if again else "importing.batch", batch_id=batch_id))


def _mapped(batch: ImportBatch) -> ImportBatch:
    """Return the batch as it is once it was read and planned again by the form at hand; raises as deciding does."""
    if request.form.get("edition", str(batch.version)) != str(batch.version):
        raise Refusal(
            code="decided_meanwhile", message="有人刚改过这份文件的读法或选择。请核对下面的内容，再提交一次。"
        )
    session, kind, understood = session_at_hand(), kind_named(batch.kind), frames.head(batch)["understood"]
    edition = batch.version
    known = frozenset(column.identifier for column in kind.columns)
    office = session.get_one(Office, batch.office_id)
    for heading, identifier in importing_asked.learnt(request.form, understood):
        if identifier in known:
            layouts.learn(session, office, kind, heading, identifier)
    choices = importing_asked.read_as_asked(request.form, understood, Choices.from_json(batch.choices), known)
    decided = batches.decide(session, batch.id, choices, edition)
    if "remember" in request.form and decided.state is ImportState.PREVIEWED:
        batches.remember_mapping(session, batch.id)
    return decided


@part.post("/imports/<int:batch_id>/choices")
@needs(Act.IMPORT, Area.IMPORTS)
def choose(batch_id: int) -> ResponseReturnValue:
    """Take what the import may do to what is there, and plan again."""
    batch = importing_lines.batch_of(batch_id)
    choices = importing_asked.options_as_asked(request.form, Choices.from_json(batch.choices))
    batches.decide(session_at_hand(), batch.id, choices, _edition(batch))
    return redirect(url_for("importing.batch", batch_id=batch_id))


@part.post("/imports/<int:batch_id>/edits")
@needs(Act.IMPORT, Area.IMPORTS)
def correct(batch_id: int) -> ResponseReturnValue:
    """Take all the cells and answers of a page at once, and plan again; where that fails the page keeps them."""
    batch = importing_lines.batch_of(batch_id)
    before = Choices.from_json(batch.choices)
    try:
        choices = importing_asked.corrected_as_asked(request.form, before)
        changed = len(choices.edits.items() ^ before.edits.items()) + len(
            choices.answers.items() ^ before.answers.items()
        )
        if changed:
            batches.decide(session_at_hand(), batch.id, choices, _edition(batch))
    except NotFound:
        raise
    except Refusal as refusal:
        flash(refusal.message, "error")
        session_at_hand().rollback()
        again = importing_lines.batch_of(batch_id)
        return importing_preview.page(again, typed=request.form), UNACCEPTABLE  # type: ignore[return-value]
    flash("已按改正后的内容重新比对。" if changed else "没有改动，预览保持原样。", "success" if changed else "message")
    return redirect(url_for("importing.batch", batch_id=batch_id, tab=request.args.get("tab"), page=_page()))


@part.post("/imports/<int:batch_id>/edits/none")
@needs(Act.IMPORT, Area.IMPORTS)
def uncorrect(batch_id: int) -> ResponseReturnValue:
    """Take back all that was put right by hand, and plan again."""
    batch = importing_lines.batch_of(batch_id)
    choices = importing_asked.uncorrected(Choices.from_json(batch.choices))
    batches.decide(session_at_hand(), batch.id, choices, _edition(batch))
    flash("已撤回在预览里的改正，按文件原来的内容重新比对。", "success")
    return redirect(url_for("importing.batch", batch_id=batch_id))


def _edition(batch: ImportBatch) -> int:
    """Return the version of the batch that the page at hand showed, that of now where it does not say."""
    return parse_id(request.form.get("edition")) or batch.version


def _page() -> str | None:
    return request.args.get("page") or None


def _mapping_page(batch: ImportBatch, typed: Mapping[str, str] | None = None) -> str:
    """Return the page of 对列; ``typed`` is a form that could not be taken, whose choices are not lost."""
    head = frames.head(batch)
    kind, understood = kind_named(batch.kind), head["understood"] or {}
    found = enumerate(_with_one_to_read(understood.get("sheets", [])))
    sheets = [_sheet(sheet, kind, f"{place}", typed) for place, sheet in found]
    widest = max((sheet["width"] for sheet in sheets), default=0)
    return render_template(
        "wuguan/batch_mapping.html",
        batch=importing_lines.line(batch) | importing_lines.standing(batch),
        steps=[("上传", "done"), ("对列", "current"), ("预览", ""), ("写入", "")],
        kind=kind.label,
        required=_required(kind),
        sheets=sheets,
        hidden_rows=sum(sheet["hidden_rows"] for sheet in sheets),
        rooms=understood.get("rooms", ()),
        choices=importing_lines.decided(batch),
        options=[(column.identifier, column.label) for column in kind.columns],
        letters=[column_letter(number) for number in range(1, widest + 1)],
        note=NOTE,
        has_note=any(column.identifier == "note" for column in kind.columns),
        notices=head["notices"],
    )


def _with_one_to_read(sheets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the sheets; where none can be read yet, the likeliest stands open to be put right."""
    if any(sheet["is_read"] for sheet in sheets):
        return sheets
    visible = [sheet for sheet in sheets if not sheet["is_hidden"]] or sheets
    likeliest = max(visible, key=_likelihood, default=None)
    return [sheet | {"is_read": sheet is likeliest} for sheet in sheets]


def _likelihood(sheet: dict[str, Any]) -> tuple[int, int]:
    """Return how much speaks for a sheet being the table: columns that were recognised, then cells that are filled."""
    recognised = sum(column["identifier"] is not None for column in sheet["columns"])
    return recognised, sum(bool(text) for row in sheet["top"] for text in row)


def _sheet(sheet: dict[str, Any], kind: SheetKind, place: str, typed: Mapping[str, str] | None) -> dict[str, Any]:
    """Return a sheet as the page shows it: suggestions in words, and what a form said that could not be taken."""
    labels = {column.identifier: column.label for column in kind.columns}
    columns = [
        column
        | {
            "said": column["identifier"] if typed is None else typed.get(f"column-{place}-{column['letter']}"),
            "offer": labels.get(column["suggestion"]) if column["identifier"] is None else None,
            "is_likely": (column["confidence"] or 0) >= SURE,
        }
        for column in sheet["columns"]
    ]
    width = max((len(row) for row in sheet["top"]), default=0)
    return sheet | {
        "columns": columns,
        "top": [[*row, *[""] * (width - len(row))] for row in sheet["top"]],
        "is_read": sheet["is_read"] if typed is None else f"read-{place}" in typed,
        "asks": bool(sheet["missing"]) or any(column["offer"] for column in columns),
        "unread": sum(column["identifier"] is None for column in columns),
        "width": width,
    }


def _required(kind: SheetKind) -> str:
    """Return what a kind cannot do without, alternatives joined by 或."""
    return "、".join(
        "或".join(f"「{kind.column(identifier).label}」" for identifier in group) for group in kind.required
    )
