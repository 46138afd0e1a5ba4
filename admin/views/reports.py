"""Reports of the office: written, handed in, sent back by the centre, printed and taken away (A-W15, A-C12)."""

from datetime import date, timedelta
from typing import Any

from flask import url_for
from wtforms.validators import Length

from admin import access
from admin.acting import Verb
from admin.fields import Lines, required
from admin.office_view import OfficeView
from admin.screens.report_figures import readable, tables, waits
from tenant import clock
from tenant.calendars import local_day
from tenant.models import Report
from tenant.rules.terms import Act, Area, Rate
from tenant.services import reports


def _submit(session: Any, row: Any, _told: dict[str, Any]) -> str:
    reports.submit(session, row.id)
    return f"已上报「{row}」。需要更正的，请联系客户服务中心退回。"


def _redraw(session: Any, row: Any, _told: dict[str, Any]) -> str:
    reports.redraw(session, row.id)
    return f"已按现在的情况重新统计「{row}」。"


def _send_back(session: Any, row: Any, told: dict[str, Any]) -> str:
    reports.send_back(session, row.id, told["why"])
    return f"已退回「{row}」，管理处会收到邮件。"


def _is_draft(row: Any) -> bool:
    return row.submitted_at is None


class ReportView(OfficeView):
    """报表."""

    area = Area.REPORTS
    path = "reports"
    group = "reports"
    order = 20
    acts = frozenset({Act.VIEW, Act.EDIT, Act.EXPORT})
    purpose = "报事周汇总、月度分析和客户投诉分析报告。到期由系统统计，核对并写明原因和措施后上报。"
    column_list = ("number", "kind", "from_on", "last_on", "due_on", "standing", "submitted_at", "submitted_by")
    column_details_list = (
        "number", "kind", "from_on", "last_on", "due_on", "standing", "drawn_at", "open", "findings", "measures",
        "submitted_at", "submitted_by", "sent_back_at", "sent_back_why",
    )  # fmt: skip
    extra_labels = {"last_on": "截止日", "standing": "状态", "open": "期末未办结"}
    column_searchable_list = ("number",)
    column_filters = ("kind", "number", "from_on", "due_on", "submitted_at", "sent_back_at")
    form_columns = ("findings", "measures")
    details_template = "wuguan/report.html"
    edit_template = "admin/model/edit.html"
    verbs = (
        Verb(
            "submit",
            "上报",
            _submit,
            fits=_is_draft,
            permits=((None, Act.EDIT),),
            consequence="上报后不能修改；客户服务中心会收到邮件。",
        ),
        Verb(
            "redraw",
            "重新统计",
            _redraw,
            fits=_is_draft,
            permits=((None, Act.EDIT),),
            consequence="按现在的记录重新统计数据；已写的原因和措施不变。",
        ),
        Verb(
            "send-back",
            "退回",
            _send_back,
            fields=lambda _: {"why": Lines("退回原因", [required("退回原因"), Length(max=500)])},
            fits=lambda row: row.submitted_at is not None,
            permits=((Area.SUPERVISION, Act.ACT),),
        ),
    )

    def get_query(self) -> Any:
        """Return the reports; above the office only those that were handed in."""
        return readable(super().get_query())

    def change(self, form: Any, row: Any) -> Any:
        """Write down causes and measures; a report that is handed in is refused."""
        return reports.write(self.session, row.id, findings=form["findings"].data, measures=form["measures"].data)

    def show_last_on(self, row: Any) -> date:
        """Return the last day the report is about."""
        last: date = row.until_on - timedelta(days=1)
        return last

    def show_open(self, row: Any) -> int | None:
        """Return how many matters were not done at the end of the period."""
        found: int | None = row.figures.get("open")
        return found

    def show_standing(self, row: Any) -> str:
        """Return how the report stands: handed in, in time or late, wanted again, or still to be handed in."""
        return standing_of(row, local_day(clock.now(), access.zone_of(row.office_id)))

    def tables_of(self, row: Any) -> dict[str, Any]:
        """Return what the report's page shows beside its facts."""
        may_export = access.may(Area.REPORTS, Act.EXPORT)
        return {
            "rates": [rate.label for rate in Rate],
            "tables": tables(row.figures),
            "waits": waits(row.figures),
            "workbook_url": url_for("reports_standing.workbook", report_id=row.id) if may_export else None,
        }


def standing_of(row: Report | None, day: date) -> str:
    """Return in words how a report stands on ``day``, also where there is none."""
    if row is None:
        return "未生成"
    if row.submitted_at is not None:
        return "已上报"
    if row.sent_back_at is not None:
        return "已退回，待重新上报"
    late = (day - row.due_on).days
    return f"逾期 {late} 天" if late > 0 else f"待上报，应于 {row.due_on} 前报"


VIEWS = ((ReportView, Report),)
