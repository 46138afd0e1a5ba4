"""The builder's records: the summary 《整改汇总表》, what is done with each, how it was inspected (A-R2 to A-R6)."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from flask import g
from markupsafe import Markup
from sqlalchemy import and_, func, or_, select
from sqlalchemy.dialects.postgresql import distinct_on
from wtforms.validators import Length

from admin import access, formats
from admin.fields import Day, Line, Lines, required
from admin.filters import YES_OR_NO, Flag
from admin.listing import OFFICE_COLUMN, label_of
from admin.office_view import OfficeView
from admin.session import session_at_hand
from admin.site import Entry
from admin.stepping import stepping
from admin.views.tickets import moment_field
from tenant import clock
from tenant.models import Defect, Rectification, RectificationCheck, RectificationNote, Ticket
from tenant.rules.terms import Act, Area, Satisfaction
from tenant.services import follow_ups, rectifications
from tenant.services.rectifications import TO_INSPECT, WITH_BUILDER

SUMMARY = (
    ("failed_checks", "验收不合格次数"), ("progress", "最近进度"), ("satisfaction", "回访满意度"),
    ("followed_up_at", "回访时间"), ("opinion", "业主意见"),
)  # fmt: skip
"""Columns of the summary that are worked out, and what they are called."""


def overdue() -> Any:
    """Return the condition of a record that its builder has not brought back by the day agreed."""
    return and_(Rectification.state.in_(WITH_BUILDER), Rectification.agreed_on < clock.today(access.zone_of(None)))


def waiting() -> int:
    """Return how many records the office has to see to: overdue, to be inspected, or to be signed by the owner."""
    statement = select(func.count(Rectification.id)).where(or_(Rectification.state.in_(TO_INSPECT), overdue()))
    return session_at_hand().scalars(statement).one()


class Overdue(Flag):
    """The builder is late with a record, or is not."""

    code, verb = "overdue", "是"

    def compare(self, column: Any, value: Any) -> Any:
        """Return the condition; the column is the day agreed, and the state decides besides."""
        return overdue() if value else ~overdue()


def _sign_for(session: Any, row: Any, told: dict[str, Any]) -> str:
    rectifications.sign_for(session, row.id, told["signed_for_by"] or "", at=told["at"])
    return f"已登记「{row}」由施工单位签收。第二联请交工程部。"


def _second_copy(session: Any, row: Any, told: dict[str, Any]) -> str:
    rectifications.take_second_copy(session, row.id, at=told["at"])
    return f"已登记工程部签收「{row}」的第二联。"


def _note(session: Any, row: Any, told: dict[str, Any]) -> str:
    rectifications.note(session, row.id, told["progress"] or "", at=told["at"])
    return f"已记下「{row}」的进度。"


def _postpone(session: Any, row: Any, told: dict[str, Any]) -> str:
    before = row.agreed_on
    rectifications.postpone(session, row.id, told["agreed_on"], told["reason"] or "", at=told["at"])
    return f"「{row}」的约定完成日已由 {before} 改为 {row.agreed_on}，原约定保留在记录里。"


def _report_done(session: Any, row: Any, told: dict[str, Any]) -> str:
    rectifications.report_done(session, row.id, at=told["at"])
    return f"已登记「{row}」报完工。请在三天内验收并请业主签字。"


def _accept(session: Any, row: Any, told: dict[str, Any]) -> str:
    rectifications.accept(session, row.id, findings=told["findings"], at=told["at"])
    return f"「{row}」验收合格。请业主签字。"


def _reject(session: Any, row: Any, told: dict[str, Any]) -> str:
    rectifications.reject(session, row.id, told["findings"] or "", told["agreed_on"], at=told["at"])
    return f"「{row}」已退回返工，重新约定 {row.agreed_on} 完成。"


def _owner_sign(session: Any, row: Any, told: dict[str, Any]) -> str:
    rectifications.owner_sign(session, row.id, at=told["at"])
    if row.defect.ticket.done_at is None:
        return f"业主已在「{row}」上签字。该缺陷还有整改单未办完。"
    return f"业主已在「{row}」上签字，缺陷 {row.defect.ticket.number} 已完成。请在三天内回访业主。"


def _file(session: Any, row: Any, told: dict[str, Any]) -> str:
    rectifications.file(session, row.id, at=told["at"])
    return f"「{row}」已归入业主档案。"


def _cancel(session: Any, row: Any, told: dict[str, Any]) -> str:
    rectifications.cancel(session, row.id, told["reason"] or "", at=told["at"])
    return f"已撤销「{row}」，记录和原因保留。"


def _agreed_again(label: str) -> dict[str, Any]:
    return {"agreed_on": Day(label, [required(label)], description="当天 24:00 前完成。")}


VERBS = (
    stepping(
        "rectification",
        "sign_for",
        _sign_for,
        fields=lambda _: {
            "signed_for_by": Line(
                "签收人", [required("签收人"), Length(max=50)], description="施工单位工程负责人或其代签人。"
            ),
            "at": moment_field("签收时间"),
        },
    ),
    stepping(
        "rectification",
        "report_done",
        _report_done,
        fields=lambda _: {"at": moment_field("报完工时间")},
    ),
    stepping(
        "rectification",
        "accept",
        _accept,
        fields=lambda _: {"findings": Lines("验收意见", [Length(max=500)]), "at": moment_field("验收时间")},
        consequence="验收合格后请业主签字；业主不认可的，仍可退回返工。",
    ),
    stepping(
        "rectification",
        "reject",
        _reject,
        fields=lambda _: {
            "findings": Lines("验收意见", [required("验收意见"), Length(max=500)], description="哪里不合格。"),
            **_agreed_again("约定完成日"),
            "at": moment_field("验收时间"),
        },
    ),
    stepping("rectification", "owner_sign", _owner_sign, fields=lambda _: {"at": moment_field("业主签字时间")}),
    stepping("rectification", "file", _file, fields=lambda _: {"at": moment_field("归档时间")}),
    stepping(
        "rectification",
        "second_copy",
        _second_copy,
        also=lambda row: row.second_copy_at is None,
        fields=lambda _: {"at": moment_field("工程部签收时间")},
    ),
    stepping(
        "rectification",
        "note",
        _note,
        fields=lambda _: {
            "progress": Lines("进度", [required("进度"), Length(max=500)], description="施工到哪一步、怎样催促的。"),
            "at": moment_field("登记时间"),
        },
    ),
    stepping(
        "rectification",
        "postpone",
        _postpone,
        fields=lambda _: {
            **_agreed_again("约定完成日"),
            "reason": Lines("原因", [required("原因"), Length(max=500)]),
            "at": moment_field("改约时间"),
        },
        consequence="原来约定的日期和改约的原因保留在记录里；时限改为按新日期计算。",
    ),
    stepping(
        "rectification",
        "cancel",
        _cancel,
        fields=lambda _: {
            "reason": Lines("原因", [required("原因"), Length(max=200)]),
            "at": moment_field("撤销时间"),
        },
        consequence="整改单作废，编号保留。缺陷没有其他整改单的，须另开或判定不属整改。",
    ),
)


class RectificationView(OfficeView):
    """整改记录."""

    area = Area.RECTIFICATIONS
    path = "rectifications"
    group = "rectifications"
    order = 20
    acts = frozenset({Act.VIEW, Act.EXPORT})
    purpose = "开给施工单位的整改单，从缺陷的页面开出。导出即为《整改汇总表》。"
    column_list = (
        "number", "defect.ticket.unit", "defect.part", "builder", "state", "agreed_on", "returned_at",
        "owner_signed_at",
    )  # fmt: skip
    column_details_list = (
        "number", "state", "defect", "defect.ticket.unit", "defect.ticket.location", "defect.part", "defect.cause",
        "content", "builder", "builder.head_name", "builder.head_phone", "issued_at", "first_agreed_on", "agreed_on",
        "signed_for_at", "signed_for_by", "second_copy_at", "returned_at", "accepted_at", "owner_signed_at",
        "filed_at", "ended_why",
    )  # fmt: skip
    column_searchable_list = ("number", "defect.ticket.unit.number", "builder.name", "content")
    column_filters = (
        "state", "builder.name", "overdue", "agreed_on", "defect.ticket.unit.number", "issued_at", "returned_at",
        "owner_signed_at",
    )  # fmt: skip
    extra_labels = {"overdue": "逾期未完工", "builder.name": "施工单位", **dict(SUMMARY)}
    exported = (
        "number", "defect.ticket.unit", "defect.ticket.location", "defect.part", "content", "builder", "state",
        "issued_at", "first_agreed_on", "agreed_on", "signed_for_by", "signed_for_at", "second_copy_at", "progress",
        "returned_at", "failed_checks", "accepted_at", "owner_signed_at", "satisfaction", "followed_up_at", "opinion",
        "filed_at", "ended_why",
    )  # fmt: skip
    """The columns of the summary (A-R2, A-R4, A-R6)."""
    verbs = VERBS

    def __init__(self, model: Any, db: Any, **options: Any) -> None:
        """Go by the name of the paper: its work is called 整改, too."""
        super().__init__(model, db, **{"name": "整改记录"} | options)

    def labels(self) -> dict[str, str]:
        """Return what every column is called, those of the summary too."""
        summary = {path: label_of(self.model, path) for path in self.exported}
        return {path: label for path, label in summary.items() if label} | super().labels()

    def scaffold_filters(self, name: str) -> list[Any] | None:
        """Return the filters of a column; whether the builder is late is a matter of the day and the state."""
        if name != "overdue":
            return super().scaffold_filters(name)
        return [self.handle_filter(Overdue("agreed_on", self.extra_labels[name], options=YES_OR_NO))]

    def export_columns(self) -> list[tuple[str, str]]:
        """Return the columns of the summary, and across offices whose each row is."""
        columns = [(path, self.column_labels[path]) for path in self.exported]
        return columns if access.office_at_hand() is not None else [*columns, OFFICE_COLUMN]

    def prepare(self, rows: list[Any]) -> None:
        """Fetch at once what the summary says of these records beside their own columns."""
        ids = [row.id for row in rows]
        failed = select(RectificationCheck.rectification_id, func.count(RectificationCheck.id)).where(
            RectificationCheck.rectification_id.in_(ids), RectificationCheck.passed.is_(False)
        )
        g.failed_checks = dict(self.session.execute(failed.group_by(RectificationCheck.rectification_id)).all())
        g.latest_notes = _latest(
            self.session, RectificationNote, RectificationNote.rectification_id, ids, RectificationNote.noted_at
        )
        works = {row.id: (row.defect.ticket_id, row.owner_signed_at) for row in rows}
        g.said_of = follow_ups.said_of(self.session, works)

    def cell(self, row: Any, path: str) -> Markup | str:
        """Return one cell; a day agreed that has passed says so."""
        shown = super().cell(row, path)
        late = (clock.today(formats.row_zone(row)) - row.agreed_on).days
        if path != "agreed_on" or late <= 0 or row.state not in WITH_BUILDER:
            return shown
        return Markup('{} <span class="badge badge-red">逾期 {} 天</span>').format(shown, late)

    def show_defect_ticket_unit(self, row: Any) -> Any:
        """Return the unit, for a public area where it is."""
        return row.defect.ticket.unit or row.defect.ticket.location

    def show_failed_checks(self, row: Any) -> int:
        """Return how often the work was found unacceptable."""
        count: int = g.get("failed_checks", {}).get(row.id, 0)
        return count

    def show_progress(self, row: Any) -> str | None:
        """Return what was noted last."""
        found = g.get("latest_notes", {}).get(row.id)
        return found.content if found else None

    def show_satisfaction(self, row: Any) -> Satisfaction | None:
        """Return what the owner said of this work when asked last."""
        found = g.get("said_of", {}).get(row.id)
        return found.satisfaction if found else None

    def show_followed_up_at(self, row: Any) -> datetime | None:
        """Return when the owner was asked last about this work."""
        found = g.get("said_of", {}).get(row.id)
        return found.made_at if found else None

    def show_opinion(self, row: Any) -> str | None:
        """Return the owner's own words when asked last about this work."""
        found = g.get("said_of", {}).get(row.id)
        return found.answer if found else None

    def history_subjects(self, row: Any) -> list[tuple[Any, int]]:
        """Return whose history is told: the record's, its defect's and its ticket's."""
        return [(self.model, row.id), (Defect, row.defect_id), (Ticket, row.defect.ticket_id)]

    def entries(self) -> tuple[Entry, ...]:
        """Return the line in the navigation, with how many records wait for the office."""
        return tuple(replace(entry, count=waiting) for entry in super().entries())


def _latest(session: Any, model: Any, key: Any, ids: Sequence[int], when: Any) -> dict[int, Any]:
    """Return the latest row of ``model`` for each of ``ids``."""
    statement = select(model).ext(distinct_on(key)).where(key.in_(ids)).order_by(key, when.desc(), model.id.desc())
    rows: Iterable[Any] = session.scalars(statement)
    return {getattr(row, key.key): row for row in rows}


class RectificationCheckView(OfficeView):
    """复验."""

    area = Area.RECTIFICATIONS
    path = "rectification_checks"
    acts = frozenset({Act.VIEW, Act.EXPORT})
    purpose = "对施工单位报完工的每一次验收，从整改单的页面登记。"
    column_list = ("rectification", "checked_at", "passed", "findings", "agreed_on", "checked_by")
    column_filters = ("rectification.number", "passed", "checked_at")
    column_searchable_list = ("rectification.number", "findings")


class RectificationNoteView(OfficeView):
    """整改进度."""

    area = Area.RECTIFICATIONS
    path = "rectification_notes"
    acts = frozenset({Act.VIEW, Act.EXPORT})
    purpose = "施工的进度、催促的经过和改约的原因，从整改单的页面登记。"
    column_list = ("rectification", "noted_at", "content", "agreed_before", "agreed_on", "noted_by")
    column_filters = ("rectification.number", "noted_at", "agreed_on")
    column_searchable_list = ("rectification.number", "content")


VIEWS = (
    (RectificationView, Rectification),
    (RectificationCheckView, RectificationCheck),
    (RectificationNoteView, RectificationNote),
)
