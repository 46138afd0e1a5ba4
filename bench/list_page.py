"""List pages over a large group: the product's pages beside Flask-Admin's default view of the same table.

The peer is what one writes without us: ``ModelView`` with its default pager and count, an explicit WHERE for the office
in ``get_query`` and ``get_count_query``, no signing in, no permissions, no walls, no layout of its own. Both are asked
through Flask's test client, and both show 50 rows.
"""

from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from typing import Any, Final

from flask import Flask
from flask.testing import FlaskClient
from flask_admin import Admin
from flask_admin.contrib.sqla import ModelView
from flask_babel import Babel
from sqlalchemy import Engine, event, func, select
from sqlalchemy.orm import Session, joinedload, scoped_session, sessionmaker

from admin.app import create_app
from bench.measure import Sizes, compare, race, say
from bench.twins import PlainOwner, PlainOwnership
from bench.unwalled import unwalled_app
from bench.world import World, unguarded_engine
from tenant.db import Database
from tenant.journal import CLOCKWORK
from tenant.models import Company, Office, Owner, Ownership, Posting, Staff
from tenant.rules.terms import PostingLevel, Role
from tenant.scoping import Scope
from tenant.services import sign_ins
from tenant.settings import Settings
from tenant.unscoped import Reason, across_offices

OFFICE: Final = 1
PAGE: Final = 50
PAGE_TARGET: Final = 1.2
"""How many times the unscoped page a list page may cost."""

PAGES: Final = {
    "owners": "/owners/",
    "owners, page 6": "/owners/?page=5",
    "owners, searched": "/owners/?search=光海",
    "ownerships (two joined tables)": "/ownerships/",
}


def run(world: World, sizes: Sizes) -> None:
    """Print, for one office, a company and headquarters, what a list page takes beside Flask-Admin's default."""
    with world.group(sizes) as database:
        engine = unguarded_engine(database.addresses.owner)
        application = create_app(Settings(home=world.folder, secret_key="of the benchmarks"), database)
        people = dict(_hire(database))
        say(f"{sizes.owners:,} owners in {sizes.offices} offices", "", "")
        _queries(database, engine, sizes)
        _walls(world, database, people["one office"][0], sizes.rounds)
        for who, (staff_id, offices) in people.items():
            peer = default_admin(engine, offices).test_client()
            ours = signed_in(application, database, staff_id)
            for name, path in PAGES.items():
                _page(f"{who}: {name}", path, (ours, database.engine), (peer, engine), sizes.rounds)
        engine.dispose()


def _walls(world: World, database: Database, staff_id: int, rounds: int) -> None:
    """Print what both walls add to a whole page of the product: the same page without them, the office in its query."""
    settings = Settings(home=world.folder, secret_key="of the benchmarks")
    bare = unwalled_app(settings, database, OFFICE)
    walled = signed_in(create_app(settings, database), database, staff_id)
    free = signed_in(bare, database, staff_id)
    for name in ("owners", "ownerships (two joined tables)"):
        legs = {"walled": partial(fetched, walled, PAGES[name]), "no wall": partial(fetched, free, PAGES[name])}
        compare(f"page of {name}", race(legs, rounds), "walled", "no wall", target=PAGE_TARGET)
    bare.extensions["wuguan.database"].engine.dispose()


def _page(
    case: str, path: str, ours: tuple[FlaskClient, Engine], peer: tuple[FlaskClient, Engine], rounds: int
) -> None:
    legs = {"ours": partial(fetched, ours[0], path), "default": partial(fetched, peer[0], path)}
    counts = [statements(engine, leg) for engine, leg in zip((ours[1], peer[1]), legs.values(), strict=True)]
    slow = max(max(times) for times in race(legs, 2).values())
    compare(case, race(legs, max(5, min(rounds, int(10 / slow)))), "ours", "default")
    say("", "", f"statements: ours {counts[0]}, default {counts[1]}")


def fetched(client: FlaskClient, path: str) -> None:
    """Open a page; raises unless it is there, with a row in it."""
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    assert b"<td" in answer.data, path


def statements(engine: Engine, act: Callable[[], None]) -> int:
    """Return how many statements ``act`` sends."""
    sent = []

    def count(*_about: object) -> None:
        sent.append(1)

    event.listen(engine, "before_cursor_execute", count)
    act()
    event.remove(engine, "before_cursor_execute", count)
    return len(sent)


def _queries(database: Database, engine: Engine, sizes: Sizes) -> None:
    """Print the cost of the list pages' own queries, behind both walls, beside the same without any."""
    makers: dict[str, Callable[[Any, Any], Any]] = {
        "owners": lambda owner, _: select(owner).order_by(owner.id.desc()).limit(PAGE),
        "ownerships": lambda _, held: (
            select(held).options(joinedload(held.unit), joinedload(held.owner)).order_by(held.id.desc()).limit(PAGE)
        ),
    }
    for offices in ([OFFICE], list(range(1, sizes.company_offices + 1))):
        with database.session(Scope.of(offices), CLOCKWORK) as ours, Session(engine) as plain:
            for name, make in makers.items():
                walled: Any = PlainOwner if name == "owners" else PlainOwnership
                free = make(PlainOwner, PlainOwnership).where(walled.office_id.in_(offices))
                own = make(Owner, Ownership)
                taken = race(
                    {"walled": partial(_all, ours, own), "no wall": partial(_all, plain, free)},
                    max(200, sizes.rounds),
                    warm=12,
                )
                case = f"query of the page of {name}, {len(offices)} office(s)"
                compare(case, taken, "walled", "no wall")


def _all(session: Session, query: Any) -> None:  # noqa: ANN401 - a select of either class
    session.execute(query).all()
    session.expunge_all()


# ---- the people who ask
def _hire(database: Database) -> Iterator[tuple[str, tuple[int, list[int] | None]]]:
    """Yield who asks: their name, their id and the offices they see, None for all."""
    with across_offices(database, Reason.SETTING_UP) as session:
        company = session.get_one(Company, 1)
        offices = list(session.scalars(select(Office.id).where(Office.company_id == company.id)))
        admin, centre, group = (
            Staff(
                login=login,
                name=name,
                email=f"{login}@wuguan.invalid",
                password_hash="none",
                must_change_password=False,
            )
            for login, name in (("north", "林文静"), ("east", "沈国安"), ("group", "许明远"))
        )
        session.add_all([admin, centre, group])
        session.flush()
        since = date(2020, 1, 1)
        here, there, everywhere = PostingLevel.OFFICE, PostingLevel.COMPANY, PostingLevel.GROUP
        session.add_all(
            [
                Posting(staff_id=admin.id, role=Role.OFFICE_ADMIN, level=here, office_id=OFFICE, from_on=since),
                Posting(
                    staff_id=centre.id, role=Role.COMPANY_CENTRE, level=there, company_id=company.id, from_on=since
                ),
                Posting(staff_id=group.id, role=Role.GROUP_CENTRE, level=everywhere, from_on=since),
            ]
        )
        session.commit()
        yield "one office", (admin.id, [OFFICE])
        yield f"{len(offices)} offices", (centre.id, offices)
        yield "headquarters", (group.id, None)


def signed_in(application: Flask, database: Database, staff_id: int) -> FlaskClient:
    """Return a browser that ``staff_id`` has signed in with."""
    with across_offices(database, Reason.SIGNING_IN) as session:
        opened = sign_ins.open_for(session, session.get_one(Staff, staff_id), address="127.0.0.1")
        session.commit()
    client = application.test_client()
    with client.session_transaction() as cookie:
        cookie["_user_id"], cookie["_fresh"] = opened.token, True
    return client


# ---- the peer
class Sessions(scoped_session[Session]):
    """The handle Flask-Admin wants."""

    session = property(lambda self: self)


class OwnerPage(ModelView):
    """Owners, as Flask-Admin shows them by default."""

    page_size = PAGE
    column_list: tuple[str, ...] = ("name", "kind", "phone", "id_number", "email")
    column_searchable_list: tuple[str, ...] = ("name", "phone", "id_number")
    column_filters: tuple[str, ...] = ("name", "kind", "phone")
    column_default_sort = ("id", True)
    offices: list[int] | None = None

    def get_query(self) -> Any:  # noqa: ANN401 - Flask-Admin's
        """Return the rows of the offices."""
        return self._inside(self.session.query(self.model))

    def get_count_query(self) -> Any:  # noqa: ANN401 - Flask-Admin's
        """Return how many there are."""
        return self._inside(self.session.query(func.count("*")).select_from(self.model))

    def _inside(self, query: Any) -> Any:  # noqa: ANN401 - Flask-Admin's
        return query if self.offices is None else query.filter(self.model.office_id.in_(self.offices))


class OwnershipPage(OwnerPage):
    """Ownerships, with the unit's number and the owner's name."""

    column_list = ("unit.number", "owner.name", "share", "is_payer", "from_on", "to_on")
    column_searchable_list = ()
    column_filters = ("is_payer", "from_on", "to_on")


def default_admin(engine: Engine, offices: list[int] | None) -> Flask:
    """Return the peer: a small application with Flask-Admin's own view of the same tables."""
    application = Flask("peer")
    application.secret_key = "of the peer"
    Babel(application, default_locale="zh_Hans_CN")
    sessions = Sessions(sessionmaker(engine))
    application.teardown_request(lambda _error: sessions.remove())
    admin = Admin(application, url="/", name="peer")
    for page, model, path in ((OwnerPage, PlainOwner, "owners"), (OwnershipPage, PlainOwnership, "ownerships")):
        view = page(model, sessions, endpoint=path, url=f"/{path}")
        view.offices = offices
        admin.add_view(view)
    return application
