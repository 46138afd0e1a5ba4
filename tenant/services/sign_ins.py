"""Signing in: one attempt, one record; a session that lives on the server and can be ended at once.

All of it runs in a session that sees every office: who somebody is comes before what they may see. The caller commits
whatever the answer, because a failed attempt is a row too: the throttle counts them.
"""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, undefer

from tenant import clock
from tenant.errors import Refusal
from tenant.journal import RecordedAct, note
from tenant.models import SignIn, Staff
from tenant.services import passwords

IDLE_LIMIT: Final = timedelta(minutes=30)
ABSOLUTE_LIMIT: Final = timedelta(hours=12)
SEEN_EVERY: Final = timedelta(minutes=1)
"""How exactly the last activity is known: writing it down on each request would be a write on each read."""

THROTTLE_WINDOW: Final = timedelta(minutes=15)
FAILURES_PER_LOGIN: Final = 5
FAILURES_PER_ADDRESS: Final = 30
ADDRESS_LOCK, LOGIN_LOCK = 7719002, 7719003
LONGEST_LOGIN, LONGEST_AGENT, LONGEST_ADDRESS = 64, 300, 64


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody typed, and from where."""

    login: str
    password: str = field(repr=False)
    address: str
    user_agent: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """A session just opened; ``token`` goes into the cookie and is kept nowhere else."""

    sign_in_id: int
    staff_id: int
    token: str = field(repr=False)


def attempt(session: Session, tried: Attempt) -> Opened:
    """Check login and password and open a session; the caller commits, also when this raises.

    Raises Refusal ``sign_in_throttled`` before anything is hashed, ``sign_in_refused`` for a wrong pair and
    ``account_disabled`` for the right pair of a disabled account. Attempts of one login, and of one address, run one
    after the other: otherwise fifty at once would all pass the count.
    """
    login = _written(tried.login, LONGEST_LOGIN).lower()
    address = _written(tried.address, LONGEST_ADDRESS)
    _take_turns(session, address, login)
    _throttle(session, address, login)
    staff = session.scalar(select(Staff).where(func.lower(Staff.login) == login).options(undefer(Staff.password_hash)))
    is_right = passwords.matches(staff.password_hash if staff else None, tried.password)
    if staff is None or not is_right:
        _record_failure(session, login, address, tried.user_agent, staff)
        raise Refusal(code="sign_in_refused", message="登录名或密码不正确。请核对后再试；忘记密码请联系系统管理员。")
    if staff.disabled_at is not None:
        _record_failure(session, login, address, tried.user_agent, staff)
        raise Refusal(code="account_disabled", message="这个账号已停用。需要恢复请联系系统管理员。")
    return open_for(session, staff, address=address, user_agent=tried.user_agent)


def open_for(session: Session, staff: Staff, *, address: str, user_agent: str = "") -> Opened:
    """Open a session for somebody whose identity has been established."""
    token = secrets.token_urlsafe(32)
    instant = clock.now()
    row = SignIn(
        staff_id=staff.id,
        login=staff.login.lower(),
        token_digest=digest(token),
        address=address,
        user_agent=_written(user_agent, LONGEST_AGENT),
        started_at=instant,
        seen_at=instant,
        succeeded=True,
    )
    session.add(row)
    session.flush()
    note(session, RecordedAct(verb="sign_in.succeeded", subject_kind="staff", subject_id=staff.id))
    return Opened(sign_in_id=row.id, staff_id=staff.id, token=token)


def find_alive(session: Session, token: str) -> SignIn | None:
    """Return the living session behind ``token``, None when there is none; the caller commits.

    One that stood idle for 30 minutes, or began 12 hours ago, ends here; so does one whose person was disabled.
    """
    row = session.scalar(select(SignIn).where(SignIn.token_digest == digest(token), SignIn.ended_at.is_(None)))
    if row is None or row.staff_id is None:
        return None
    instant = clock.now()
    why = _too_old(row, instant)
    if why is None:
        staff = session.get(Staff, row.staff_id)
        why = "disabled" if staff is None or staff.disabled_at is not None else None
    if why is not None:
        end(session, row, why)
        return None
    if instant - row.seen_at >= SEEN_EVERY:
        row.seen_at = instant
    return row


def end(session: Session, row: SignIn, why: str) -> None:
    """End one session; twice does no harm.

    ``why`` is one of ``signed_out idle expired disabled password_changed revoked``.
    """
    if row.ended_at is not None:
        return
    row.ended_at, row.ended_why = clock.now(), why
    session.flush()
    note(session, RecordedAct(verb="sign_in.ended", subject_kind="staff", subject_id=row.staff_id, reason=why))


def end_all(session: Session, staff_id: int, why: str) -> int:
    """End every living session of a person and return how many there were."""
    rows = session.scalars(select(SignIn).where(SignIn.staff_id == staff_id, SignIn.ended_at.is_(None))).all()
    alive = [row for row in rows if row.succeeded]
    for row in alive:
        end(session, row, why)
    return len(alive)


def digest(token: str) -> str:
    """Return what the row keeps of a token: who reads the table cannot sign in with it."""
    return sha256(token.encode()).hexdigest()


def _too_old(row: SignIn, instant: datetime) -> str | None:
    if instant - row.started_at >= ABSOLUTE_LIMIT:
        return "expired"
    return "idle" if instant - row.seen_at >= IDLE_LIMIT else None


def _take_turns(session: Session, address: str, login: str) -> None:
    """Wait for other attempts from this address, then for those of this login; always in this order."""
    for kind, key in ((ADDRESS_LOCK, address), (LOGIN_LOCK, login)):
        session.execute(select(func.pg_advisory_xact_lock(kind, func.hashtext(key))))


def _throttle(session: Session, address: str, login: str) -> None:
    limits: tuple[tuple[ColumnElement[bool], int], ...] = (
        (SignIn.login == login, FAILURES_PER_LOGIN),
        (SignIn.address == address, FAILURES_PER_ADDRESS),
    )
    since = clock.now() - THROTTLE_WINDOW
    for whose, limit in limits:
        failed = session.scalar(
            select(func.count())
            .select_from(SignIn)
            .where(whose, SignIn.succeeded.is_(False), SignIn.started_at > since)
        )
        if failed is not None and failed >= limit:
            minutes = int(THROTTLE_WINDOW.total_seconds() // 60)
            raise Refusal(
                code="sign_in_throttled",
                message=f"失败次数过多，暂停登录。请在 {minutes} 分钟后再试；急用请联系系统管理员重置密码。",
            )


def _record_failure(session: Session, login: str, address: str, user_agent: str, staff: Staff | None) -> None:
    """Keep a failed attempt; of an unknown login the record shows the head only, for it may be a mistyped password."""
    instant = clock.now()
    session.add(
        SignIn(
            staff_id=None,
            login=login,
            token_digest=None,
            address=address,
            user_agent=_written(user_agent, LONGEST_AGENT),
            started_at=instant,
            seen_at=instant,
            ended_at=instant,
            succeeded=False,
        )
    )
    session.flush()
    shown = staff.login if staff else f"{login[:2]}***"
    staff_id = staff.id if staff else None
    note(
        session,
        RecordedAct(verb="sign_in.failed", subject_kind="staff", subject_id=staff_id, facts={"login": shown}),
    )


def _written(text: str, longest: int) -> str:
    """Return ``text`` as a column can hold it: printable, trimmed, no longer than ``longest``."""
    return "".join(sign for sign in text if sign.isprintable()).strip()[:longest]
