"""附件: photos, recordings and documents of a matter, looked at, added and taken off (A-C9, A-W9).

Who may see a matter sees what hangs on it, who may act on it adds to it. A file is asked for by a key that says
nothing; one that is foreign, removed or invented answers the same 404.
"""

from typing import TYPE_CHECKING, Any, Final

from flask import Blueprint, Response, current_app, flash, g, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage
from werkzeug.http import quote_etag

from admin import access, auth
from admin.access import SIGNED_IN, door
from admin.app import error_answer, wants_json
from admin.screens import files_shown
from admin.session import session_at_hand
from admin.site import Screen
from tenant.errors import Refusal
from tenant.files import FileGone, Store, StoreDown, open_store, prepared
from tenant.journal import RecordedAct, note
from tenant.models import Attachment, Ticket
from tenant.rules.attachments import AT_ONCE
from tenant.rules.terms import Act, AttachmentKind, AttachmentPurpose
from tenant.services import attachments

if TYPE_CHECKING:
    from tenant.settings import Settings

UNACCEPTABLE, UNAVAILABLE, NOT_FOUND = 422, 503, 404
SHUT_IN: Final = "default-src 'none'; sandbox; frame-ancestors 'none'"
"""What a file may do in a browser: be looked at."""
KEPT: Final = "private, no-cache"
"""The browser keeps a file and asks each time whether it may still show it: who was signed out sees it no more."""

screen = Blueprint("files", __name__)
screen.app_context_processor(lambda: {"files_of": files_shown.files_of})


# ---- looking
@screen.get("/files/<key>")
@door(SIGNED_IN)
def show(key: str) -> ResponseReturnValue:
    """Send a file or its thumbnail: a picture to be seen, anything else to be saved; a part where a part is asked."""
    session = session_at_hand()
    row = attachments.by_key(session, key)
    files_shown.ticket_seen(row.ticket_id, Act.VIEW)
    is_small = key == row.thumbnail_key
    etag = f"{row.digest[:32]}{'-small' if is_small else ''}"
    if request.if_none_match.contains(etag):
        response = Response(status=304)
    else:
        response = _small(row) if is_small else _whole(row)
    response.headers["ETag"] = quote_etag(etag)
    response.headers["Cache-Control"] = g.kept_by_browser = KEPT
    response.headers["Content-Security-Policy"] = SHUT_IN
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


def _small(row: Attachment) -> Response:
    return Response(_store().read(row.thumbnail_key or ""), mimetype="image/jpeg", direct_passthrough=False)


def _whole(row: Attachment) -> Response:
    """Return the original, whole or the part that is asked for; that somebody opened it stands on the record."""
    start, stop = _part(row.size)
    is_first = start == 0 or row.kind is not AttachmentKind.RECORDING  # who listens goes to and fro in a recording
    if is_first and request.method == "GET":
        act = RecordedAct(
            attachments.OPENED, subject_kind="attachment", subject_id=row.id, office_id=row.office_id,
            facts={"file": row.name},
        )  # fmt: skip
        note(session_at_hand(), act)
    is_part = stop - start < row.size or "Range" in request.headers
    pieces = _store().read(row.key, start, stop) if request.method == "GET" else ()
    response = Response(pieces, status=206 if is_part else 200, mimetype=row.media_type)
    if is_part:
        response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{row.size}"
    response.headers["Content-Length"] = str(stop - start)
    response.headers["Accept-Ranges"] = "bytes"
    way = "inline" if row.kind is AttachmentKind.PHOTO else "attachment"
    response.headers.set("Content-Disposition", way, filename=row.name)
    return response


def _part(size: int) -> tuple[int, int]:
    """Return from where to where a file of ``size`` bytes is asked for: whole, unless it is one range within it."""
    asked = request.range
    found = asked.range_for_length(size) if asked is not None and "If-Range" not in request.headers else None
    return found if found is not None else (0, size)


# ---- adding
@screen.get("/files/of/<int:ticket_id>")
@door(SIGNED_IN)
def panel(ticket_id: int) -> ResponseReturnValue:
    """Return the panel alone, for a page that has just added to it."""
    ticket = files_shown.ticket_seen(ticket_id, Act.VIEW)
    purpose = _purpose(request.args.get("purpose"))
    back = auth.way_on(request.args.get("back"))
    shown = files_shown.panel_of(ticket, purpose, request.args.get("order", type=int), back)
    return render_template("wuguan/files.html", panel=shown)


@screen.post("/files/of/<int:ticket_id>")
@door(SIGNED_IN)
def upload(ticket_id: int) -> ResponseReturnValue:
    """Take files in, each for itself: one that cannot be taken does not hold up the others."""
    ticket = files_shown.ticket_seen(ticket_id, Act.ACT)
    files = [file for file in request.files.getlist("files") if file.filename]
    if not files or len(files) > AT_ONCE:
        message = (
            f"一次最多上传 {AT_ONCE} 个文件，您选了 {len(files)} 个。请分几次上传。"
            if files
            else "没有选择文件。请选择照片、录音或 PDF 后再上传。"
        )
        raise Refusal(code="no_files" if not files else "too_many_files", message=message, field="files")
    store, saved, refused = _store(), [], []
    for file in files:
        try:
            saved.append(_take(store, ticket, file))
        except Refusal as refusal:
            refused.append(refusal)
        except StoreDown as error:
            current_app.logger.exception("a file could not be stored")
            message = f"「{file.filename}」没有保存：{error}请稍后重传，并告知系统管理员。"
            refused.append(Refusal(code="store_down", message=message, field="files", value=file.filename))
    return _told(saved, refused)


def _take(store: Store, ticket: Ticket, file: FileStorage) -> str:
    """Take one file in, and return the sentence that says so."""
    settings: Settings = current_app.extensions["wuguan.settings"]
    with file.stream:
        content = file.stream.read(settings.largest_file + 1)
    made = prepared(file.filename or "", content, settings.largest_file)
    attached = attachments.attach(
        session_at_hand(),
        store,
        ticket.id,
        made,
        purpose=_purpose(request.form.get("purpose")),
        note=request.form.get("note"),
        work_order_id=request.form.get("order", type=int),
    )
    row = attached.attachment
    if not attached.is_new:
        return f"「{row.name}」已在附件中（{row.purpose.label}），没有重复保存。"
    return f"已上传「{row.name}」（{row.purpose.label}）。"


def _told(saved: list[str], refused: list[Refusal]) -> ResponseReturnValue:
    """Answer a script with the parts, a form with the page it came from."""
    if wants_json():
        told = {"saved": saved, "refused": [refusal.as_json() for refusal in refused]}
        return jsonify(told), 200 if saved else UNACCEPTABLE
    for sentence in saved:
        flash(sentence, "success")
    for refusal in refused:
        flash(refusal.message, "error")
    return redirect(auth.way_on(request.form.get("url")))


# ---- taking off
@screen.route("/files/remove/<int:attachment_id>", methods=["GET", "POST"])
@door(SIGNED_IN)
def remove(attachment_id: int) -> ResponseReturnValue:
    """Ask why a file is to be taken off, and take it off."""
    session = session_at_hand()
    row = attachments.by_id(session, attachment_id)
    ticket = files_shown.ticket_seen(row.ticket_id, Act.ACT)
    if not files_shown.may_remove(row, ticket):
        access.refuse(attachments.AREAS[ticket.kind], Act.EDIT)
    back = auth.way_on(request.values.get("url"))
    why, fault = request.form.get("why", ""), ""
    if request.method == "POST":
        try:
            attachments.remove(session, row.id, why)
        except Refusal as refusal:
            fault = refusal.message
        else:
            flash(f"已删除附件「{row.name}」。", "success")
            return redirect(back)
    page = render_template("wuguan/files_remove.html", row=row, ticket=ticket, back=back, why=why, fault=fault)
    return page, UNACCEPTABLE if fault else 200


@screen.errorhandler(StoreDown)
def store_is_down(error: StoreDown) -> ResponseReturnValue:
    """Say that files cannot be had just now."""
    current_app.logger.error("a file could not be read: %s", error)
    return error_answer(UNAVAILABLE, "附件暂时读不到：存放附件的地方没有应答。其他内容不受影响；请告知系统管理员。")


@screen.errorhandler(FileGone)
def file_is_gone(_error: FileGone) -> ResponseReturnValue:
    """Say that the row is there and its file is not, which only a restore without the files can bring about."""
    current_app.logger.error("a row names a file that the store has not")
    return error_answer(
        NOT_FOUND, "这个附件有登记，但存放处没有它的文件，可能恢复备份时没有一并恢复。请告知系统管理员。"
    )


def _purpose(spelled: str | None) -> AttachmentPurpose:
    return next((term for term in AttachmentPurpose if term.value == spelled), AttachmentPurpose.OTHER)


def _store() -> Store:
    """Return the application's store, opened at its first file."""
    extensions: dict[str, Any] = current_app.extensions
    if "wuguan.files" not in extensions:
        extensions["wuguan.files"] = open_store(extensions["wuguan.settings"])
    found: Store = extensions["wuguan.files"]
    return found


SCREEN: Final = Screen(blueprint=screen)
