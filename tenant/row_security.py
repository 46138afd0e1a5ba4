"""The second wall, as SQL: which rows each database role may see and write, table by table.

Migrations call :func:`wall` for every new table.
A policy never says "this office or headquarters": an OR costs every office its indexes. Headquarters has a role and a
policy of its own; and so has the usual case, a session of one office. There ``=`` tells the planner what ``ANY`` of a
list does not: that an index beginning with the office gives its rows in order. At a million rows in 200 offices a page
of 20 joined rows took 40 times as long without (``python -m bench plans``).
"""

from collections.abc import Iterator

from tenant.models.base import Base, GroupOnly, GroupShared, Walled

STATED = "nullif(current_setting('wuguan.offices', true), '')"
ONE_OFFICE = f"{STATED}::bigint"
OFFICES = f"(SELECT string_to_array({STATED}, ',')::bigint[])::bigint[]"
"""A sub-select, so that the list is read once for a statement and not once for a row."""
OFFICE_ROLES = "wuguan_app, wuguan_office"
EVERY_RIGHT = "SELECT, INSERT, UPDATE, DELETE"


def wall(table: str, kind: type[Base], *, column: str = "office_id", kept_by_group: bool = False) -> Iterator[str]:
    """Yield the statements that put ``table`` behind the wall for the side ``kind`` stands on.

    ``kind`` is one of the four bases of :mod:`tenant.models.base`; ``column`` is the one the wall runs along;
    ``kept_by_group`` lets offices read their rows and not write them.
    """
    yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
    yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"
    yield f"CREATE POLICY group_wall ON {table} TO wuguan_hq, wuguan_owner USING (true) WITH CHECK (true)"
    yield f"GRANT {EVERY_RIGHT} ON {table} TO wuguan_hq"
    if issubclass(kind, Walled):
        for name, role, inside in (
            ("office_wall", "wuguan_office", f"{column} = {ONE_OFFICE}"),
            ("offices_wall", "wuguan_app", f"{column} = ANY ({OFFICES})"),
        ):
            if kept_by_group:
                yield f"CREATE POLICY {name} ON {table} FOR SELECT TO {role} USING ({inside})"
            else:
                yield f"CREATE POLICY {name} ON {table} TO {role} USING ({inside}) WITH CHECK ({inside})"
        yield f"GRANT {'SELECT' if kept_by_group else EVERY_RIGHT} ON {table} TO {OFFICE_ROLES}"
    elif issubclass(kind, GroupShared):
        yield f"CREATE POLICY office_wall ON {table} FOR SELECT TO {OFFICE_ROLES} USING (true)"
        yield f"GRANT SELECT ON {table} TO {OFFICE_ROLES}"
    elif not issubclass(kind, GroupOnly):
        message = f"{kind.__name__} stands on no side of the wall"
        raise TypeError(message)


def colleagues_only(table: str) -> Iterator[str]:
    """Yield the statements by which an office sees a person of ``staff`` only through a posting it can see."""
    seen = f"EXISTS (SELECT FROM posting WHERE posting.staff_id = {table}.id)"
    yield f"CREATE POLICY office_wall ON {table} FOR SELECT TO {OFFICE_ROLES} USING ({seen})"
    seen_columns = "id, login, name, email, phone, password_changed_at, must_change_password, disabled_at, created_at"
    yield f"GRANT SELECT ({seen_columns}, version) ON {table} TO {OFFICE_ROLES}"


def group_may_be_told(table: str) -> Iterator[str]:
    """Yield the statement that lets an office session add a row of no office: an act that concerns several, or none.

    It cannot read the row again: only headquarters sees it.
    """
    yield f"CREATE POLICY group_note ON {table} FOR INSERT TO {OFFICE_ROLES} WITH CHECK (office_id IS NULL)"


def append_only(table: str) -> Iterator[str]:
    """Yield the statements that let nobody, not even the owner, change or remove a row of ``table``.

    The trigger is ENABLE ALWAYS, so that ``session_replication_role`` does not pass it by.
    """
    yield f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {OFFICE_ROLES}, wuguan_hq"
    yield (
        f"CREATE FUNCTION {table}_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" RAISE EXCEPTION '{table} is append-only' USING ERRCODE = 'insufficient_privilege'; END $$"
    )
    yield (
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}"
        f" FOR EACH ROW EXECUTE FUNCTION {table}_is_append_only()"
    )
    yield (
        f"CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON {table}"
        f" FOR EACH STATEMENT EXECUTE FUNCTION {table}_is_append_only()"
    )
    yield f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER append_only"
    yield f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER append_only_whole"


def counting() -> Iterator[str]:
    """Yield the statements by which the roles that serve may have tables counted that have doubled since they were.

    Only a table's owner may ask for its statistics, so the function works with the owner's rights. It takes nothing
    from whoever calls it, returns nothing, and finds its tables by the catalogue alone: those that references between
    tables of an office lead to or from, when they fill twice the pages they filled when they were last counted.
    """
    yield """
        CREATE FUNCTION count_grown_tables() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp AS $$
        DECLARE grown pg_class;
        BEGIN
            FOR grown IN
                SELECT * FROM pg_class
                WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
                AND relowner = (SELECT oid FROM pg_roles WHERE rolname = current_user)
                AND EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND cardinality(conkey) > 1
                            AND pg_class.oid IN (conrelid, confrelid))
                AND pg_relation_size(oid) > 2 * 8192 * greatest(relpages, 8)
                ORDER BY oid
            LOOP
                EXECUTE format('ANALYZE public.%I', grown.relname);
            END LOOP;
        END $$"""
    yield "REVOKE ALL ON FUNCTION count_grown_tables() FROM PUBLIC"
    yield f"GRANT EXECUTE ON FUNCTION count_grown_tables() TO {OFFICE_ROLES}, wuguan_hq"
