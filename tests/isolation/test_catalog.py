"""What PostgreSQL itself says of the tables: policies, grants, keys, and nothing that would pass them by."""

import re

import pytest
from sqlalchemy import text

from furnish import GROUP, MODELS, WALLED
from tenant.models import GroupShared
from worlds import World

UNIQUE_WITHOUT_OFFICE = {
    "uq_mail_message_id": "a Message-ID is unique in the world; it is made from a UUID and tells nothing of an office",
    "uq_office_code": "the code names the office itself; only the group gives codes",
}
"""Unique keys of office tables that do not begin with ``office_id``, each with the reason."""

OFFICE_ROLES = ["wuguan_app", "wuguan_office"]
EVERY_RIGHT = {"SELECT", "INSERT", "UPDATE", "DELETE"}
APPEND_ONLY = {"audit_entry", "audit_seal"}
ONE = "({column} = (NULLIF(current_setting('wuguan.offices'::text, true), ''::text))::bigint)"
LIST = "string_to_array(NULLIF(current_setting('wuguan.offices'::text, true), ''::text), ','::text)"
SEVERAL = f"({{column}} = ANY ((SELECT ({LIST})::bigint[] AS string_to_array)::bigint[]))"


def asked(world: World, statement: str, **parameters: object) -> list[tuple]:
    """Return what the catalog answers."""
    with world.owner.connect() as connection:
        return [tuple(row) for row in connection.execute(text(statement), parameters)]


def flat(expression: str | None) -> str:
    """Return an expression as PostgreSQL prints it, on one line."""
    return re.sub(r"\s+", " ", expression or "").replace("( SELECT", "(SELECT")


def policies_of(world: World, table: str) -> dict[str, tuple]:
    """Return a table's policies: name → command, roles, qual, check."""
    rows = asked(
        world,
        "SELECT policyname, cmd, roles::text[], qual, with_check FROM pg_policies WHERE tablename = :table",
        table=table,
    )
    return {row[0]: (row[1], sorted(row[2]), row[3], row[4]) for row in rows}


def rights_of(world: World, role: str, table: str) -> set[str]:
    """Return what ``role`` itself may do with ``table`` as a whole."""
    rows = asked(
        world,
        "SELECT privilege_type FROM information_schema.role_table_grants WHERE grantee = :role AND table_name = :table",
        role=role,
        table=table,
    )
    return {row[0] for row in rows}


def test_the_database_has_exactly_the_tables_of_the_models(both: World):
    found = {row[0] for row in asked(both, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    assert found - {"alembic_version"} == set(MODELS)


@pytest.mark.parametrize("table", MODELS)
def test_row_level_security_is_on_and_forced_on_the_owner_too(both: World, table: str):
    query = (
        "SELECT relrowsecurity, relforcerowsecurity, pg_get_userbyid(relowner) FROM pg_class"
        " WHERE oid = to_regclass('public.' || quote_ident(:table))"
    )
    assert asked(both, query, table=table) == [(True, True, "wuguan_owner")]


@pytest.mark.parametrize("table", WALLED)
def test_an_office_table_lets_the_office_see_its_rows_and_headquarters_all(both: World, table: str):
    found = policies_of(both, table)
    assert found.pop("group_wall") == ("ALL", ["wuguan_hq", "wuguan_owner"], "true", "true")
    for name, role, pattern in (("office_wall", "wuguan_office", ONE), ("offices_wall", "wuguan_app", SEVERAL)):
        inside = pattern.format(column=WALLED[table].wall_column)
        command, roles, qual, check = found.pop(name)
        assert (roles, flat(qual)) == ([role], inside)
        if WALLED[table].kept_by_group:
            assert (command, check) == ("SELECT", None)
        else:
            assert (command, flat(check)) == ("ALL", inside)
    if table == "audit_entry":
        assert found.pop("group_note") == ("INSERT", OFFICE_ROLES, None, "(office_id IS NULL)")
    assert found == {}


@pytest.mark.parametrize("table", GROUP)
def test_a_table_of_the_group_is_closed_to_offices_but_for_what_is_shared(both: World, table: str):
    found = policies_of(both, table)
    assert found.pop("group_wall") == ("ALL", ["wuguan_hq", "wuguan_owner"], "true", "true")
    if issubclass(GROUP[table], GroupShared):
        assert found.pop("office_wall") == ("SELECT", OFFICE_ROLES, "true", None)
    elif table == "staff":
        command, roles, qual, check = found.pop("office_wall")
        assert (command, roles, check) == ("SELECT", OFFICE_ROLES, None)
        assert "posting.staff_id = staff.id" in qual
    assert found == {}


@pytest.mark.parametrize("table", MODELS)
def test_each_role_has_the_rights_it_needs_and_no_more(both: World, table: str):
    append_only = {"SELECT", "INSERT"}
    of_group = append_only if table in APPEND_ONLY else EVERY_RIGHT
    if table in WALLED:
        of_office = {"SELECT"} if WALLED[table].kept_by_group else of_group
    else:
        of_office = {"SELECT"} if issubclass(GROUP[table], GroupShared) else set()
    assert rights_of(both, "wuguan_hq", table) == of_group
    for role in OFFICE_ROLES:
        assert rights_of(both, role, table) == of_office
    assert rights_of(both, "PUBLIC", table) == set()


@pytest.mark.parametrize("role", OFFICE_ROLES)
def test_an_office_reads_a_colleague_but_for_what_signs_in(both: World, role: str):
    rows = asked(
        both,
        "SELECT column_name FROM information_schema.column_privileges"
        " WHERE grantee = :role AND table_name = 'staff' AND privilege_type = 'SELECT'",
        role=role,
    )
    assert {row[0] for row in rows} == {column.name for column in MODELS["staff"].__table__.c} - {"password_hash"}


def test_no_policy_says_or(both: World):
    """This office or headquarters: such a policy made every office's query up to 316 times slower."""
    for table in MODELS:
        for name, (_, _, qual, check) in policies_of(both, table).items():
            assert not re.search(r"\bOR\b", f"{qual} {check}", re.IGNORECASE), (table, name)


def test_the_serving_role_owns_nothing_and_passes_nothing_by(both: World):
    assert asked(
        both,
        "SELECT rolname, rolcanlogin, rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication"
        " FROM pg_roles WHERE rolname ~ '^wuguan_(app|office|hq)$' ORDER BY rolname",
    ) == [("wuguan_app", True, False), ("wuguan_hq", False, False), ("wuguan_office", False, False)]
    assert asked(both, "SELECT rolname FROM pg_roles WHERE rolname = 'wuguan_app' AND rolinherit") == []
    owned = "SELECT relname FROM pg_class WHERE pg_get_userbyid(relowner) ~ '^wuguan_(app|office|hq)$'"
    assert asked(both, owned) == []
    members = "SELECT pg_get_userbyid(roleid) FROM pg_auth_members WHERE pg_get_userbyid(member) = :role ORDER BY 1"
    assert asked(both, members, role="wuguan_app") == [("wuguan_hq",), ("wuguan_office",)]
    assert asked(both, members, role="wuguan_office") == []
    assert asked(both, members, role="wuguan_hq") == []


def test_nothing_stands_beside_the_tables_that_would_pass_the_policies_by(both: World):
    """Views of their owner's rights, materialized views and SECURITY DEFINER functions all leak.

    The one function there is takes nothing, returns nothing, and looks for no name where callers may put one.
    """
    assert asked(both, "SELECT viewname FROM pg_views WHERE schemaname = 'public'") == []
    assert asked(both, "SELECT matviewname FROM pg_matviews") == []
    assert asked(
        both,
        "SELECT proname, pronargs, prorettype::regtype::text, proconfig, pg_get_userbyid(proowner),"
        " has_function_privilege('public', oid, 'EXECUTE')"
        " FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace",
    ) == [("count_grown_tables", 0, "void", ["search_path=pg_catalog, pg_temp"], "wuguan_owner", False)]
    assert asked(both, "SELECT rulename FROM pg_rules WHERE schemaname = 'public'") == []


def test_every_reference_between_office_tables_is_composite_and_nothing_cascades(both: World):
    rows = asked(
        both,
        "SELECT conrelid::regclass::text, confrelid::regclass::text, confdeltype, confupdtype, convalidated,"
        " (SELECT array_agg(attname::text ORDER BY place) FROM unnest(conkey) WITH ORDINALITY AS k(number, place)"
        "  JOIN pg_attribute ON attrelid = conrelid AND attnum = number)"
        " FROM pg_constraint WHERE contype = 'f'",
    )
    assert len(rows) > len(WALLED)
    for table, target, on_delete, on_update, validated, columns in rows:
        assert (on_delete, on_update, validated) == ("a", "a", True), (table, target)
        if table in WALLED and target in WALLED and target != "office":
            assert columns[0] == "office_id", (table, columns)
            assert len(columns) == 2, (table, columns)


def test_a_composite_reference_with_an_optional_office_is_never_half_empty(both: World):
    """With a NULL in it a composite key is not checked at all."""
    for table, model in WALLED.items():
        if not model.__table__.c[model.wall_column].nullable:
            continue
        for column in model.__table__.c:
            if "office_ref" in column.info:
                rows = asked(
                    both,
                    "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'c' AND conname = :name",
                    name=f"ck_{table}_{column.name}_has_an_office",
                )
                assert rows == [(f"CHECK ((({column.name} IS NULL) OR (office_id IS NOT NULL)))",)]


def test_unique_keys_of_office_tables_begin_with_the_office(both: World):
    """A key that does not would answer whether another office has a row with this value."""
    rows = asked(
        both,
        "SELECT indrelid::regclass::text, indexrelid::regclass::text, coalesce(attname, '') FROM pg_index"
        " LEFT JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]"
        " WHERE indisunique AND NOT indisprimary AND indrelid::regclass::text = ANY (:tables)",
        tables=list(WALLED),
    )
    without = {index for _, index, first in rows if first != "office_id"}
    assert without == set(UNIQUE_WITHOUT_OFFICE)


def test_every_office_table_requires_its_office_but_for_those_that_say_so(both: World):
    rows = asked(
        both,
        "SELECT table_name FROM information_schema.columns"
        " WHERE column_name = 'office_id' AND is_nullable = 'YES' AND table_schema = 'public'",
    )
    assert {row[0] for row in rows} == {
        name for name, model in WALLED.items() if model.__table__.c[model.wall_column].nullable
    }
