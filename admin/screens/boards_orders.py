"""我的处理单: what somebody was sent to do or to look at, made for a telephone in one hand (A-W5, A-W9, A-R1)."""

from typing import Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from admin.access import needs
from admin.screens import boards as board
from admin.screens.boards_cards import Button, Card, Looking, cards_of
from admin.session import session_at_hand
from admin.site import Entry, Screen
from tenant import clock
from tenant.errors import NotFound, Refusal
from tenant.models import Defect
from tenant.rules.terms import Act, Area, AttachmentPurpose, Role, WorkOrderState
from tenant.services import boards, defects
from tenant.services.boards import Lane

VERBS: Final = {
    WorkOrderState.DISPATCHED.value: frozenset({"accept", "pause"}),
    WorkOrderState.RECEIVED.value: frozenset({"accept", "pause"}),
    WorkOrderState.ACCEPTED.value: frozenset({"set-out", "arrive", "pause"}),
    WorkOrderState.ON_THE_WAY.value: frozenset({"arrive", "pause"}),
    WorkOrderState.UNDER_WAY.value: frozenset({"complete", "pause"}),
    WorkOrderState.WAITING.value: frozenset({"resume", "arrive", "complete"}),
    WorkOrderState.DONE.value: frozenset({"sign"}),
}
"""What comes next, by where the order stands: one tap, and the next one."""
SENT: Final = (Role.TECHNICIAN, Role.ENGINEERING_ASSISTANT)
LABELS: Final = {
    boards.UNDER_WAY: "要办的",
    boards.TO_LOOK: "要查看的缺陷",
    boards.WAITING: "等待中",
    boards.TO_SIGN: "待客户签字",
}
EMPTY: Final = {
    boards.UNDER_WAY: "派给您的处理单会列在这里，较急的、先到期的在前。",
    boards.TO_LOOK: "派您查看的房屋缺陷会列在这里。",
    boards.WAITING: "",
    boards.TO_SIGN: "",
}
UNACCEPTABLE: Final = 422

screen = Blueprint("order_board", __name__)


@screen.get("/boards/orders")
@needs(Act.VIEW, Area.ORDER_BOARD)
def show() -> ResponseReturnValue:
    """Show the orders of the person, and the defects they were sent to look at."""
    return _page()


@screen.get("/boards/orders/<int:order_id>")
@needs(Act.VIEW, Area.ORDER_BOARD)
def finish(order_id: int) -> ResponseReturnValue:
    """Show one order of the person by itself: photographs before and after, the signature, and to finish it (A-W9)."""
    session, at = session_at_hand(), clock.now()
    found = boards.order_of(session, order_id, board.postings_here(*SENT))
    if found is None:
        raise NotFound
    looking = Looking(session, at, url_for(".show"), VERBS)
    (card,) = cards_of(looking, [Lane(boards.UNDER_WAY, (found,), 1)])[boards.UNDER_WAY]
    purpose = AttachmentPurpose.BEFORE if card.row.state is not WorkOrderState.DONE else AttachmentPurpose.AFTER
    words = {"card": card, "purpose": purpose, "board_url": url_for(".show")}
    return render_template("wuguan/board_order.html", **words, **_buttons_of(card))


def _buttons_of(card: Card) -> dict[str, Button | None]:
    """Return the verbs by which an order ends: done, and signed by the person served."""
    return {name: next((row for row in card.buttons if row.name == name), None) for name in ("complete", "sign")}


@screen.post("/boards/orders/defects/<int:defect_id>/confirm")
@needs(Act.ACT, Area.ORDER_BOARD)
def confirm(defect_id: int) -> ResponseReturnValue:
    """Note what somebody found who was sent to look (A-R1); a defect they were not sent to is not there.

    What is refused comes back with every word still there.
    """
    session = session_at_hand()
    mine = select(Defect.id).where(Defect.id == defect_id, Defect.inspector_id.in_(board.postings_here(*SENT)))
    if session.scalars(mine).one_or_none() is None:
        raise NotFound
    cause = request.form.get("cause", "")
    try:
        found = defects.confirm(session, defect_id, cause, owner_signed="owner_signed" in request.form)
    except Refusal as refused:
        session.rollback()
        return _page(typed={f"{boards.DEFECT}-{defect_id}": (cause, refused.message)}), UNACCEPTABLE
    flash(f"已登记「{found}」的查看结果，下一步由工程助理开整改单。", "success")
    return redirect(url_for(".show"))


def _page(typed: dict[str, tuple[str, str]] | None = None) -> str:
    """Return the board; ``typed``: what was written on a card that was refused, and why."""
    session, at = session_at_hand(), clock.now()
    lanes = boards.order_board(session, board.postings_here(*SENT), **board.asked())
    looking = Looking(session, at, board.here(".show"), VERBS)
    return board.page(
        "wuguan/board_orders.html",
        lanes=board.filled(looking, lanes, LABELS, ".show"),
        empty=EMPTY,
        typed=typed or {},
        **board.choices(),
    )


def waiting_count() -> int:
    """Return how many orders the person has to do."""
    return boards.to_do_count(session_at_hand(), board.postings_here(*SENT))


SCREEN: Final = Screen(
    blueprint=screen,
    entries=(Entry("workbench", "我的处理单", "order_board.show", Area.ORDER_BOARD, count=waiting_count, order=-10),),
)
