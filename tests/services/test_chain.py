"""The chain over the record: whatever is altered afterwards is found, and what is not is not accused."""

import threading
from contextlib import contextmanager
from itertools import count

import pytest
from sqlalchemy import create_engine, delete, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from audit import chain
from audit.models import AuditEntry, AuditSeal
from cast import Cast
from tenant.db import Database
from tenant.journal import CLOCKWORK
from tenant.models import Owner
from tenant.scoping import Scope
from worlds import World, built, copied, plain

_numbers = count(1)


@pytest.fixture(scope="module")
def world(server, template):
    """A world of this module's own."""
    with copied(server, template) as addresses, built(addresses, furnished=False) as made:
        note(made.database, made.cast, "甲", "乙", "丙")
        yield made


@pytest.fixture
def sealed(world):
    """The world with every entry sealed, in three chains: north, south, the group."""
    seal(world.database)
    assert verify(world.database).ok
    return world


def note(database: Database, cast: Cast, *notes: str) -> None:
    """Change an owner of the northern office once for each of ``notes``."""
    for words in notes:
        with database.session(cast.north.scope(), CLOCKWORK) as session:
            session.get(Owner, cast.north.owner.id).note = f"{words} {next(_numbers)}"
            session.commit()


def seal(database: Database) -> int:
    with database.session(Scope.everywhere(), CLOCKWORK) as session:
        sealed = chain.seal(session)
        session.commit()
        return sealed


def verify(database: Database, known=None) -> chain.Verification:
    with database.session(Scope.everywhere(), CLOCKWORK) as session:
        return chain.verify(session, known)


@contextmanager
def tampered(world: World, *statements: str):
    """Run ``statements`` as a superuser who has switched every trigger off; what was done is undone at the end."""
    with world.owner.connect() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        for table in ("audit_entry", "audit_seal"):
            connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
        for statement in statements:
            connection.execute(text(statement))
        with Session(bind=connection, join_transaction_mode="rollback_only") as session:
            yield session
        connection.rollback()


def found_after(world: World, *statements: str, known=None) -> chain.Verification:
    """Return what a verification says after ``statements``."""
    with tampered(world, *statements) as session:
        return chain.verify(session, known)


def middle(world: World) -> int:
    """Return the id of an entry in the middle of the northern chain."""
    with world.owner.connect() as connection:
        rows = connection.execute(
            text("SELECT entry_id FROM audit_seal WHERE chain = :chain ORDER BY position"),
            {"chain": world.cast.north.id},
        )
        found = list(rows.scalars())
        return found[len(found) // 2]


def test_a_whole_record_is_found_whole(sealed: World):
    found = verify(sealed.database)
    assert found.ok
    assert found.first_bad is None
    assert found.entries == found.sealed
    assert set(found.heads) == {0, sealed.cast.north.id, sealed.cast.south.id}


def test_sealing_again_seals_nothing(sealed: World):
    assert seal(sealed.database) == 0
    note(sealed.database, sealed.cast, "丁")
    assert seal(sealed.database) == 1
    assert verify(sealed.database).ok


def test_entries_not_sealed_yet_are_counted_and_not_accused(sealed: World):
    note(sealed.database, sealed.cast, "丁", "戊")
    found = verify(sealed.database)
    assert found.ok
    assert found.entries == found.sealed + 2


COLUMNS = {
    "at": "at + interval '1 second'",
    "actor_name": "'冒名'",
    "actor_id": "4711",
    "actor_kind": "'command'",
    "verb": "'owner.delete'",
    "subject_kind": "'unit'",
    "subject_id": "subject_id + 1",
    "office_id": "NULL",
    "before": """'{"note": "假"}'""",
    "after": """'{"note": "假"}'""",
    "reason": "'更正'",
    "request_id": "'r-0'",
    "address": "'203.0.113.9'",
    "created_at": "created_at - interval '1 day'",
    "xid": "xid + 1",
}


def test_every_column_of_an_entry_is_under_the_seal():
    assert set(COLUMNS) | {"id"} == {column.name for column in AuditEntry.__table__.c}


@pytest.mark.parametrize("column", COLUMNS)
def test_an_edited_entry_is_found(sealed: World, column: str):
    entry = middle(sealed)
    found = found_after(sealed, f"UPDATE audit_entry SET {column} = {COLUMNS[column]} WHERE id = {entry}")
    assert not found.ok
    assert found.first_bad == entry
    assert found.fault.kind == "altered"


def test_a_deleted_entry_is_found(sealed: World):
    entry = middle(sealed)
    found = found_after(sealed, f"DELETE FROM audit_entry WHERE id = {entry}")
    assert (found.ok, found.first_bad, found.fault.kind) == (False, entry, "missing")


def test_a_deleted_entry_is_found_when_its_seal_goes_with_it(sealed: World):
    entry = middle(sealed)
    found = found_after(
        sealed, f"DELETE FROM audit_entry WHERE id = {entry}", f"DELETE FROM audit_seal WHERE entry_id = {entry}"
    )
    assert (found.ok, found.fault.kind) == (False, "gap")


def test_a_closed_gap_is_found(sealed: World):
    entry, north = middle(sealed), sealed.cast.north.id
    found = found_after(
        sealed,
        "ALTER TABLE audit_seal DROP CONSTRAINT ck_audit_seal_position_counts_from_one",
        f"DELETE FROM audit_entry WHERE id = {entry}",
        f"DELETE FROM audit_seal WHERE entry_id = {entry}",
        f"UPDATE audit_seal SET position = -position WHERE chain = {north} AND entry_id > {entry}",
        f"UPDATE audit_seal SET position = -position - 1 WHERE chain = {north} AND position < 0",
    )
    assert (found.ok, found.fault.kind) == (False, "altered")


def test_two_swapped_entries_are_found(sealed: World):
    entry = middle(sealed)
    with sealed.owner.connect() as connection:
        following = connection.execute(
            text("SELECT min(entry_id) FROM audit_seal WHERE chain = :chain AND entry_id > :entry"),
            {"chain": sealed.cast.north.id, "entry": entry},
        ).scalar_one()
    found = found_after(
        sealed,
        "ALTER TABLE audit_entry DROP CONSTRAINT pk_audit_entry",
        "ALTER TABLE audit_entry DROP CONSTRAINT uq_audit_entry_office_id_id",
        f"UPDATE audit_entry SET id = {entry} + {following} - id WHERE id IN ({entry}, {following})",
    )
    assert found.first_bad == entry


def test_an_entry_slipped_in_among_the_old_ones_is_found(sealed: World):
    entry = middle(sealed)
    found = found_after(
        sealed,
        "INSERT INTO audit_entry (office_id, at, actor_kind, actor_name, verb, xid)"
        f" SELECT office_id, at, actor_kind, actor_name, 'owner.update', xid FROM audit_entry WHERE id = {entry}",
    )
    assert (found.ok, found.fault.kind) == (False, "slipped_in")


def test_a_forged_seal_is_found(sealed: World):
    north = sealed.cast.north.id
    note(sealed.database, sealed.cast, "丁")
    found = found_after(
        sealed,
        "INSERT INTO audit_seal (chain, position, entry_id, xid, digest)"
        f" SELECT {north}, (SELECT max(position) + 1 FROM audit_seal WHERE chain = {north}),"
        " max(id), max(xid), repeat('0', 64) FROM audit_entry",
    )
    assert found.fault.kind == "altered"


def test_a_cut_tail_is_found_by_a_head_kept_elsewhere(sealed: World):
    kept = dict(verify(sealed.database).heads)
    north = sealed.cast.north.id
    cut = (
        f"DELETE FROM audit_entry WHERE id = (SELECT max(entry_id) FROM audit_seal WHERE chain = {north})",
        "DELETE FROM audit_seal WHERE NOT EXISTS (SELECT FROM audit_entry WHERE id = entry_id)",
    )
    assert found_after(sealed, *cut).ok, "a chain does not show by itself that it was cut"
    found = found_after(sealed, *cut, known=kept)
    assert (found.ok, found.fault.kind, found.fault.office_id) == (False, "rewritten", north)


def test_a_chain_written_anew_is_found_by_a_head_kept_elsewhere(sealed: World):
    kept = dict(verify(sealed.database).heads)
    forged = (f"UPDATE audit_entry SET reason = '假' WHERE id = {middle(sealed)}", "DELETE FROM audit_seal")
    with tampered(sealed, *forged) as session:
        assert chain.seal(session) > 0
        assert chain.verify(session).ok
        assert not chain.verify(session, kept).ok


def test_a_head_kept_elsewhere_stays_good_while_the_chain_grows(sealed: World):
    kept = dict(verify(sealed.database).heads)
    note(sealed.database, sealed.cast, "丁", "戊")
    seal(sealed.database)
    assert verify(sealed.database, kept).ok


def test_entries_are_sealed_when_no_older_transaction_runs_any_more(sealed: World):
    """An entry of a transaction that began earlier may still appear: nothing younger may be sealed before it."""
    north = sealed.cast.north
    with sealed.database.session(north.scope(), CLOCKWORK) as slow:
        slow.get(Owner, north.owner.id).note = "慢"
        slow.flush()
        other = sealed.cast.south
        with sealed.database.session(other.scope(), CLOCKWORK) as quick:
            quick.get(Owner, other.owner.id).note = "快"
            quick.commit()
        assert seal(sealed.database) == 0
        slow.commit()
    assert seal(sealed.database) == 2
    assert verify(sealed.database).ok
    with sealed.database.session(Scope.everywhere(), CLOCKWORK) as session:
        order = session.scalars(select(AuditSeal.xid).order_by(AuditSeal.id)).all()
    assert order == sorted(order)


def test_a_rolled_back_change_is_never_sealed(sealed: World):
    north = sealed.cast.north
    with sealed.database.session(north.scope(), CLOCKWORK) as session:
        session.get(Owner, north.owner.id).note = "反悔"
        session.flush()
        session.rollback()
    assert seal(sealed.database) == 0


def test_two_who_seal_at_once_make_one_chain(sealed: World):
    note(sealed.database, sealed.cast, *"一二三四五六七八")
    counts = []
    threads = [threading.Thread(target=lambda: counts.append(seal(sealed.database))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == 8
    assert verify(sealed.database).ok


def test_sealing_goes_on_after_a_restore_into_a_younger_server(sealed: World):
    """There transaction numbers begin anew: the old ones lie in the future, and are over all the same."""
    note(sealed.database, sealed.cast, "丁")
    restored = (
        "CREATE TEMPORARY TABLE young ON COMMIT DROP AS SELECT max(id) AS id FROM audit_entry",
        "UPDATE audit_entry SET xid = xid + 1000000000 WHERE id NOT IN (SELECT id FROM young)",
        "DELETE FROM audit_seal",
    )
    with tampered(sealed, *restored) as session:
        assert chain.seal(session) > 0
        assert chain.verify(session).ok
        assert chain.seal(session) == 0
        verification = chain.verify(session)
    assert verification.entries == verification.sealed


@pytest.mark.parametrize("table", ["audit_entry", "audit_seal"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET xid = xid", "DELETE FROM {}", "TRUNCATE {}"])
@pytest.mark.parametrize("role", ["wuguan_app", "wuguan_office", "wuguan_hq", "wuguan_owner", "postgres"])
def test_no_role_changes_or_removes_a_row_of_the_record(sealed: World, role: str, statement: str, table: str):
    """The serving roles have not the right; the owner and the superuser are stopped by the trigger."""
    for replica in (False, True):
        with sealed.owner.connect() as connection:
            if replica:
                connection.execute(text("SET session_replication_role = replica"))
            connection.execute(text(f"SET ROLE {role}"))
            connection.execute(
                text("SELECT set_config('wuguan.offices', :id, true)"), {"id": str(sealed.cast.north.id)}
            )
            with pytest.raises(DBAPIError, match=r"permission denied|append-only"):
                connection.execute(text(statement.format(table)))


def test_an_office_does_not_seal(sealed: World):
    engine = create_engine(sealed.database.addresses.app)
    with plain(engine)(sealed.cast.north.scope()) as session, pytest.raises(DBAPIError, match="permission denied"):
        session.execute(
            AuditSeal.__table__.insert(),
            [{"chain": 1, "position": 10_000, "entry_id": 1, "xid": 1, "digest": "0" * 64}],
        )
    engine.dispose()


def test_the_sessions_of_the_program_do_not_change_the_record_either(sealed: World):
    for scope in (sealed.cast.north.scope(), Scope.everywhere()):
        for statement in (update(AuditEntry).values(reason="假"), delete(AuditEntry)):
            with sealed.database.session(scope, CLOCKWORK) as session, pytest.raises(Exception, match="unit of work"):
                session.execute(statement)
