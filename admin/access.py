"""Who is asking, from which office, and whether they may: decided once per request, before any view runs.

Nothing is open that has not said so. A view function carries a :class:`Door`; one that carries none is refused.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn, TypeVar

from flask import abort, g, has_request_context
from flask_login import UserMixin
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from tenant import clock, policy
from tenant.models import Office, SignIn, Staff
from tenant.rules.terms import Act, Area, PostingLevel, Role
from tenant.scoping import Scope
from tenant.services import postings

View = TypeVar("View", bound=Callable[..., Any])

FORBIDDEN: Final = 403


@dataclass(frozen=True, slots=True)
class OfficeAtHand:
    """An office somebody can choose: plain values, so that it outlives the session that read it."""

    id: int
    code: str
    name: str
    company: str
    zone: str


@dataclass(frozen=True, slots=True)
class Post:
    """A posting somebody holds today: the role, and the offices it reaches."""

    posting_id: int
    role: Role
    level: PostingLevel
    office_id: int | None
    reach: frozenset[int]


@dataclass(frozen=True, slots=True)
class Identity(UserMixin):
    """The signed-in person for one request; ``token`` is what their cookie holds."""

    staff_id: int
    login: str
    name: str
    sign_in_id: int
    token: str = field(repr=False)
    must_change_password: bool
    posts: tuple[Post, ...]
    offices: tuple[OfficeAtHand, ...]
    scope: Scope

    def get_id(self) -> str:
        """Return what goes into the cookie: the token of this session, not the person's number."""
        return self.token

    @property
    def roles(self) -> tuple[str, ...]:
        """Return the names of the roles held today, each once."""
        return tuple(dict.fromkeys(post.role.label for post in self.posts))

    @property
    def is_headquarters(self) -> bool:
        """Tell whether a posting reaches every office."""
        return self.scope.is_everywhere

    def office(self, office_id: int | None) -> OfficeAtHand | None:
        """Return an office within reach, None for any other id."""
        return next((office for office in self.offices if office.id == office_id), None)

    def may(self, area: Area, act: Act, office_id: int | None) -> bool:
        """Tell whether the person may do ``act`` in ``area`` at an office, or (None) at all they can see at once.

        At all at once means at each: one office where they may not is enough to say no. Headquarters' own rows have
        no office, so at headquarters only group postings count.
        """
        if office_id is not None:
            return self._may_at(area, act, office_id)
        if self.is_headquarters:
            return policy.may_any((post.role for post in self.posts if post.level is PostingLevel.GROUP), area, act)
        return len(self.offices) > 0 and all(self._may_at(area, act, office.id) for office in self.offices)

    def _may_at(self, area: Area, act: Act, office_id: int) -> bool:
        roles = (post.role for post in self.posts if post.level is PostingLevel.GROUP or office_id in post.reach)
        return policy.may_any(roles, area, act)

    def posting_at(self, office_id: int | None) -> int | None:
        """Return the posting through which the person acts in an office, None where they hold none there."""
        return next((post.posting_id for post in self.posts if office_id and post.office_id == office_id), None)


def load_identity(group_session: Session, row: SignIn, token: str) -> Identity:
    """Return who is behind a living session; ``group_session`` sees every office."""
    held = postings.postings_of(group_session, row.staff_id, clock.today()) if row.staff_id else []
    staff = held[0].staff if held else group_session.get_one(Staff, row.staff_id)
    scope = postings.reach_of(group_session, held)
    offices = _offices(group_session, scope)
    posts = tuple(
        Post(
            posting_id=posting.id,
            role=posting.role,
            level=posting.level,
            office_id=posting.office_id,
            reach=frozenset(
                office.id
                for office in offices
                if posting.office_id == office.id or posting.company_id == office.company_id
            ),
        )
        for posting in held
    )
    return Identity(
        staff_id=staff.id,
        login=staff.login,
        name=staff.name,
        sign_in_id=row.id,
        token=token,
        must_change_password=staff.must_change_password,
        posts=posts,
        offices=tuple(OfficeAtHand(o.id, o.code, o.name, o.company.name, o.zone) for o in offices),
        scope=scope,
    )


def _offices(group_session: Session, scope: Scope) -> list[Office]:
    statement = select(Office).where(Office.archived_at.is_(None)).options(joinedload(Office.company))
    if not scope.is_everywhere:
        statement = statement.where(Office.id.in_(scope.office_ids))
    return sorted(group_session.scalars(statement), key=lambda office: (office.company.code, office.code))


# ---- what the request at hand knows
def identity() -> Identity | None:
    """Return who is signed in, None for nobody and outside a request."""
    found: Identity | None = g.get("identity") if has_request_context() else None
    return found


def office_at_hand() -> OfficeAtHand | None:
    """Return the office chosen in this session, None while looking at all of them."""
    found: OfficeAtHand | None = g.get("office") if has_request_context() else None
    return found


def may(area: Area, act: Act = Act.VIEW) -> bool:
    """Tell whether the person asking may do ``act`` in ``area`` where they stand now."""
    person, office = identity(), office_at_hand()
    return person is not None and person.may(area, act, office.id if office else None)


def require(area: Area, act: Act = Act.VIEW) -> None:
    """Answer 403 unless the person may; the denial is put on the record when the request ends."""
    if not may(area, act):
        refuse(area, act)


def refuse(area: Area, act: Act) -> NoReturn:
    """Answer 403, and have the denial put on the record."""
    g.denied = (area, act)
    abort(FORBIDDEN)


def zone_of(office_id: int | None) -> str:
    """Return the zone times of an office are shown in; the group's own where there is no office in reach."""
    person, office = identity(), office_at_hand()
    found = person.office(office_id) if person and office_id else office
    return found.zone if found else clock.DEFAULT_ZONE


def own_orders_only() -> list[int] | None:
    """Return the postings to whose orders the person is confined (A-W9), None for who is more than a technician."""
    person, office = identity(), office_at_hand()
    if person is None:
        return None
    here = [post for post in person.posts if office is None or office.id in post.reach or not post.reach]
    is_technician = bool(here) and all(post.role is Role.TECHNICIAN for post in here)
    return [post.posting_id for post in here] if is_technician else None


# ---- doors
@dataclass(frozen=True, slots=True)
class Door:
    """Who may pass to a view: everybody, the signed-in, or who may do ``act`` in ``area`` (None: the view's own)."""

    kind: str
    area: Area | None = None
    act: Act | None = None


ANYBODY = Door("anybody")
SIGNED_IN = Door("signed_in")


def door(kind: Door) -> Callable[[View], View]:
    """Put a door before a view function."""

    def marked(view: View) -> View:
        view.door = kind  # type: ignore[attr-defined]
        return view

    return marked


def needs(act: Act, area: Area | None = None) -> Callable[[View], View]:
    """Open a view to those who may do ``act`` in ``area``; None is the area of the view class it belongs to."""
    return door(Door("permitted", area, act))


def door_of(view: Callable[..., Any]) -> Door | None:
    """Return the door before a view function with its area filled in, None where it has none."""
    found: Door | None = getattr(view, "door", None)
    if found is None or found.kind != "permitted" or found.area is not None:
        return found
    owner = getattr(view, "__self__", None)
    area = getattr(owner, "area", None)
    return Door("permitted", area, found.act) if isinstance(area, Area) else None
