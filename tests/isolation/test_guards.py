"""Each guard of the wall is needed: switched off alone, one of the wall's own checks says what has come open.

A guard that can be removed without a check failing is either useless or unproven; both are found here.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from sqlalchemy import event

from furnish import MODELS
from guard_checks import (
    Check,
    bare_driver_sql,
    bare_text,
    bulk_foreign,
    bulk_move,
    foreign_attach,
    foreign_insert,
    foreign_reference,
    forged_criterion,
    group_stays_closed,
    group_write,
    half_empty_reference,
    left_behind,
    nameless_load,
    office_move,
    owner_is_bound,
    permitted_load,
    reads,
    record_closed_to_the_serving_role,
    record_stands,
    refuses,
    rows_alone,
    rows_alone_unscoped,
    schema_statement,
    scopeless,
    stops,
)
from tenant import embedded, journal, row_security, scoping
from tenant.models import Unit
from tenant.scoping import SESSION, Scope, ScopedSession
from worlds import World, built, copied

Mutation = Callable[[World], AbstractContextManager[None]]
NEVER = re.compile(r"(?!)")


@pytest.fixture(scope="module")
def workshop(server: embedded.EmbeddedServer, template: str) -> Iterator[World]:
    """One world for all mutations: each puts back what it took away."""
    with copied(server, template) as addresses, built(addresses) as world:
        yield world


@pytest.fixture(scope="module")
def roofless(server: embedded.EmbeddedServer, template: str) -> Iterator[World]:
    """The same without row-level security: what the session's guards hold back here is held by them alone."""
    with copied(server, template) as addresses, built(addresses) as world:
        for table in MODELS:
            world.statement(f'ALTER TABLE "{table}" DISABLE ROW LEVEL SECURITY')
        yield world


# ---- switching off
def without_listener(target: Callable[[World], object], name: str, function: Callable[..., object]) -> Mutation:
    """Return what takes a listener away and puts it back."""

    @contextmanager
    def off(world: World) -> Iterator[None]:
        event.remove(target(world), name, function)
        try:
            yield
        finally:
            event.listen(target(world), name, function)

    return off


def replaced(owner: object, name: str, value: object) -> Mutation:
    """Return what puts ``value`` in the place of a guard for a while."""

    @contextmanager
    def off(_world: World) -> Iterator[None]:
        kept = getattr(owner, name)
        setattr(owner, name, value)
        scoping.shape_of.cache_clear()
        try:
            yield
        finally:
            setattr(owner, name, kept)
            scoping.shape_of.cache_clear()

    return off


def altered(*statements: str, back: tuple[str, ...]) -> Mutation:
    """Return what alters the schema as the superuser, and alters it back."""

    @contextmanager
    def off(world: World) -> Iterator[None]:
        for statement in statements:
            world.statement(statement)
        try:
            yield
        finally:
            for statement in back:
                world.statement(statement)

    return off


def told_for_ever(session: ScopedSession, _transaction: object, connection: object) -> None:
    """State the scope as one would without knowing of pools: for the connection, not for the transaction."""
    connection.info[SESSION] = session
    offices = ",".join(str(office_id) for office_id in session.info["scope"].office_ids)
    connection.connection.cursor().execute("SELECT set_config('wuguan.offices', %s, false)", (offices,))


@contextmanager
def settings_of_the_connection(world: World) -> Iterator[None]:
    """Leave the settings on the connection."""
    event.remove(ScopedSession, "after_begin", scoping._tell_the_database)
    event.listen(ScopedSession, "after_begin", told_for_ever)
    try:
        yield
    finally:
        event.remove(ScopedSession, "after_begin", told_for_ever)
        event.listen(ScopedSession, "after_begin", scoping._tell_the_database)
        world.database.engine.dispose()


class Anywhere(Scope):
    """A scope that holds everything."""

    def require(self, office_id: int | None) -> None:
        """Refuse nothing."""


def engine_of(world: World) -> object:
    return world.database.engine


def sessions(_world: World) -> object:
    return ScopedSession


POLICY = next(s for s in row_security.wall("unit", Unit) if "office_wall" in s)
SESSION_GUARDS: dict[str, tuple[Mutation, Check]] = {
    "the criterion on reads": (
        without_listener(sessions, "do_orm_execute", scoping._scope_reads),
        reads("plain_rows"),
    ),
    "the check of the statement's tables": (replaced(scoping, "_unscoped", lambda *_: ()), refuses("core_select")),
    "the check of text among tables": (replaced(scoping, "_unscoped", lambda *_: ()), refuses("text_in_from")),
    "the check of the criterion's offices": (
        replaced(scoping, "_require_own_wall", lambda *_: None),
        forged_criterion,
    ),
    "the refusal of comments": (replaced(scoping, "HIDING", NEVER), refuses("table_behind_a_comment")),
    "the refusal of full joins": (replaced(scoping, "HIDING", NEVER), refuses("full_join")),
    "the refusal of another scope for the database": (replaced(scoping, "HIDING", NEVER), stops("another_role")),
    "the list of what may begin a statement": (replaced(scoping, "READS", ("",)), schema_statement),
    "the refusal of driver SQL": (replaced(scoping, "_is_the_drivers", lambda _: False), bare_driver_sql),
    "the refusal of text": (without_listener(engine_of, "before_execute", scoping._refuse_text), bare_text),
    "the cursor check as a whole": (
        without_listener(engine_of, "before_cursor_execute", scoping._check_cursor),
        refuses("core_count"),
    ),
    "the refusal of changes outside a flush": (replaced(scoping, "_is_flushing", lambda _: True), stops("update")),
    "the refusal of bulk inserts": (replaced(scoping, "_is_flushing", lambda _: True), stops("bulk_insert")),
    "the search for changes inside a read": (replaced(scoping, "CHANGES", NEVER), stops("update_in_common_table")),
    "the check of rows at flush": (
        without_listener(sessions, "before_flush", scoping._guard_changes),
        foreign_insert,
    ),
    "the check that a row keeps its office": (
        replaced(scoping, "_require_its_office", lambda _: None),
        office_move,
    ),
    "the check that rows of the group are left alone": (
        replaced(scoping, "_is_the_groups", lambda _: False),
        group_write,
    ),
    "the check of attached rows": (
        without_listener(sessions, "before_attach", scoping._check_attached),
        foreign_attach,
    ),
    "the check of loaded rows": (replaced(scoping, "_require_loaded", lambda *_: None), permitted_load),
    "the check of rows without their office": (
        replaced(scoping, "_require_loaded", lambda *_: None),
        nameless_load,
    ),
    "the scope of the session": (
        replaced(scoping, "scope_of", lambda session: session.info["scope"] or Scope.everywhere()),
        scopeless,
    ),
    "the bulk helper's check of rows": (
        replaced(journal, "scope_of", lambda _: Anywhere.everywhere()),
        bulk_foreign,
    ),
    "the bulk helper's fixed columns": (replaced(journal, "FIXED", frozenset()), bulk_move),
}

ROW_GUARDS: dict[str, tuple[Mutation, Check]] = {
    "row-level security": (
        altered("ALTER TABLE unit DISABLE ROW LEVEL SECURITY", back=("ALTER TABLE unit ENABLE ROW LEVEL SECURITY",)),
        rows_alone,
    ),
    "row-level security where nothing was told": (
        altered("ALTER TABLE unit DISABLE ROW LEVEL SECURITY", back=("ALTER TABLE unit ENABLE ROW LEVEL SECURITY",)),
        rows_alone_unscoped,
    ),
    "row-level security on the owner": (
        altered("ALTER TABLE unit NO FORCE ROW LEVEL SECURITY", back=("ALTER TABLE unit FORCE ROW LEVEL SECURITY",)),
        owner_is_bound,
    ),
    "the policy of one office": (
        altered("ALTER POLICY office_wall ON unit USING (true)", back=("DROP POLICY office_wall ON unit", POLICY)),
        rows_alone,
    ),
    "the policy of several offices": (
        altered("CREATE POLICY hole ON unit TO wuguan_app USING (true)", back=("DROP POLICY hole ON unit",)),
        rows_alone,
    ),
    "the grants of the group's tables": (
        altered(
            "GRANT SELECT ON beat TO wuguan_office",
            "CREATE POLICY hole ON beat TO wuguan_office USING (true)",
            back=("DROP POLICY hole ON beat", "REVOKE SELECT ON beat FROM wuguan_office"),
        ),
        group_stays_closed,
    ),
    "telling the database": (
        without_listener(sessions, "after_begin", scoping._tell_the_database),
        reads("plain_rows"),
    ),
    "telling it for the transaction only": (settings_of_the_connection, left_behind),
    "forgetting the session with its connection": (
        without_listener(engine_of, "checkin", scoping._forget_session),
        left_behind,
    ),
    "the composite key": (
        altered(
            "ALTER TABLE ticket DROP CONSTRAINT fk_ticket_office_id_unit_id",
            "ALTER TABLE ticket ADD CONSTRAINT fk_plain FOREIGN KEY (unit_id) REFERENCES unit (id)",
            back=(
                "ALTER TABLE ticket DROP CONSTRAINT fk_plain",
                (
                    "ALTER TABLE ticket ADD CONSTRAINT fk_ticket_office_id_unit_id"
                    " FOREIGN KEY (office_id, unit_id) REFERENCES unit (office_id, id)"
                ),
            ),
        ),
        foreign_reference,
    ),
    "the check of half-empty keys": (
        altered(
            "ALTER TABLE posting DROP CONSTRAINT ck_posting_department_id_has_an_office",
            back=(
                (
                    "ALTER TABLE posting ADD CONSTRAINT ck_posting_department_id_has_an_office"
                    " CHECK (department_id IS NULL OR office_id IS NOT NULL)"
                ),
            ),
        ),
        half_empty_reference,
    ),
    "the trigger on the record": (
        altered(
            "ALTER TABLE audit_entry DISABLE TRIGGER append_only",
            back=("ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER append_only",),
        ),
        record_stands,
    ),
    "the trigger's ALWAYS": (
        altered(
            "ALTER TABLE audit_entry ENABLE TRIGGER append_only",
            back=("ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER append_only",),
        ),
        record_stands,
    ),
    "the grants on the record": (
        altered("GRANT UPDATE ON audit_entry TO wuguan_hq", back=("REVOKE UPDATE ON audit_entry FROM wuguan_hq",)),
        record_closed_to_the_serving_role,
    ),
}


def needed(world: World, mutation: Mutation, check: Check) -> None:
    """Show that ``check`` is content with the guard, complains without it, and is content again."""
    assert check(world) == []
    with mutation(world):
        assert check(world) != [], "nothing noticed that the guard was gone"
    assert check(world) == []


@pytest.mark.parametrize("guard", SESSION_GUARDS)
def test_a_guard_of_the_session_is_missed_when_it_is_gone(roofless: World, guard: str):
    needed(roofless, *SESSION_GUARDS[guard])


@pytest.mark.parametrize("guard", ROW_GUARDS)
def test_a_guard_of_the_rows_is_missed_when_it_is_gone(workshop: World, guard: str):
    needed(workshop, *ROW_GUARDS[guard])
