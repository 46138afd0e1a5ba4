"""No scope, no statement; what a session told the database is gone with its transaction."""

from pathlib import Path

import pytest
from sqlalchemy import ARRAY, BigInteger, any_, bindparam, func, select, text
from sqlalchemy.orm import Session

from audit.capture import Capture
from audit.models import AuditEntry
from shapes import saw
from tenant.db import Database
from tenant.errors import ScopeMissing, WallBreach
from tenant.journal import CLOCKWORK, because
from tenant.models import Company, Owner, Unit
from tenant.scoping import SESSION, Scope, scope_of
from tenant.unscoped import Reason, across_offices
from worlds import World

SETTINGS = "SELECT current_user, coalesce(current_setting('wuguan.offices', true), '')"

MAY_PASS = {
    "audit/capture.py": "writes the record in the flush that it records",
    "audit/chain.py": "seals entries of all offices in headquarters' session",
    "tasks/schedule.py": "moves the timetable on by name; what a slot does is recorded under its own name",
    "tenant/db.py": "asks the server for its version before there is a session",
    "tenant/journal.py": "holds the one audited bulk helper",
    "tenant/scoping.py": "makes the permit, and gives it to refreshes of rows that were checked",
    "tenant/services/beats.py": "writes over the one row of a process with each beat, by its name",
    "tenant/services/billing.py": "drops the lines of a preview, by office and run; charges are what is recorded",
    "tenant/services/clockwork.py": "plans, claims and settles rows of the machinery by key",
    "tenant/services/mail_turns.py": "puts mails off by key, and takes a domain's next slot",
    "tenant/services/jobs.py": "takes jobs up, notes their progress and gives them back by key and token",
    "tenant/services/mails.py": "queues and claims mails by key, and empties those whose time is over",
}
"""The modules that let a statement pass the cursor check, each with the reason."""


@pytest.fixture
def one_connection(both: World):
    """The world's database with a pool of a single connection, so that everybody gets the one just used."""
    database = Database(both.database.addresses, Capture(), pool_size=1)
    database.engine.pool._max_overflow = 0
    yield database
    database.engine.dispose()


@pytest.mark.parametrize("end", ["commit", "rollback", "close"])
@pytest.mark.parametrize("reach", ["office", "offices", "everywhere"])
def test_a_pooled_connection_keeps_nothing_of_the_last_session(one_connection, both: World, end: str, reach: str):
    north, south = both.cast.north.id, both.cast.south.id
    scope = {"office": Scope.of([north]), "offices": Scope.of([north, south]), "everywhere": Scope.everywhere()}[reach]
    with one_connection.session(scope, CLOCKWORK) as session:
        assert session.scalars(select(Unit)).all()
        getattr(session, end)()
    with one_connection.engine.connect() as connection:
        assert SESSION not in connection.info
        cursor = connection.connection.cursor()
        assert cursor.execute(SETTINGS).fetchone() == ("wuguan_app", "")
        assert cursor.execute("SELECT count(*) FROM unit").fetchone() == (0,)


def test_a_session_that_committed_tells_the_database_again(one_connection, both: World):
    with one_connection.session(both.cast.north.scope(), CLOCKWORK) as session:
        assert session.scalar(select(func.count(Unit.id))) == len(both.own("unit", both.cast.north.id))
        session.commit()
        assert session.scalar(select(func.count(Unit.id))) == len(both.own("unit", both.cast.north.id))
        with session.begin_nested():
            assert session.scalar(select(func.count(Unit.id))) == len(both.own("unit", both.cast.north.id))
        session.rollback()
        assert session.scalar(select(func.count(Unit.id))) == len(both.own("unit", both.cast.north.id))


def test_a_statement_outside_a_session_is_an_error(both: World):
    for statement in (select(Company), select(func.count()).select_from(Unit), select(1)):
        with both.database.engine.connect() as connection, pytest.raises(ScopeMissing):
            connection.execute(statement)


def test_a_connection_that_served_a_session_is_outside_one_again(one_connection, both: World):
    with one_connection.session(both.cast.north.scope(), CLOCKWORK) as session:
        session.scalars(select(Unit)).all()
    with one_connection.engine.connect() as connection, pytest.raises(ScopeMissing):
        connection.execute(select(1))


def test_a_session_of_another_kind_has_no_scope_and_is_an_error(both: World):
    with Session(both.database.engine) as session:
        with pytest.raises(ScopeMissing):
            scope_of(session)
        with pytest.raises(ScopeMissing):
            session.scalars(select(Unit)).all()


def test_a_session_whose_scope_was_taken_away_is_an_error(both: World):
    with both.open(both.cast.north.scope()) as session:
        session.info["scope"] = None
        with pytest.raises(ScopeMissing):
            session.scalars(select(Unit)).all()


def test_a_text_is_refused_even_where_it_names_no_table(both: World):
    for scope in (both.cast.north.scope(), Scope.everywhere()):
        for statement in (text("SELECT 1"), text("SET ROLE wuguan_hq"), text("LOCK TABLE unit")):
            with both.open(scope) as session, pytest.raises(WallBreach):
                session.execute(statement)


def test_a_criterion_that_only_looks_like_ours_is_refused(both: World):
    north, south = both.cast.north, both.cast.south
    table = Unit.__table__
    for forged in (
        table.c.office_id == any_(bindparam("wall_1", [south.id], ARRAY(BigInteger))),
        table.c.office_id == bindparam("wall_1", south.id, BigInteger),
    ):
        with both.open(north.scope()) as session, pytest.raises(WallBreach, match="other offices"):
            session.execute(select(table.c.id).where(forged))


def test_what_crosses_the_wall_for_a_recorded_reason_leaves_an_entry(both: World):
    crossings = select(AuditEntry).where(AuditEntry.verb == "wall.crossed").order_by(AuditEntry.id.desc())
    for reason in Reason:
        with both.open(Scope.everywhere()) as session:
            before = len(session.scalars(crossings).all())
        with across_offices(both.database, reason) as session:
            assert session.scalar(select(func.count(Unit.id))) == len(both.all("unit"))
            session.commit()
        with both.open(Scope.everywhere()) as session:
            entries = session.scalars(crossings).all()
            assert len(entries) - before == reason.recorded
            if reason.recorded:
                assert entries[0].reason == reason.code
                assert entries[0].actor_name == CLOCKWORK.name


def test_the_reason_of_a_crossing_stands_in_each_entry_it_makes(workshop: World):
    with across_offices(workshop.database, Reason.SETTING_UP) as session:
        session.add(Company(code="NEW", name="新公司"))
        session.commit()
        entry = session.scalars(
            select(AuditEntry).where(AuditEntry.verb == "company.create").order_by(-AuditEntry.id)
        ).first()
        assert entry.reason == Reason.SETTING_UP.code


def test_a_reason_given_for_a_change_ends_with_its_transaction(workshop: World):
    north = workshop.cast.north
    with workshop.open(north.scope()) as session:
        owner = session.get(Owner, north.owner.id)
        because(session, "更正")
        owner.note = "甲"
        session.commit()
        owner.note = "乙"
        session.commit()
        because(session, "撤回")
        owner.note = "不作数"
        session.flush()
        session.rollback()
        owner.note = "丙"
        session.commit()
        reasons = session.scalars(
            select(AuditEntry.reason).where(AuditEntry.verb == "owner.update").order_by(AuditEntry.id)
        ).all()
        assert reasons == ["更正", None, None]


def test_a_scope_narrows_to_its_own_offices_only(both: World):
    north, south = both.cast.north.id, both.cast.south.id
    assert Scope.of([north, south]).narrowed_to(north) == Scope.of([north])
    assert Scope.everywhere().narrowed_to(south) == Scope.of([south])
    with pytest.raises(WallBreach):
        Scope.of([north]).narrowed_to(south)
    assert not Scope.of([north]).holds(None)


def test_a_query_of_an_open_session_is_refused_on_foreign_rows_after_its_first(both: World):
    """The same session asks often: the criterion stands in the tenth statement as in the first."""
    with both.open(both.cast.north.scope()) as session:
        for _ in range(10):
            assert saw(session, "plain_rows", Unit) == both.own("unit", both.cast.north.id)


def test_only_the_named_modules_let_a_statement_pass():
    root = Path(__file__).parents[2]
    found = {
        str(path.relative_to(root))
        for package in ("tenant", "audit", "importers", "tasks", "admin")
        for path in (root / package).rglob("*.py")
        if "PERMIT" in path.read_text() or "wall_permit" in path.read_text()
    }
    assert found == set(MAY_PASS)
