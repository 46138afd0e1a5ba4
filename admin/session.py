"""The edge of a web request: one request, one transaction, one person, one scope.

Each request runs in a context of its own, so that nothing a thread did before can be seen by the next. The session is
opened with the scope of the person who asks, is committed after the answer has been built and is a good one (below
400), and rolled back otherwise.
"""

import contextvars
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from flask import Flask, Response, current_app, g, has_request_context, request
from sqlalchemy.orm import scoped_session

from admin import access
from tenant import logs
from tenant.journal import Actor, RecordedAct, note
from tenant.rules.terms import ActorKind
from tenant.scoping import Scope, ScopedSession
from tenant.unscoped import Reason, across_offices

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from tenant.db import Database

FIRST_BAD_STATUS: Final = 400
LONGEST_ADDRESS: Final = 64
LONGEST_PATH: Final = 200
NOBODY: Final = Actor(kind=ActorKind.PERSON, name="未登录")


class RequestSessions:
    """What Flask-Admin takes for its registry of sessions: always the one of the request at hand."""

    def __call__(self) -> ScopedSession:
        """Return the session of this request; opens it on first use."""
        return session_at_hand()

    def has(self) -> bool:
        """Tell whether this request has opened its session."""
        return has_request_context() and "session" in g


class DB(scoped_session[Any]):
    """The handle Flask-Admin wants: a scoped session that is its own ``session``."""

    session = property(lambda self: self)

    def __init__(self) -> None:
        """Point every call at the session of the request at hand."""
        self.registry = RequestSessions()  # type: ignore[assignment]


def database() -> "Database":
    """Return the application's database."""
    found: Database = current_app.extensions["wuguan.database"]
    return found


def actor() -> Actor:
    """Return who acts in this request, with its number and address; a person not signed in has no staff id."""
    person, office = access.identity(), access.office_at_hand()
    return Actor(
        kind=ActorKind.PERSON,
        name=person.name if person else NOBODY.name,
        staff_id=person.staff_id if person else None,
        posting_id=person.posting_at(office.id) if person and office else None,
        request_id=g.request_id,
        address=(request.remote_addr or "")[:LONGEST_ADDRESS] or None,
    )


def scope_at_hand() -> Scope:
    """Return what this request may touch: the chosen office, else all the person's; nothing for nobody."""
    person, office = access.identity(), access.office_at_hand()
    if person is None:
        return Scope.of(())
    return Scope.of([office.id]) if office else person.scope


def session_at_hand() -> ScopedSession:
    """Return the session of this request, opened on first use."""
    if "session" not in g:
        g.session = database().make_session(scope_at_hand(), actor())
    found: ScopedSession = g.session
    return found


@contextmanager
def identity_session() -> Iterator[ScopedSession]:
    """Open the session in which a person is recognised, before there is a scope; the caller commits."""
    with across_offices(database(), Reason.SIGNING_IN, actor()) as session:
        yield session


def in_fresh_context(application: "WSGIApplication") -> "WSGIApplication":
    """Return ``application`` run in an empty context for each request.

    A streamed body that was never closed left its context on the thread, and the next, anonymous request was served as
    the signed-in one.
    """

    def fresh(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        return contextvars.Context().run(application, environ, start_response)

    return fresh


def install(application: Flask) -> None:
    """Give ``application`` its edge: a number for each request, the commit, the roll-back."""
    application.wsgi_app = in_fresh_context(application.wsgi_app)  # type: ignore[method-assign, assignment]
    application.before_request(number_the_request)
    application.after_request(settle)
    application.teardown_request(close)


def number_the_request() -> None:
    """Give the request the number that ties together all it does, and its page the nonce of its scripts."""
    g.request_id = secrets.token_hex(8)
    logs.request_id.set(g.request_id)
    g.csp_nonce = secrets.token_urlsafe(16)


def settle(response: Response) -> Response:
    """Commit what a good answer did, undo what a bad one did; must be the last word on the response."""
    session: ScopedSession | None = g.get("session")
    if session is not None:
        if response.status_code < FIRST_BAD_STATUS:
            session.commit()
        else:
            session.rollback()
    if g.get("denied") is not None:
        _record_denial(*g.pop("denied"))
    return response


def close(_error: BaseException | None = None) -> None:
    """Give the connection back; what was not committed is lost."""
    session: ScopedSession | None = g.pop("session", None)
    if session is not None:
        session.close()


def _record_denial(area: str, act: str) -> None:
    office = access.office_at_hand()
    path = "".join(sign for sign in request.path if sign.isprintable())[:LONGEST_PATH]
    facts = {"area": str(area), "act": str(act), "path": path}
    with identity_session() as session:
        note(session, RecordedAct(verb="access.denied", office_id=office.id if office else None, facts=facts))
        session.commit()
