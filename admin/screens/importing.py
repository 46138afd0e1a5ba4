"""导入: a workbook in, a preview of what it would do, one click that does it, and the rows to correct as a workbook."""

from io import BytesIO
from typing import Any, Final

from flask import Blueprint, flash, jsonify, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import joinedload, undefer

from admin import access, formats, working
from admin.access import needs
from admin.references import parse_id
from admin.session import session_at_hand
from admin.site import Entry, Screen
from importers import apply as importing
from importers.report import annotated_workbook
from importers.sheets.kinds import KINDS, kind_named
from tasks import jobs as background
from tenant.errors import NotFound, Refusal
from tenant.models import ImportBatch, Office, Posting
from tenant.rules.terms import Act, Area, ImportState, JobState
from tenant.services import jobs

PAGE: Final = 100
BATCHES: Final = 30
JOB: Final = "import"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TABS: Final = {"new": "新增", "changed": "变更", "same": "相同", "conflict": "冲突", "refused": "拒绝"}
TONES: Final = {"new": "green", "changed": "blue", "same": "grey", "conflict": "amber", "refused": "red"}

screen = Blueprint("importing", __name__)


@screen.get("/imports")
@needs(Act.VIEW, Area.IMPORTS)
def show() -> ResponseReturnValue:
    """Show where to put the file, and the batches of before."""
    statement = (
        select(ImportBatch)
        .options(joinedload(ImportBatch.uploaded_by).joinedload(Posting.staff))
        .order_by(ImportBatch.id.desc())
        .limit(BATCHES)
    )
    kinds = [kind_named(name) for name in KINDS]
    return render_template(
        "wuguan/imports.html",
        batches=[_line(batch) for batch in session_at_hand().scalars(statement)],
        kinds=[
            {"key": kind.identifier, "label": kind.label, "columns": [column.label for column in kind.columns]}
            for kind in kinds
        ],
    )


@screen.post("/imports")
@needs(Act.IMPORT, Area.IMPORTS)
def upload() -> ResponseReturnValue:
    """Read the file and keep what it would do as a batch; a file that cannot be taken leaves nothing."""
    office, file = access.office_at_hand(), request.files.get("file")
    if office is None:
        raise Refusal(code="no_office", message="导入要先选定一个管理处。请在页面上方选择管理处后再上传。")
    if file is None or not file.filename:
        raise Refusal(code="no_file", message="还没有选择文件。请选择业主名册的 Excel 工作簿后再上传。", field="file")
    session = session_at_hand()
    batch = importing.preview(
        session, session.get_one(Office, office.id), request.form.get("kind", KINDS[0]), file.filename, file.read()
    )
    return redirect(url_for(".batch", batch_id=batch.id))


@screen.route("/imports/<int:batch_id>", methods=["GET", "POST"])
@needs(Act.VIEW, Area.IMPORTS)
def batch(batch_id: int) -> ResponseReturnValue:
    """Show what a batch would do, or did: by what becomes of each row, with the reasons of what is refused.

    Posted, it shows the rows that have the words ``q`` in them: names and phones stay out of the address (B-O5).
    """
    found = _batch(batch_id)
    kept = importing.unpacked(found)
    tabs = [(key, label, sum(row["outcome"] == key for row in kept["rows"])) for key, label in TABS.items()]
    chosen = request.args.get("tab") or next((key for key, _, count in tabs if count), "new")
    words = request.form.get("q", "").strip().lower()
    rows = [row for row in _with_faults(kept) if row["outcome"] == chosen and (not words or words in _said(row))]
    page = 1 if words else parse_id(request.args.get("page")) or 1
    return render_template(
        "wuguan/batch.html",
        batch=_line(found) | _standing(found),
        counts=found.counts,
        subjects=kind_named(found.kind).subjects,
        tabs=tabs,
        tones=TONES,
        chosen=chosen,
        rows=rows[(page - 1) * PAGE : page * PAGE],
        words=words,
        total=len(rows),
        page=page,
        following=not words and page * PAGE < len(rows),
        size=PAGE,
        notices=kept["notices"],
        columns=_understood(found, kept["columns"]),
        sees_values=access.may(Area.IMPORTS, Act.IMPORT) or access.may(Area.OWNERS, Act.REVEAL),
        consequence=_consequence(found),
        has_refused=bool(kept["refused"]),
        **_progress(found),
    )


@screen.post("/imports/<int:batch_id>/apply")
@needs(Act.IMPORT, Area.IMPORTS)
def carry_out(batch_id: int) -> ResponseReturnValue:
    """Have a previewed batch written in the background, all of it or nothing; a doubled click asks once."""
    session = session_at_hand()
    begun = importing.begin(session, batch_id)
    total = _number(begun, "rows", "read")
    jobs.ask(
        session,
        kind=JOB,
        subject_kind="import_batch",
        subject_id=begun.id,
        office_id=begun.office_id,
        total=total or None,
    )
    return redirect(url_for(".batch", batch_id=batch_id))


@screen.get("/imports/<int:batch_id>/progress")
@needs(Act.VIEW, Area.IMPORTS)
def progress(batch_id: int) -> ResponseReturnValue:
    """Tell a page that waits how far the writing is; 404 alike for no batch, another office's, and one never begun."""
    job = jobs.latest(session_at_hand(), JOB, batch_id)
    if job is None:
        raise NotFound
    return jsonify(working.told(job))


@screen.post("/imports/<int:batch_id>/stop")
@needs(Act.IMPORT, Area.IMPORTS)
def stop(batch_id: int) -> ResponseReturnValue:
    """Ask for the writing to be given up: nothing is kept of it, and the preview stays."""
    session = session_at_hand()
    job = jobs.latest(session, JOB, batch_id)
    if job is None:
        raise NotFound
    background.cancel(session, job.id)
    return redirect(url_for(".batch", batch_id=batch_id))


@screen.post("/imports/<int:batch_id>/cancel")
@needs(Act.IMPORT, Area.IMPORTS)
def cancel(batch_id: int) -> ResponseReturnValue:
    """Give a previewed batch up."""
    given_up = importing.cancel(session_at_hand(), _batch(batch_id).id)
    flash(f"已放弃「{given_up.file_name}」，没有写入任何内容。", "success")
    return redirect(url_for(".show"))


@screen.get("/imports/<int:batch_id>/corrections")
@needs(Act.IMPORT, Area.IMPORTS)
def corrections(batch_id: int) -> ResponseReturnValue:
    """Send the person's own workbook with every refused cell marked."""
    name, content = annotated_workbook(_batch(batch_id))
    return send_file(BytesIO(content), mimetype=XLSX, as_attachment=True, download_name=name, max_age=0)


def _with_faults(kept: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of a preview, each with what was refused in it."""
    faults: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for cell in kept["refused"]:
        faults.setdefault((cell["sheet"], cell["row"]), []).append(cell)
    return [row | {"faults": faults.get((row["sheet"], row["row"]), [])} for row in kept["rows"]]


def _said(row: dict[str, Any]) -> str:
    """Return what a row of a preview says, for finding it."""
    changes = [f"{old} {new}" for fact in row["facts"] for _, old, new in fact["changes"]]
    reasons = [cell["reason"] for cell in row["faults"]]
    return " ".join((row["name"], row["people"], *changes, *reasons)).lower()


def _batch(batch_id: int) -> ImportBatch:
    """Return the batch with its file and plan; raises NotFound alike for a missing one and another office's."""
    statement = (
        select(ImportBatch)
        .where(ImportBatch.id == batch_id)
        .options(undefer(ImportBatch.file), undefer(ImportBatch.plan))
        .options(joinedload(ImportBatch.uploaded_by).joinedload(Posting.staff))
    )
    found = session_at_hand().scalar(statement)
    if found is None:
        raise NotFound
    return found


def _line(batch: ImportBatch) -> dict[str, Any]:
    person = access.identity()
    office = person.office(batch.office_id) if person else None
    zone = access.zone_of(batch.office_id)
    return {
        "id": batch.id,
        "url": url_for(".batch", batch_id=batch.id),
        "file_name": batch.file_name,
        "kind": kind_named(batch.kind).label,
        "state": formats.badge(batch.state),
        "office": office.name if office else "",
        "by": batch.uploaded_by.staff.name if batch.uploaded_by else "",
        "uploaded": formats.shown(batch.created_at, zone=zone),
        "applied": formats.shown(batch.applied_at, zone=zone),
        "size": f"{max(batch.file_size // 1024, 1):,} KB",
        "rows": _number(batch, "rows", "read"),
        "refused": _number(batch, "rows", "refused") + _number(batch, "rows", "conflict"),
    }


def _standing(batch: ImportBatch) -> dict[str, Any]:
    """Return what the page of one batch says beyond its line in the list."""
    return {
        "sheet": batch.sheet,
        "is_waiting": batch.state is ImportState.PREVIEWED,
        "is_pending": batch.state in {ImportState.PREVIEWED, ImportState.APPLYING},
        "fault": batch.fault,
        "written": f"「{batch.file_name}」已写入：{_written(batch)}。" if batch.state is ImportState.APPLIED else "",
    }


def _progress(batch: ImportBatch) -> dict[str, Any]:
    """Return how far the writing is, None while nothing is being written, and whether the last one was cancelled."""
    job = jobs.latest(session_at_hand(), JOB, batch.id)
    is_cancelled = job is not None and job.state is JobState.CANCELLED
    return {
        "progress": working.told(job) if job is not None and batch.state is ImportState.APPLYING else None,
        "was_cancelled": is_cancelled and batch.state is ImportState.PREVIEWED,
    }


def _number(batch: ImportBatch, subject: str, outcome: str) -> int:
    part = batch.counts.get(subject)
    return int(part.get(outcome, 0)) if isinstance(part, dict) else 0


def _understood(batch: ImportBatch, tables: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each table's headings with what the column is taken for in the product's own word, None for nothing."""
    labels = {column.identifier: column.label for column in kind_named(batch.kind).columns}
    return [
        table | {"headings": [heading | {"label": labels.get(heading["identifier"])} for heading in table["headings"]]}
        for table in tables
    ]


def _written(batch: ImportBatch) -> str:
    parts = [
        f"{label}新增 {_number(batch, key, 'new')}、变更 {_number(batch, key, 'changed')}"
        for key, label in kind_named(batch.kind).subjects.items()
    ]
    return "；".join(parts)


def _consequence(batch: ImportBatch) -> str:
    held = _number(batch, "rows", "refused") + _number(batch, "rows", "conflict")
    rest = f"有问题的 {held} 行不会写入，可下载改正后再导入。" if held else ""
    return f"将写入{_written(batch)}。{rest}"


SCREEN: Final = Screen(blueprint=screen, entries=(Entry("imports", "导入", "importing.show", Area.IMPORTS),))
