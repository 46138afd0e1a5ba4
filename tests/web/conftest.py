"""A browser for each of the cast: signed in through the service, so that no test waits for a password's hash."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from admin import health
from admin.app import create_app
from audit.models import AuditEntry
from cast import Cast
from tasks.actors import Works
from tenant.db import Database
from tenant.journal import CLOCKWORK
from tenant.models import Staff
from tenant.rules.terms import Role
from tenant.scoping import Scope
from tenant.services import sign_ins
from tenant.settings import Settings
from tenant.unscoped import Reason, across_offices


@dataclass
class Browser:
    """One signed-in browser."""

    client: FlaskClient
    token: str

    def get(self, path: str, **options: Any) -> Any:
        """Open a page."""
        return self.client.get(path, buffered=True, **options)

    def post(self, path: str, form: dict[str, Any] | None = None, **options: Any) -> Any:
        """Send a form as its page would, with the token against forgery."""
        return self.client.post(path, data={"csrf_token": self.csrf(), **(form or {})}, **options)

    def csrf(self) -> str:
        """Return the token the pages of this session carry."""
        page = self.client.get("/password").get_data(as_text=True)
        return page.split('name="csrf_token" value="')[1].split('"')[0]

    def enter(self, office_id: int | None) -> None:
        """Choose an office, or (None) all of them."""
        answer = self.post("/office", {"office": "" if office_id is None else office_id})
        assert answer.status_code == 302


@pytest.fixture(scope="session", autouse=True)
def _pages_wait_for_the_look() -> Iterator[None]:
    """Let pages wait for the look at the clockwork: on a busy machine one would say what another has no time to see."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(health, "PATIENCE_OF_PAGES", 60.0)
        yield


@pytest.fixture(scope="module")
def app(database: Database, cast: Cast, tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The application over this module's database."""
    return create_app(Settings(home=tmp_path_factory.mktemp("home"), secret_key="of the tests"), database)


@pytest.fixture(scope="module")
def sign_in(app: Flask, database: Database) -> Callable[[Staff], Browser]:
    """Sign somebody in and return their browser."""

    def signed_in(staff: Staff) -> Browser:
        with across_offices(database, Reason.SIGNING_IN) as session:
            person = session.get_one(Staff, staff.id)
            person.must_change_password = False
            opened = sign_ins.open_for(session, person, address="127.0.0.1")
            session.commit()
        client = app.test_client()
        with client.session_transaction() as cookie:
            cookie["_user_id"], cookie["_fresh"] = opened.token, True
        return Browser(client=client, token=opened.token)

    return signed_in


@pytest.fixture(scope="module")
def clerk(sign_in: Callable[[Staff], Browser], cast: Cast) -> Browser:
    """The northern office's admin."""
    return sign_in(cast.north.people[Role.OFFICE_ADMIN].staff)


@pytest.fixture(scope="module")
def director(sign_in: Callable[[Staff], Browser], cast: Cast) -> Browser:
    """The northern office's director."""
    return sign_in(cast.north.people[Role.DIRECTOR].staff)


@pytest.fixture(scope="module")
def stranger(sign_in: Callable[[Staff], Browser], cast: Cast) -> Browser:
    """The southern office's admin, who sees nothing of the northern."""
    return sign_in(cast.south.people[Role.OFFICE_ADMIN].staff)


@pytest.fixture
def works(app: Flask, database: Database) -> Works:
    """What a worker beside the site works with."""
    return Works(database, app.extensions["wuguan.settings"])


@pytest.fixture
def record(database: Database) -> Callable[[str], list[AuditEntry]]:
    """Return what the record says, by verb, latest first."""

    def entries(verb: str) -> list[AuditEntry]:
        with database.session(Scope.everywhere(), CLOCKWORK) as session:
            found = select(AuditEntry).where(AuditEntry.verb == verb).order_by(AuditEntry.id.desc())
            return list(session.scalars(found))

    return entries
