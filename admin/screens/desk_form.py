"""The form of a matter at the desk: the little that every call needs first, the rest below it (A-W1, A-C1)."""

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from flask_admin.form import BaseForm
from sqlalchemy import select
from sqlalchemy.orm import Session, aliased, joinedload
from wtforms import BooleanField, Field, HiddenField, RadioField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length

from admin import access
from admin.fields import Line, Lines, Moment, TermField, form_class, required
from admin.screens import workbench
from admin.screens.desk_card import people_of
from admin.session import session_at_hand
from tenant import clock
from tenant.models import Department, Topic, Unit
from tenant.rules.terms import Act, Area, Channel, Gravity, ReporterKind, RequestCategory, TicketKind
from tenant.services import complaints, requests, topics

if TYPE_CHECKING:
    from tenant.services.tickets import TicketFields

MATTERS: Final = {TicketKind.REQUEST: Area.REQUESTS, TicketKind.COMPLAINT: Area.COMPLAINTS}
SOMEBODY_ELSE: Final = ("other", "其他人（请填姓名和电话）")
NONE_CHOSEN: Final = ("", "")
FILLED_FOR: Final = "filled_for"
"""The hidden field that names the topic for which the page has filled in what goes with it."""


def form_of(unit: Unit | None, sent: Any = None) -> BaseForm:
    """Return the form of a matter, filled with what was ``sent``; ``unit`` None: a public area."""
    offered = [(kind.value, kind.label) for kind, area in MATTERS.items() if access.may(area, Act.CREATE)]
    people = [(person.key, person.words) for person in people_of(session_at_hand(), unit, _today())]
    fields: dict[str, Field] = {
        "matter": RadioField("事项", [required("事项")], choices=_choices(offered), default=offered[0][0]),
        "content": Lines("内容", [required("内容")]),
        "reporter": SelectField("报事人", choices=_choices([*people, SOMEBODY_ELSE])),
        "reporter_name": Line("姓名", [Length(max=100)]),
        "reporter_phone": Line("电话", [Length(max=64)], description="不填即用名册上的电话。" if people else ""),
        "location": Line("地点", [Length(max=200)], description="公共区域请写明位置。"),
        "channel": TermField("来源渠道", [], terms=Channel, blank=False, default=Channel.CALL),
        "promised_at": Moment("约定完成时间", []),
        "put_off": BooleanField("转次日办理", description="夜间不急的事，从交接班起算。"),
    }
    return form_class(fields | _about_matters(session_at_hand()))(sent)


def _about_matters(session: Session) -> dict[str, Field]:
    """Return the fields that ask what kind of matter it is."""
    departments = session.scalars(select(Department).order_by(Department.name))
    return {
        "category": TermField("报事类别", [], terms=RequestCategory, blank=False, default=RequestCategory.REPAIR),
        "topic": _topics(session),
        FILLED_FOR: HiddenField(),
        "urgent": BooleanField("较急", description="5 分钟内送到工程部门。"),
        "gravity": TermField("投诉等级", [], terms=Gravity, blank=False, default=Gravity.ORDINARY),
        "department": _reference("被投诉部门", ((str(row.id), row.name) for row in departments)),
        "demand": Lines("客户要求", [Length(max=4000)]),
        "harm_continues": BooleanField("损害仍在继续", description="先制止，再处理。"),
        "caused_harm": BooleanField("造成伤害或重大损失", description="定为重大并立即通知。"),
    }


def _topics(session: Session) -> SelectField:
    """Return the field that asks what the matter is about; each choice says what goes with it, for the page."""
    topic = aliased(Topic)
    statement = select(Topic).where(Topic.retired_at.is_(None))
    rows = session.scalars(statement.options(joinedload(Topic.parent.of_type(topic)))).all()
    known = sorted(((topics.path_of(row), row) for row in rows), key=lambda pair: (pair[0], pair[1].id))
    choices = [SelectChoice(*NONE_CHOSEN), *(SelectChoice(str(row.id), path, _goes_with(row)) for path, row in known)]
    return SelectField("事项分类", choices=choices, coerce=_whole, validate_choice=False)


def _goes_with(topic: Topic) -> dict[str, str]:
    kind = TicketKind.COMPLAINT if topic.category is None else TicketKind.REQUEST
    said = {"data-matter": kind.value, "data-urgent": "1" if topic.urgent else ""}
    said["data-category"] = topic.category.value if topic.category else ""
    return said | {"data-department": str(topic.department_id or "")}


def _fill_in(session: Session, form: BaseForm) -> None:
    """Fill in what the topic suggests where the page has not done it itself: category, urgency, department.

    A page that has done it says for which topic; what somebody then changed stands.
    """
    topic_id = form["topic"].data
    if topic_id is None or form[FILLED_FOR].data == str(topic_id):
        return
    topic = session.scalars(select(Topic).where(Topic.id == topic_id)).one_or_none()
    if topic is None:
        return
    if topic.category is not None and form["category"].data is RequestCategory.REPAIR:
        form["category"].data = topic.category
    form["urgent"].data = form["urgent"].data or topic.urgent
    form["department"].data = form["department"].data or topic.department_id


def registered(session: Session, kind: TicketKind, form: BaseForm, unit: Unit | None, office_id: int) -> Any:
    """Register what the form says as a request or a complaint. Raises Refusal as their services do."""
    _fill_in(session, form)
    fields: TicketFields = {
        "office_id": office_id,
        "content": form["content"].data,
        "unit_id": unit.id if unit else None,
        "topic_id": form["topic"].data,
        "location": form["location"].data,
        "channel": form["channel"].data,
        "promised_at": form["promised_at"].data,
    }
    _name_reporter(session, form, unit, fields)
    if kind is TicketKind.REQUEST:
        asked = {name: form[name].data for name in ("category", "urgent", "put_off")}
        return requests.register_request(session, **asked, **fields)
    about = {name: form[name].data for name in ("gravity", "demand", "harm_continues", "caused_harm", "put_off")}
    about["department_id"] = form["department"].data
    return complaints.register_complaint(session, **about, **fields)


def told(row: Any, kind: TicketKind) -> str:
    """Return what the desk is told: the number, and what is to be done next, by when."""
    lines = workbench.next_clocks(row.ticket_id)
    return f"已登记{kind.label} {row}。" + (f"接下来：{'，'.join(lines)}。" if lines else "")


def _name_reporter(session: Session, form: BaseForm, unit: Unit | None, fields: "TicketFields") -> None:
    """Fill in who reported: one of the card's people, with the number the roster has, or whoever was named."""
    fields["reporter_kind"] = ReporterKind.OTHER
    fields["reporter_name"], fields["reporter_phone"] = form["reporter_name"].data, form["reporter_phone"].data
    for person in people_of(session, unit, _today()):
        if person.key == form["reporter"].data:
            fields["reporter_kind"], fields["reporter_name"] = person.kind, person.name
            fields["reporter_phone"] = form["reporter_phone"].data or person.phone


def _choices(pairs: Iterable[tuple[str, str]]) -> list[SelectChoice]:
    return [SelectChoice(value, words) for value, words in pairs]


def _reference(label: str, pairs: Iterable[tuple[str, str]]) -> SelectField:
    """Return a field that names one of few rows, or none; what it names is checked by the service."""
    return SelectField(label, choices=_choices([NONE_CHOSEN, *pairs]), coerce=_whole, validate_choice=False)


def _whole(value: Any) -> int | None:
    text = str(value or "")
    return int(text) if text.isascii() and text.isdigit() else None


def _today() -> date:
    return clock.today(access.zone_of(None))
