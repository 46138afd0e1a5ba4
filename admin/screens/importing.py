"""导入: a file in, a preview of what it would do, one click that does it, one that takes it back.

Here stand the list, the upload and the life of one batch; how a file is read, what is put right by hand and how it is
undone have pages of their own beside it.
"""

from typing import Final

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from admin import access, working
from admin.access import needs
from admin.references import parse_id
from admin.screens import importing_deciding, importing_files, importing_lines, importing_preview, importing_undo
from admin.session import session_at_hand
from admin.site import Entry, Screen
from importers import apply as importing
from importers import batches
from importers.sheets.kinds import KINDS
from tasks import jobs as background
from tenant.errors import NotFound, Refusal
from tenant.models import ImportBatch, Office, Posting
from tenant.rules.terms import Act, Area

BATCHES: Final = 30
LARGEST: Final = 20 * 1024 * 1024

screen = Blueprint("importing", __name__)
screen.register_blueprint(importing_deciding.part)
screen.register_blueprint(importing_files.part)
screen.register_blueprint(importing_undo.part)


@screen.get("/imports")
@needs(Act.VIEW, Area.IMPORTS)
def show() -> ResponseReturnValue:
    """Show where to put the file, and the batches of before, the youngest first."""
    before = parse_id(request.args.get("before"))
    statement = (
        select(ImportBatch)
        .options(joinedload(ImportBatch.uploaded_by).joinedload(Posting.staff))
        .order_by(ImportBatch.id.desc())
        .limit(BATCHES + 1)
    )
    if before is not None:
        statement = statement.where(ImportBatch.id < before)
    found = list(session_at_hand().scalars(statement))
    return render_template(
        "wuguan/imports.html",
        batches=[importing_lines.line(batch) for batch in found[:BATCHES]],
        older=url_for(".show", before=found[BATCHES - 1].id) if len(found) > BATCHES else None,
        newest=url_for(".show") if before is not None else None,
        kinds=importing_lines.cards(),
        chosen=request.args.get("kind", KINDS[0]),
        largest=LARGEST,
    )


@screen.post("/imports")
@needs(Act.IMPORT, Area.IMPORTS)
def upload() -> ResponseReturnValue:
    """Take the file as a batch; what it would do is read at once, or in the background when it is large."""
    office, file = access.office_at_hand(), request.files.get("file")
    if office is None:
        raise Refusal(code="no_office", message="导入要先选定一个管理处。请在页面上方选择管理处后再上传。")
    if file is None or not file.filename:
        raise Refusal(code="no_file", message="还没有选择文件。请选择要导入的 Excel 工作簿后再上传。", field="file")
    session = session_at_hand()
    kind = request.form.get("kind", KINDS[0])
    batch = batches.receive(session, session.get_one(Office, office.id), kind, file.filename, file.read())
    return redirect(importing_deciding.next_page(batch))


@screen.route("/imports/<int:batch_id>", methods=["GET", "POST"])
@needs(Act.VIEW, Area.IMPORTS)
def batch(batch_id: int) -> ResponseReturnValue:
    """Show what a batch would do, or did: by what becomes of each row, with the reasons of what is refused.

    Posted, it shows the rows that have the words ``q`` in them: names and phones stay out of the address (B-O5).
    """
    return importing_preview.page(importing_lines.batch_of(batch_id), words=request.form.get("q", "").strip())


@screen.post("/imports/<int:batch_id>/apply")
@needs(Act.IMPORT, Area.IMPORTS)
def carry_out(batch_id: int) -> ResponseReturnValue:
    """Have a previewed batch written in the background, all of it or nothing; a doubled click asks once.

    What was looked at is what is written: where somebody decided otherwise meanwhile, it is refused.
    """
    begun = importing.begin(session_at_hand(), batch_id, parse_id(request.form.get("edition")))
    importing_lines.ask(begun, importing_lines.WRITE, importing_lines.number(begun, "rows", "read"))
    return redirect(url_for(".batch", batch_id=batch_id))


@screen.post("/imports/<int:batch_id>/undo")
@needs(Act.ACT, Area.IMPORTS)
def take_back(batch_id: int) -> ResponseReturnValue:
    """Have a whole batch undone in the background; what was touched since stays, as the page before has listed."""
    importing_lines.ask(importing_undo.begin(batch_id), importing_lines.UNDO)
    return redirect(url_for(".batch", batch_id=batch_id))


@screen.get("/imports/<int:batch_id>/progress")
@needs(Act.VIEW, Area.IMPORTS)
def progress(batch_id: int) -> ResponseReturnValue:
    """Tell a page that waits how far the work is; 404 alike for no batch, another office's, and one never begun."""
    job = importing_lines.job_of(batch_id)
    if job is None:
        raise NotFound
    return jsonify(working.told(job))


@screen.post("/imports/<int:batch_id>/stop")
@needs(Act.VIEW, Area.IMPORTS)
def stop(batch_id: int) -> ResponseReturnValue:
    """Ask for the work at hand to be given up: nothing is kept of it. Who may begin such work may stop it."""
    job = importing_lines.job_of(batch_id)
    if job is None:
        raise NotFound
    access.require(Area.IMPORTS, Act.ACT if job.kind in importing_lines.OF_UNDOING else Act.IMPORT)
    background.cancel(session_at_hand(), job.id)
    return redirect(url_for(".batch", batch_id=batch_id))


@screen.post("/imports/<int:batch_id>/cancel")
@needs(Act.IMPORT, Area.IMPORTS)
def cancel(batch_id: int) -> ResponseReturnValue:
    """Give a batch up that was not written."""
    given_up = batches.cancel(session_at_hand(), importing_lines.batch_of(batch_id).id)
    flash(f"已放弃「{given_up.file_name}」，没有写入任何内容。", "success")
    return redirect(url_for(".show"))


SCREEN: Final[Screen] = Screen(
    blueprint=screen, entries=(Entry("imports", "导入", "importing.show", Area.IMPORTS, order=10),)
)
