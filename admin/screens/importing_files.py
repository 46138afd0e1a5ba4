"""Files an import gives away: the workbook to correct, an empty one to fill in, and the roster as it stands."""

from io import BytesIO
from typing import Final

from flask import Blueprint, send_file
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from admin import access
from admin.access import needs
from admin.screens import importing_lines
from admin.session import session_at_hand
from importers import export
from importers.report import annotated_workbook
from importers.sheets.kinds import kind_named
from tenant import clock
from tenant.errors import Refusal
from tenant.journal import RecordedAct, note
from tenant.models import Office, Unit
from tenant.rules.terms import Act, Area

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

part = Blueprint("files", __name__)


@part.get("/imports/<int:batch_id>/corrections")
@needs(Act.IMPORT, Area.IMPORTS)
def corrections(batch_id: int) -> ResponseReturnValue:
    """Send the person's own workbook with every refused cell marked."""
    return _sent(*annotated_workbook(importing_lines.batch_of(batch_id)))


@part.get("/imports/template/<kind>")
@needs(Act.IMPORT, Area.IMPORTS)
def template(kind: str) -> ResponseReturnValue:
    """Send an empty workbook with an example row for a kind of sheet; it holds nothing of anybody."""
    return _sent(f"{kind_named(kind).label}模板.xlsx", export.template_workbook(kind_named(kind)))


@part.get("/imports/roster")
@needs(Act.EXPORT, Area.IMPORTS)
def roster() -> ResponseReturnValue:
    """Send the roster of the office at hand, whole, with all numbers; who took it stands on the record (B-O5)."""
    office = access.office_at_hand()
    if office is None:
        raise Refusal(code="no_office", message="导出名册要先选定一个管理处。请在页面上方选择管理处后再导出。")
    session = session_at_hand()
    content = export.roster_workbook(session, session.get_one(Office, office.id))
    count = session.scalar(select(func.count(Unit.id)).where(Unit.office_id == office.id))
    facts: dict[str, object] = {"format": "xlsx", "count": count, "complete": True}
    note(session, RecordedAct("record.exported", subject_kind="owner", office_id=office.id, facts=facts))
    day = clock.today(office.zone).strftime("%Y%m%d")
    return _sent(f"业主名册-{office.name}-{day}.xlsx", content)


def _sent(name: str, content: bytes) -> ResponseReturnValue:
    """Return a workbook as a download; no cache keeps it."""
    return send_file(BytesIO(content), mimetype=XLSX, as_attachment=True, download_name=name, max_age=0)
