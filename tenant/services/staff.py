"""People of the group: taken on, given a post, their password and their account (A-O3, A-O4).

All of it is the group's: the session must see every office. Whatever makes an account worthless also ends its
sessions, in the same transaction.
"""

import re
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session, undefer

from tenant import clock
from tenant.errors import NotFound, Refusal
from tenant.models import Company, Department, Office, Posting, Staff
from tenant.rules.levels import levels_for
from tenant.rules.terms import PostingLevel, Role
from tenant.services import passwords, sign_ins
from tenant.services.lookups import refuse_unstorable

LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}")
MAIL_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
LONGEST_NAME = 50


def add(
    session: Session,
    *,
    login: str,
    name: str,
    role: Role,
    place: Office | Company | None,
    email: str | None = None,
    department: Department | None = None,
) -> tuple[Staff, str]:
    """Take a person on, with a posting from today; return the person and the one-time password, which is kept nowhere.

    ``place`` None means the group. Raises Refusal naming the field for a login that is taken or malformed, an empty
    name, or an address that is none.
    """
    person, password = take_on(session, login=login, name=name, email=email)
    post(session, person, role, place, department=department)
    return person, password


def take_on(
    session: Session, *, login: str, name: str, email: str | None = None, phone: str | None = None
) -> tuple[Staff, str]:
    """Make an account without a posting, and return it with its one-time password; raises Refusal as :func:`add`."""
    login, name = login.strip().lower(), name.strip()
    if not LOGIN.fullmatch(login):
        raise Refusal(
            code="bad_login",
            message=f"登录名「{login}」不能用。请用 2 到 64 个小写字母、数字、点、横线或下划线，以字母或数字开头。",
            field="login",
            value=login,
        )
    if not name or len(name) > LONGEST_NAME:
        raise Refusal(
            code="bad_name", message=f"姓名不能为空，最多 {LONGEST_NAME} 个字。请填写。", field="name", value=name
        )
    refuse_unstorable(name, field="name", label="姓名")
    if email and not MAIL_ADDRESS.fullmatch(email.strip()):
        raise Refusal(
            code="bad_email",
            message=f"「{email}」不是邮箱地址。请写成 姓名@单位.cn 这样的格式，或留空。",
            field="email",
            value=email,
        )
    if session.scalar(select(Staff.id).where(func.lower(Staff.login) == login)):
        raise Refusal(code="login_taken", message=f"登录名「{login}」已被使用。请换一个。", field="login", value=login)
    password = passwords.make_one_time_password()
    person = Staff(
        login=login,
        name=name,
        email=email.strip() if email else None,
        phone=phone,
        password_hash=passwords.hash_password(password),
        password_changed_at=clock.now(),
        must_change_password=True,
    )
    session.add(person)
    session.flush()
    return person, password


def post(
    session: Session,
    person: Staff,
    role: Role,
    place: Office | Company | None,
    *,
    department: Department | None = None,
    from_on: date | None = None,
) -> Posting:
    """Post a person to an office, a company or (None) the group, from ``from_on`` or today in the place's zone.

    Raises Refusal for a role that is not held at that level (A-O3).
    """
    zone = place.zone if isinstance(place, Office) else clock.DEFAULT_ZONE
    level = PostingLevel.GROUP
    if place is not None:
        level = PostingLevel.OFFICE if isinstance(place, Office) else PostingLevel.COMPANY
    require_level(role, level)
    posting = Posting(
        staff=person,
        role=role,
        level=level,
        office_id=place.id if isinstance(place, Office) else None,
        company_id=place.id if isinstance(place, Company) else None,
        department=department,
        from_on=from_on or clock.today(zone),
    )
    session.add(posting)
    session.flush()
    return posting


def require_level(role: Role, level: PostingLevel) -> None:
    """Raise Refusal for a role that nobody holds at ``level`` (A-O3): what somebody may do follows from the two."""
    if level in levels_for(role):
        return
    allowed = "、".join(one.label for one in PostingLevel if one in levels_for(role))
    raise Refusal(
        code="wrong_level",
        message=f"「{role.label}」不能任职于{level.label}。请改为任职于{allowed}，或另选角色。",
        field="role",
        value=role.value,
    )


def change_password(session: Session, staff_id: int, *, old: str, new: str) -> None:
    """Let a person change their own password; all their sessions end. Raises Refusal naming the field."""
    person = _find(session, staff_id)
    if not passwords.matches(person.password_hash, old):
        raise Refusal(code="wrong_password", message="原密码不正确。请重新输入。", field="old_password")
    if old == new:
        raise Refusal(code="same_password", message="新密码不能与原密码相同。请换一个。", field="password")
    passwords.require_acceptable(new, login=person.login)
    person.password_hash = passwords.hash_password(new)
    person.password_changed_at, person.must_change_password = clock.now(), False
    session.flush()
    sign_ins.end_all(session, person.id, "password_changed")


def reset_password(session: Session, staff_id: int) -> str:
    """Give a person a new one-time password and return it; all their sessions end."""
    person = _find(session, staff_id)
    password = passwords.make_one_time_password()
    person.password_hash = passwords.hash_password(password)
    person.password_changed_at, person.must_change_password = clock.now(), True
    session.flush()
    sign_ins.end_all(session, person.id, "password_changed")
    return password


def disable(session: Session, staff_id: int) -> None:
    """Close an account; all its sessions end. A second time does nothing."""
    person = _find(session, staff_id)
    if person.disabled_at is None:
        person.disabled_at = clock.now()
        session.flush()
    sign_ins.end_all(session, person.id, "disabled")


def enable(session: Session, staff_id: int) -> None:
    """Open a closed account again."""
    person = _find(session, staff_id)
    person.disabled_at = None
    session.flush()


def _find(session: Session, staff_id: int) -> Staff:
    person = session.scalar(select(Staff).where(Staff.id == staff_id).options(undefer(Staff.password_hash)))
    if person is None:
        raise NotFound(field="staff", value=str(staff_id))
    return person
