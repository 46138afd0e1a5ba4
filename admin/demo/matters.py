"""The invented offices' requests and complaints: half a year of them, each taken through the real services.

Most are over; those of the last days stand in every state, some of them late, so that there is something to escalate.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from sqlalchemy import select

from admin.demo import invented, talk
from admin.demo.houses import Home
from tenant import clock
from tenant.models import Department, Posting
from tenant.rules.terms import (
    Channel,
    ContactMethod,
    DepartmentKind,
    Gravity,
    PauseReason,
    ReporterKind,
    RequestCategory,
    Role,
    Satisfaction,
)
from tenant.scoping import ScopedSession
from tenant.services import complaints, contacts, follow_ups, pauses, requests, tickets

DAYS = 180
FEWEST, MOST, UNITS_A_TICKET = 40, 240, 12
SHARE_OF_COMPLAINTS = 0.15
OPEN_DAYS = 2
COPY_BACK = timedelta(hours=20)
CATEGORIES = (
    (RequestCategory.REPAIR, invented.REPAIRS),
    (RequestCategory.REPAIR, invented.REPAIRS),
    (RequestCategory.REPAIR, invented.REPAIRS),
    (RequestCategory.PUBLIC_FACILITY, invented.PUBLIC),
    (RequestCategory.CONSULTATION, invented.QUESTIONS),
    (RequestCategory.SUGGESTION, invented.SUGGESTIONS),
)
ANSWERED_AT_THE_DESK = frozenset({RequestCategory.CONSULTATION, RequestCategory.SUGGESTION})
GRAVITIES = (Gravity.ORDINARY,) * 8 + (Gravity.MAJOR,) * 3 + (Gravity.GRAVE,)


@dataclass(frozen=True, slots=True)
class Desk:
    """An office as its front desk sees it."""

    session: ScopedSession
    random: Random
    office_id: int
    homes: Sequence[Home]
    departments: dict[DepartmentKind, int]
    technicians: Sequence[int]
    topics: talk.Topics
    now: datetime

    def passed(self, instant: datetime) -> bool:
        """Tell whether ``instant`` has come."""
        return instant <= self.now

    def minutes(self, least: int, most: int) -> timedelta:
        """Return a random stretch of minutes."""
        return timedelta(minutes=self.random.randrange(least, most))


def build(session: ScopedSession, random: Random, office_id: int, homes: Sequence[Home]) -> None:
    """Register half a year of matters and take each as far as its age says."""
    departments = {row.kind: row.id for row in session.scalars(select(Department))}
    technicians = session.scalars(select(Posting.id).where(Posting.role == Role.TECHNICIAN)).all()
    topics = talk.Topics(session, office_id, departments)
    desk = Desk(session, random, office_id, homes, departments, technicians, topics, clock.now())
    number = min(max(len(homes) // UNITS_A_TICKET, FEWEST), MOST)
    for received_at in sorted(_arrivals(desk, number)):
        if random.random() < SHARE_OF_COMPLAINTS:
            _complaint(desk, received_at)
        else:
            _request(desk, received_at)
    talk.build(session, random, office_id, homes=homes, topics=topics, departments=departments, now=desk.now)
    _wait(desk)


def _arrivals(desk: Desk, number: int) -> list[datetime]:
    """Return when matters reach the desk: spread over half a year, and a handful in the last two days."""
    span = DAYS * 24 * 60
    spread = [desk.now - desk.minutes(OPEN_DAYS * 24 * 60, span) for _ in range(number)]
    recent = [desk.now - desk.minutes(3, OPEN_DAYS * 24 * 60) for _ in range(6)]
    return [*spread, *recent, desk.now - timedelta(minutes=4), desk.now - timedelta(minutes=22)]


def _request(desk: Desk, received_at: datetime) -> None:
    category, sentences = desk.random.choice(CATEGORIES)
    urgent = category is RequestCategory.REPAIR and desk.random.random() < 0.2  # noqa: PLR2004 - one in five
    home, content = desk.random.choice(desk.homes), desk.random.choice(sentences)
    with clock.at(received_at):
        made = requests.register_request(
            desk.session,
            office_id=desk.office_id,
            unit_id=None if category is RequestCategory.PUBLIC_FACILITY else home.unit_id,
            location="公共区域" if category is RequestCategory.PUBLIC_FACILITY else None,
            content=content,
            topic_id=desk.topics.of(category, content),
            category=category,
            urgent=urgent,
            channel=desk.random.choice(list(Channel)),
            reporter_kind=ReporterKind.OWNER,
            reporter_name=invented.person(desk.random),
            reporter_phone=invented.phone(desk.random),
        )
    if category in ANSWERED_AT_THE_DESK:
        _answer(desk, made.id, made.ticket_id, received_at)
    else:
        _work(desk, made.id, made.ticket_id, received_at)


def _answer(desk: Desk, request_id: int, ticket_id: int, received_at: datetime) -> None:
    answered_at = received_at + desk.minutes(2, 60)
    if desk.passed(answered_at):
        with clock.at(answered_at):
            requests.answer(desk.session, request_id, outcome="已当面答复")
        _follow_up(desk, ticket_id, answered_at)


def _work(desk: Desk, request_id: int, ticket_id: int, received_at: datetime) -> None:
    """Take a request through reply, dispatch, arrival and completion, as far as the present."""
    replied_at = received_at + desk.minutes(1, 14)
    sent_at = replied_at + desk.minutes(1, 12)
    arrived_at = sent_at + desk.minutes(5, 40)
    done_at = arrived_at + desk.minutes(15, 150)
    if desk.passed(replied_at):
        with clock.at(replied_at):
            contacts.contact(desk.session, ticket_id, ContactMethod.PHONE, told="已安排师傅上门查看")
    if not desk.passed(sent_at):
        return
    with clock.at(sent_at):
        order = requests.dispatch(
            desk.session,
            request_id,
            desk.departments[DepartmentKind.ENGINEERING],
            desk.random.choice(desk.technicians),
        )
    if not desk.passed(arrived_at):
        return
    with clock.at(arrived_at):
        requests.arrive(desk.session, order.id)
    if desk.passed(done_at):
        with clock.at(done_at):
            requests.complete(desk.session, order.id, outcome=desk.random.choice(invented.OUTCOMES))
        _follow_up(desk, ticket_id, done_at)
        _file(desk, order.id, done_at + COPY_BACK)


def _wait(desk: Desk) -> None:
    """Give an order to somebody else, who waits for a part since (A-W5)."""
    began_at, engineering = desk.now - timedelta(hours=3), desk.departments[DepartmentKind.ENGINEERING]
    with clock.at(began_at):
        made = requests.register_request(
            desk.session, office_id=desk.office_id, unit_id=desk.homes[-1].unit_id, content="推拉门滑轮坏，要换原厂配件"
        )
        contacts.contact(desk.session, made.ticket_id, ContactMethod.PHONE, told="今天上门，配件要订")
        first = requests.dispatch(desk.session, made.id, engineering, desk.technicians[0])
    with clock.at(began_at + timedelta(minutes=12)):
        second = requests.redispatch(
            desk.session, first.id, engineering, desk.technicians[-1], reason="在别处抢修，15 分钟内到不了"
        )
    with clock.at(began_at + timedelta(minutes=25)):
        requests.arrive(desk.session, second.id)
    with clock.at(began_at + timedelta(minutes=40)):
        until = desk.now + timedelta(hours=26)
        pauses.pause(
            desk.session, made.ticket_id, PauseReason.MATERIAL, until, note="滑轮已订货", work_order_id=second.id
        )


def _file(desk: Desk, order_id: int, at: datetime) -> None:
    """Take the signed first copy back; the last days' are still on their way (A-W9)."""
    if desk.passed(at):
        with clock.at(at):
            requests.file(desk.session, order_id)


def _follow_up(desk: Desk, ticket_id: int, done_at: datetime) -> None:
    """Call the customer; a dissatisfied one stays open (A-W10), the others are closed."""
    called_at = done_at + desk.minutes(5, 29)
    if not desk.passed(called_at):
        return
    is_recent = desk.now - called_at < timedelta(days=OPEN_DAYS)
    unhappy = is_recent and desk.random.random() < 0.25  # noqa: PLR2004 - one in four of the last days
    with clock.at(called_at):
        follow_ups.follow_up(
            desk.session,
            ticket_id,
            Satisfaction.DISSATISFIED if unhappy else desk.random.choice(list(Satisfaction)[:2]),
            answer=desk.random.choice(invented.UNHAPPY if unhappy else invented.ANSWERS),
        )
        if not unhappy:
            tickets.close(desk.session, ticket_id)


def _complaint(desk: Desk, received_at: datetime) -> None:
    gravity = desk.random.choice(GRAVITIES)
    home = desk.random.choice(desk.homes)
    department = desk.random.choice((DepartmentKind.CLEANING, DepartmentKind.SECURITY, DepartmentKind.ENGINEERING))
    content = desk.random.choice(invented.COMPLAINTS)
    with clock.at(received_at):
        made = complaints.register_complaint(
            desk.session,
            office_id=desk.office_id,
            unit_id=home.unit_id,
            content=content,
            topic_id=desk.topics.of(None, content),
            gravity=gravity,
            department_id=desk.departments[department],
            reporter_name=invented.person(desk.random),
            reporter_phone=invented.phone(desk.random),
        )
    receipt_at = received_at + desk.minutes(2, 10)
    forwarded_at = receipt_at + desk.minutes(2, 18)
    done_at = forwarded_at + desk.minutes(60, 600)
    if desk.passed(receipt_at):
        with clock.at(receipt_at):
            complaints.receive(desk.session, made.id)
    if desk.passed(forwarded_at) and gravity in {Gravity.MAJOR, Gravity.GRAVE}:
        with clock.at(forwarded_at):
            complaints.forward(desk.session, made.id)
    if desk.passed(done_at):
        with clock.at(done_at):
            complaints.complete(desk.session, made.id, outcome=desk.random.choice(invented.OUTCOMES))
            complaints.give_back(desk.session, made.id)
        _follow_up(desk, made.ticket_id, done_at)
