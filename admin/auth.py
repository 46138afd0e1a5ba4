"""Signing in and out, changing the password, and the doors every request passes."""

from typing import Any, Final
from urllib.parse import urlsplit

from flask import Blueprint, Flask, abort, current_app, flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, current_user, login_user, logout_user

from admin import access
from admin.access import ANYBODY, SIGNED_IN, Identity, door
from admin.session import identity_session
from tenant.errors import Refusal
from tenant.services import sign_ins, staff

OFFICE_KEY: Final = "office"
FORBIDDEN, NOT_FOUND = 403, 404
TOO_MANY, UNACCEPTABLE = 429, 422
MAY_WHILE_CHANGING = frozenset({"auth.password", "auth.sign_out"})
MAY_WITHOUT_A_POST = frozenset({"auth.password", "auth.sign_out", "account.show", "account.end"})

auth = Blueprint("auth", __name__)
logins = LoginManager()


def install(application: Flask) -> None:
    """Put the doors before every view of ``application``, and the pages for signing in."""
    logins.init_app(application)
    logins.session_protection = None  # the session is on the server; an address that changes is no reason to end it
    application.before_request(admit)
    application.register_blueprint(auth)


@logins.user_loader
def recognise(token: str) -> Identity | None:
    """Return the person behind the token of a cookie, None when its session has ended."""
    with identity_session() as group_session:
        row = sign_ins.find_alive(group_session, token)
        person = access.load_identity(group_session, row, token) if row else None
        group_session.commit()
    return person


def admit() -> ResponseReturnValue | None:
    """Let the request through its door, send it to sign in, or refuse it."""
    view = current_app.view_functions.get(request.endpoint or "")
    if view is None or request.endpoint == "static" or (request.endpoint or "").endswith(".static"):
        return None
    wanted = access.door_of(view)
    if wanted is None:
        current_app.logger.error("%s has no door: refused", request.endpoint)
        abort(FORBIDDEN)
    person = current_user._get_current_object()  # noqa: SLF001 - a proxy would outlive the request it stands for
    g.identity = person if isinstance(person, Identity) else None
    if g.identity is None:
        return None if wanted is ANYBODY else _ask_to_sign_in()
    g.office = _chosen_office(g.identity)
    if g.identity.must_change_password and request.endpoint not in MAY_WHILE_CHANGING:
        return redirect(url_for("auth.password")) if request.method != "POST" else abort(FORBIDDEN)
    if wanted.area is not None and wanted.act is not None:
        access.require(wanted.area, wanted.act)
    elif not g.identity.posts and request.endpoint not in MAY_WITHOUT_A_POST:
        return render_template("wuguan/no_post.html"), FORBIDDEN
    return None


def _chosen_office(person: Identity) -> access.OfficeAtHand | None:
    """Return the office chosen last if it is still within reach; who reaches just one is always in it."""
    if len(person.offices) == 1 and not person.is_headquarters:
        return person.offices[0]
    return person.office(session.get(OFFICE_KEY))


def _ask_to_sign_in() -> ResponseReturnValue:
    if request.method != "GET" or request.accept_mimetypes.best == "application/json":
        return redirect(url_for("auth.sign_in"))
    return redirect(url_for("auth.sign_in", next=request.full_path.rstrip("?")))


def way_on(target: str | None) -> str:
    """Return ``target`` when it is a path of this site, else the front page."""
    path = target or ""
    is_plain = path.isprintable() and "\\" not in path  # browsers drop some signs and turn others round
    is_ours = is_plain and path.startswith("/") and not path.startswith("//")
    return path if is_ours and not urlsplit(path).netloc else url_for("admin.index")


@auth.route("/sign-in", methods=["GET", "POST"])
@door(ANYBODY)
def sign_in() -> ResponseReturnValue:
    """Show the page for signing in, and open a session for the right login and password."""
    if access.identity() is not None:
        return redirect(way_on(request.args.get("next")))
    if request.method != "POST":
        return _sign_in_page()
    tried = sign_ins.Attempt(
        login=request.form.get("login", ""),
        password=request.form.get("password", "")[:1024],
        address=request.remote_addr or "",
        user_agent=request.user_agent.string,
    )
    with identity_session() as group_session:
        try:
            opened = sign_ins.attempt(group_session, tried)
        except Refusal as refusal:
            group_session.commit()
            status = TOO_MANY if refusal.code == "sign_in_throttled" else UNACCEPTABLE
            return _sign_in_page(error=refusal.message, login=tried.login), status
        row = sign_ins.find_alive(group_session, opened.token)
        person = access.load_identity(group_session, row, opened.token) if row else None
        group_session.commit()
    session.clear()
    login_user(person)
    return redirect(way_on(request.form.get("next")))


def _sign_in_page(error: str | None = None, login: str = "") -> str:
    following = request.values.get("next", "")
    return render_template("wuguan/sign_in.html", error=error, login=login, next=following)


@auth.post("/sign-out")
@door(SIGNED_IN)
def sign_out() -> ResponseReturnValue:
    """End the session here and on the server."""
    person = access.identity()
    with identity_session() as group_session:
        row = sign_ins.find_alive(group_session, person.token) if person else None
        if row is not None:
            sign_ins.end(group_session, row, "signed_out")
        group_session.commit()
    logout_user()
    session.clear()
    return redirect(url_for("auth.sign_in"))


@auth.route("/password", methods=["GET", "POST"])
@door(SIGNED_IN)
def password() -> ResponseReturnValue:
    """Let a person change their password; every session of theirs ends, and they sign in anew."""
    person = access.identity()
    if person is None or request.method != "POST":
        return _password_page({})
    old, new = request.form.get("old_password", ""), request.form.get("password", "")
    if new != request.form.get("repeated", ""):
        return _password_page({"repeated": "两次输入的新密码不一致。请重新输入。"}), UNACCEPTABLE
    try:
        with identity_session() as group_session:
            staff.change_password(group_session, person.staff_id, old=old, new=new)
            group_session.commit()
    except Refusal as refusal:
        return _password_page({refusal.field or "password": refusal.message}), UNACCEPTABLE
    logout_user()
    session.clear()
    flash("密码已修改，所有登录都已结束。请用新密码登录。", "success")
    return redirect(url_for("auth.sign_in"))


def _password_page(errors: dict[str, str]) -> str:
    person = access.identity()
    return render_template("wuguan/password.html", errors=errors, forced=bool(person and person.must_change_password))


@auth.post("/office")
@door(SIGNED_IN)
def choose_office() -> ResponseReturnValue:
    """Enter an office, or (no id) look at all of them; an id out of reach answers like one that does not exist."""
    person = access.identity()
    chosen: Any = request.form.get("office", "")
    if chosen == "":
        session.pop(OFFICE_KEY, None)
        return redirect(way_on(request.form.get("next")))
    office = person.office(int(chosen)) if person and chosen.isascii() and chosen.isdigit() else None
    if office is None:
        abort(NOT_FOUND)
    session[OFFICE_KEY] = office.id
    return redirect(way_on(request.form.get("next")))
