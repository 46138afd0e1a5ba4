"""部门看板: what a department has to sign for, works on, waits for, has to have signed, to give back (A-W3, A-C5)."""

from typing import Final

from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from admin import access
from admin.access import needs
from admin.screens import boards as board
from admin.screens.boards_cards import COMPLAINED, Looking
from admin.session import session_at_hand
from admin.site import Entry, Screen
from tenant import clock
from tenant.models import Department, Posting
from tenant.rules.terms import Act, Area, Role, WorkOrderState
from tenant.services import boards

AT_WORK: Final = frozenset({"accept", "arrive", "complete", "pause", "redispatch"})
VERBS: Final = {
    WorkOrderState.DISPATCHED.value: frozenset({"receive", "redispatch"}),
    **dict.fromkeys(
        (WorkOrderState.RECEIVED.value, WorkOrderState.ACCEPTED.value, WorkOrderState.ON_THE_WAY.value), AT_WORK
    ),
    WorkOrderState.UNDER_WAY.value: AT_WORK,
    WorkOrderState.WAITING.value: frozenset({"resume", "arrive", "complete", "redispatch"}),
    WorkOrderState.DONE.value: frozenset({"sign"}),
    COMPLAINED: frozenset({"receive", "stop-harm", "complete", "pause", "resume", "give-back"}),
}
"""What a head may do on a card, by where the order stands; the rest is said on the order's own page."""
LABELS: Final = {
    boards.TO_RECEIVE: "待签收",
    boards.UNDER_WAY: "办理中",
    boards.WAITING: "等待中",
    boards.TO_SIGN: "待客户签字",
    boards.TO_GIVE_BACK: "待回单",
}
EMPTY: Final = {
    boards.TO_RECEIVE: "前台派来的处理单和投诉会列在这里，请当面或在此签收。",
    boards.UNDER_WAY: "签收之后、完成之前的事在这里。",
    boards.WAITING: "等业主、等材料、等预约时间的事在这里，到期前会提醒。",
    boards.TO_SIGN: "已完工、客户还没有签字的处理单在这里。",
    boards.TO_GIVE_BACK: "投诉办结当日要交回登记表。",
}

screen = Blueprint("department_board", __name__)


@screen.get("/boards/department")
@needs(Act.VIEW, Area.DEPARTMENT_BOARD)
def show() -> ResponseReturnValue:
    """Show what lies with the departments that the person heads."""
    session, at = session_at_hand(), clock.now()
    headed = headed_departments()
    lanes = boards.department_board(session, [row.id for row in headed], **board.asked())
    looking = Looking(session, at, board.here(".show"), VERBS)
    return board.page(
        "wuguan/board_department.html",
        lanes=board.filled(looking, lanes, LABELS, ".show"),
        departments=headed,
        empty=EMPTY,
        sent_out=sent_out(),
        all_departments=session.scalars(select(Department).order_by(Department.name)).all(),
        **board.choices(),
    )


def headed_departments() -> list[Department]:
    """Return the departments that the person heads here."""
    heading = select(Posting.department_id).where(Posting.id.in_(board.postings_here(Role.DEPARTMENT_HEAD)))
    statement = select(Department).where(Department.id.in_(heading)).order_by(Department.name)
    return list(session_at_hand().scalars(statement))


def sent_out() -> list[tuple[int, str]]:
    """Return who can be sent today, by posting: technicians, engineering assistants and heads of the office."""
    today = clock.today(access.zone_of(None))
    statement = (
        select(Posting)
        .options(joinedload(Posting.staff))
        .where(
            Posting.role.in_([Role.TECHNICIAN, Role.ENGINEERING_ASSISTANT, Role.DEPARTMENT_HEAD]),
            Posting.office_id.is_not(None),
            Posting.from_on <= today,
            or_(Posting.to_on.is_(None), Posting.to_on >= today),
        )
        .order_by(Posting.role.desc(), Posting.id)
    )
    return [(row.id, str(row)) for row in session_at_hand().scalars(statement)]


def waiting_count() -> int:
    """Return how many orders and complaints wait to be signed for."""
    return boards.to_receive_count(session_at_hand(), [row.id for row in headed_departments()])


SCREEN: Final = Screen(
    blueprint=screen,
    entries=(
        Entry("workbench", "部门看板", "department_board.show", Area.DEPARTMENT_BOARD, count=waiting_count, order=-10),
    ),
)
