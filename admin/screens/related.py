"""What stands around a record: an owner's units and arrears, a unit's people, a request's orders, clocks and mails.

Each section is shown through the view of its own entity: who may not open that view does not see the section, and its
cells are masked and worded as they are there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from flask import url_for
from sqlalchemy import and_, or_, select

from admin import access, formats
from admin.listing import label_of, loads_for
from admin.screens import wording
from admin.session import session_at_hand
from tenant import clock
from tenant.models import (
    Absence,
    Allocation,
    Builder,
    Charge,
    Clock,
    Complaint,
    Contact,
    Defect,
    DunningNotice,
    Escalation,
    FollowUp,
    Mail,
    Meter,
    MeterReading,
    Occupant,
    Owner,
    Ownership,
    ParkingLease,
    ParkingSpace,
    Pause,
    Payment,
    QuoteLine,
    Rectification,
    RectificationCheck,
    RectificationNote,
    ServiceRequest,
    Ticket,
    Unit,
    Vehicle,
    WorkOrder,
)
from tenant.rules.terms import Area
from tenant.services import absences

MOST: Final = 10
TICKET: Final = ("ticket.number", "ticket.content", "ticket.state", "ticket.received_at")


@dataclass(frozen=True, slots=True)
class Section:
    """Rows of ``model`` that belong to a record by the condition ``belongs`` makes of it, the latest first."""

    title: str
    model: Any
    paths: tuple[str, ...]
    belongs: Callable[[Any], Any]


def _of_unit(model: Any) -> Callable[[Any], Any]:
    return lambda row: model.ticket_id.in_(select(Ticket.id).where(Ticket.unit_id == row.id))


def _of_ticket(model: Any) -> Callable[[Any], Any]:
    return lambda row: model.ticket_id == row.ticket_id


def _mails_of_ticket(row: Any) -> Any:
    raised = select(Escalation.id).where(Escalation.ticket_id == row.ticket_id)
    return or_(
        and_(Mail.subject_kind == "escalation", Mail.subject_id.in_(raised)),
        and_(Mail.subject_kind == "ticket", Mail.subject_id == row.ticket_id),
    )


def _mails_of_owner(row: Any) -> Any:
    notices = select(DunningNotice.id).where(DunningNotice.owner_id == row.id)
    return and_(Mail.subject_kind == "dunning_notice", Mail.subject_id.in_(notices))


def _joined(model: Any) -> tuple[Section, ...]:
    """Return what stands around a matter by being joined to it: its doubles, what it answers, what answers it."""

    def of(column: Any) -> Callable[[Any], Any]:
        return lambda row: model.ticket_id.in_(select(Ticket.id).where(column == row.ticket_id))

    return (
        Section("已并入本件（报事人须一并答复）", model, DOUBLE, of(Ticket.merged_into_id)),
        Section("由本件一并处理", model, (*DOUBLE, "ticket.state"), of(Ticket.parent_id)),
        Section("同因主票", model, TICKET, lambda row: model.ticket_id == row.ticket.parent_id),
        Section("并入", model, TICKET, lambda row: model.ticket_id == row.ticket.merged_into_id),
    )


SHARE: Final = ("share", "is_payer", "from_on", "to_on")
RENTED: Final = ("lessee_name", "vehicle", "monthly_rent", "from_on", "to_on")
MAIL: Final = ("subject", "mail_class", "recipient_name", "state", "sent_at")
DOUBLE: Final = ("ticket.number", "ticket.reporter_name", "ticket.reporter_phone", "ticket.unit", "ticket.content")
FOLLOWED: Final = ("made_at", "made_by", "satisfaction", "answer")
RECORD: Final = ("number", "builder", "state", "issued_at", "agreed_on", "returned_at", "owner_signed_at")
CHECK: Final = ("checked_at", "passed", "findings", "agreed_on", "checked_by")
PROGRESS: Final = ("noted_at", "content", "agreed_before", "agreed_on", "noted_by")
OF_A_TICKET: Final = (
    Section("等待", Pause, ("reason", "began_at", "until_at", "ended_at", "note", "began_by"), _of_ticket(Pause)),
    Section("联系记录", Contact, ("made_at", "method", "made_by", "told", "answer"), _of_ticket(Contact)),
    Section("升级", Escalation, ("level", "role", "raised_at", "told", "acknowledged_at"), _of_ticket(Escalation)),
    Section("回访", FollowUp, FOLLOWED, _of_ticket(FollowUp)),
    Section("邮件", Mail, MAIL, _mails_of_ticket),
)
SECTIONS: Final[dict[type[Any], tuple[Section, ...]]] = {
    Owner: (
        Section("产权", Ownership, ("unit", *SHARE), lambda row: Ownership.owner_id == row.id),
        Section("应收", Charge, ("unit", "charge_type", "due_on", "amount"), lambda row: Charge.owner_id == row.id),
        Section(
            "实收", Payment, ("receipt_number", "method", "paid_on", "amount"), lambda row: Payment.owner_id == row.id
        ),
        Section(
            "催缴",
            DunningNotice,
            ("level", "sequence", "amount", "issued_at", "state"),
            lambda row: DunningNotice.owner_id == row.id,
        ),
        Section("车位租赁", ParkingLease, ("parking_space", *RENTED), lambda row: ParkingLease.owner_id == row.id),
        Section("邮件", Mail, MAIL, _mails_of_owner),
    ),
    Unit: (
        Section("产权", Ownership, ("owner", *SHARE), lambda row: Ownership.unit_id == row.id),
        Section("住户", Occupant, ("name", "relation", "phone", "from_on"), lambda row: Occupant.unit_id == row.id),
        Section("车位", ParkingSpace, ("number", "kind", "location"), lambda row: ParkingSpace.unit_id == row.id),
        Section("车辆", Vehicle, ("plate", "holder_name", "description"), lambda row: Vehicle.unit_id == row.id),
        Section("表计", Meter, ("number", "kind", "location", "factor"), lambda row: Meter.unit_id == row.id),
        Section("报事", ServiceRequest, TICKET, _of_unit(ServiceRequest)),
        Section("投诉", Complaint, TICKET, _of_unit(Complaint)),
        Section("房屋缺陷", Defect, ("part", *TICKET), _of_unit(Defect)),
        Section("应收", Charge, ("owner", "charge_type", "due_on", "amount"), lambda row: Charge.unit_id == row.id),
    ),
    ServiceRequest: (
        Section(
            "处理单",
            WorkOrder,
            ("number", "follows", "department", "technician", "state", "dispatched_at", "done_at"),
            lambda row: WorkOrder.request_id == row.id,
        ),
        Section(
            "报价",
            QuoteLine,
            ("item", "quantity", "price", "amount"),
            lambda row: QuoteLine.request_id == row.id,
        ),
        *_joined(ServiceRequest),
        Section("转为整改", Defect, ("part", *TICKET), lambda row: Defect.request_id == row.id),
        *OF_A_TICKET,
    ),
    WorkOrder: (
        Section(
            "同一报事的其他处理单",
            WorkOrder,
            ("number", "follows", "department", "technician", "state", "dispatched_at", "done_at", "ended_why"),
            lambda row: and_(WorkOrder.request_id == row.request_id, WorkOrder.id != row.id),
        ),
    ),
    Absence: (
        Section(
            "还没有做完的处理单，请改派",
            WorkOrder,
            ("number", "request", "department", "state", "dispatched_at"),
            absences.is_left_behind,
        ),
    ),
    Complaint: (*_joined(Complaint), *OF_A_TICKET),
    Defect: (Section("整改记录", Rectification, RECORD, lambda row: Rectification.defect_id == row.id), *OF_A_TICKET),
    Rectification: (
        Section("复验", RectificationCheck, CHECK, lambda row: RectificationCheck.rectification_id == row.id),
        Section("整改进度", RectificationNote, PROGRESS, lambda row: RectificationNote.rectification_id == row.id),
        Section(
            "同一缺陷的其他整改单",
            Rectification,
            RECORD,
            lambda row: and_(Rectification.defect_id == row.defect_id, Rectification.id != row.id),
        ),
        Section("回访", FollowUp, FOLLOWED, lambda row: FollowUp.ticket_id == row.defect.ticket_id),
    ),
    Builder: (
        Section("整改记录", Rectification, ("defect.ticket.unit", *RECORD), lambda r: Rectification.builder_id == r.id),
    ),
    ParkingSpace: (Section("租赁", ParkingLease, RENTED, lambda row: ParkingLease.parking_space_id == row.id),),
    Vehicle: (
        Section("租赁", ParkingLease, ("parking_space", *RENTED), lambda row: ParkingLease.vehicle_id == row.id),
    ),
    Meter: (
        Section("抄表记录", MeterReading, ("read_on", "shown", "usage"), lambda row: MeterReading.meter_id == row.id),
    ),
    Payment: (Section("核销", Allocation, ("charge", "amount"), lambda row: Allocation.payment_id == row.id),),
}


def related(row: Any) -> list[dict[str, Any]]:
    """Return the sections around a record that the person may see, as tables; what is empty is left out."""
    found = [_table(section, row) for section in SECTIONS.get(type(row), ())]
    if isinstance(row, ServiceRequest | Complaint | Defect):
        found.insert(0, _clocks(row.ticket_id))
    elif isinstance(row, Rectification):
        found.insert(0, _clocks(row.defect.ticket_id))
    return [table for table in found if table is not None and table["rows"]]


def _table(section: Section, row: Any) -> dict[str, Any] | None:
    view = wording.view_of(section.model.__tablename__)
    if view is None:
        return None
    statement = select(section.model).where(section.belongs(row), section.model.office_id == row.office_id)
    statement = statement.options(*loads_for(section.model, section.paths))
    rows = session_at_hand().scalars(statement.order_by(section.model.id.desc()).limit(MOST + 1)).all()
    view.prepare(list(rows))
    labels = {**view.column_labels, "amount": "金额（元）"}
    return {
        "title": section.title,
        "headings": [
            (labels.get(path) or label_of(section.model, path) or path, wording.column_kind(view, path))
            for path in section.paths
        ],
        "rows": [
            {"url": _address(view, found), "cells": [view.cell(found, path) for path in section.paths]}
            for found in rows[:MOST]
        ],
        "is_cut": len(rows) > MOST,
    }


def _address(view: Any, row: Any) -> str:
    if isinstance(row, Mail):
        return url_for("outbox.show", mail=row.id)
    return url_for(f"{view.endpoint}.details_view", id=row.id)


def _clocks(ticket_id: int) -> dict[str, Any] | None:
    """Return the deadlines of a ticket: what was waited for, until when, and what became of it."""
    if not any(access.may(area) for area in (Area.REQUESTS, Area.COMPLAINTS, Area.RECTIFICATIONS)):
        return None
    rows = session_at_hand().scalars(select(Clock).where(Clock.ticket_id == ticket_id).order_by(Clock.due_at)).all()
    return {
        "title": "时限",
        "headings": [("时限", ""), ("依据", ""), ("起算", "is-time"), ("到期", "is-time"), ("结果", "is-short")],
        "rows": [{"url": None, "cells": _clock_cells(row)} for row in rows],
        "is_cut": False,
    }


def _clock_cells(row: Clock) -> list[Any]:
    zone = access.zone_of(row.office_id)
    if row.met_at is not None:
        late = row.met_at > row.due_at
        words = f"晚 {wording.duration(row.met_at - row.due_at)}达成" if late else "按时达成"
        outcome = wording.Remaining(words, "red" if late else "green")
    elif row.cancelled_at is not None:
        outcome = wording.Remaining("已取消" if row.pause_id is None else "因等待停算", "grey")
    else:
        outcome = wording.remaining(row.due_at, clock.now())
    times = [formats.shown(instant, zone=zone) for instant in (row.started_at, row.due_at)]
    return [row.kind.label, row.source, *times, outcome]
