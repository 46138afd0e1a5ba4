"""我的账号: who I am here, where else I am signed in, and the way to end that."""

from typing import Any, Final

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from admin import access, formats
from admin.access import SIGNED_IN, Identity, door
from admin.session import identity_session
from admin.site import Screen
from tenant.models import SignIn
from tenant.services import sign_ins

NOT_FOUND: Final = 404
BROWSERS: Final = (
    ("Edg/", "Edge"),
    ("MicroMessenger", "微信"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS: Final = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)
"""Signs in what a browser says of itself, the most telling first: Edge also calls itself Chrome and Safari."""
screen = Blueprint("account", __name__)


@screen.get("/account")
@door(SIGNED_IN)
def show() -> ResponseReturnValue:
    """Show the person's posts and living sessions."""
    person = _person()
    with identity_session() as session:
        rows = [_line(row, person) for row in _alive(session, person)]
    return render_template("wuguan/account.html", posts=_posts(person), sessions=rows)


@screen.post("/account/sessions/<int:sign_in_id>/end")
@door(SIGNED_IN)
def end(sign_in_id: int) -> ResponseReturnValue:
    """End another session of the same person; anybody else's answers like one that does not exist."""
    person = _person()
    with identity_session() as session:
        row = next((row for row in _alive(session, person) if row.id == sign_in_id), None)
        if row is None or row.id == person.sign_in_id:
            abort(NOT_FOUND)
        sign_ins.end(session, row, "revoked")
        session.commit()
    flash("那一处登录已经结束。", "success")
    return redirect(url_for(".show"))


def _person() -> Identity:
    person = access.identity()
    return person if person is not None else abort(NOT_FOUND)


def _alive(session: Session, person: Identity) -> list[SignIn]:
    statement = select(SignIn).where(
        SignIn.staff_id == person.staff_id, SignIn.ended_at.is_(None), SignIn.succeeded.is_(True)
    )
    return list(session.scalars(statement.order_by(SignIn.seen_at.desc())))


def _line(row: SignIn, person: Identity) -> dict[str, Any]:
    zone = access.zone_of(None)
    return {
        "id": row.id,
        "is_here": row.id == person.sign_in_id,
        "device": device(row.user_agent),
        "address": row.address,
        "started": formats.shown(row.started_at, zone=zone),
        "seen": formats.shown(row.seen_at, zone=zone),
    }


def device(user_agent: str) -> str:
    """Return browser and system in words, as far as the browser says."""
    browser = next((name for sign, name in BROWSERS if sign in user_agent), "其他浏览器")
    system = next((name for sign, name in SYSTEMS if sign in user_agent), "其他系统")
    return f"{system} 上的 {browser}"


def _posts(person: Identity) -> list[tuple[str, str, str]]:
    names = {office.id: office.name for office in person.offices}
    return [(post.role.label, post.level.label, names.get(post.office_id or 0, "")) for post in person.posts]


SCREEN: Final = Screen(blueprint=screen)
