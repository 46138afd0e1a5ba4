"""The second wall, as SQL: which rows each database role may see and write, table by table.

Migrations call :func:`wall` for every new table.
A policy never says "this office or headquarters": an OR costs every office its indexes. Headquarters has a role and a
policy of its own.
"""

from collections.abc import Iterator

from tenant.models.base import Base, GroupOnly, GroupShared, Walled

OFFICES = "string_to_array(nullif(current_setting('wuguan.offices', true), ''), ',')::bigint[]"
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
        inside = f"{column} = ANY ({OFFICES})"
        if kept_by_group:
            yield f"CREATE POLICY office_wall ON {table} FOR SELECT TO wuguan_app USING ({inside})"
            yield f"GRANT SELECT ON {table} TO wuguan_app"
            return
        yield f"CREATE POLICY office_wall ON {table} TO wuguan_app USING ({inside}) WITH CHECK ({inside})"
        yield f"GRANT {EVERY_RIGHT} ON {table} TO wuguan_app"
    elif issubclass(kind, GroupShared):
        yield f"CREATE POLICY office_wall ON {table} FOR SELECT TO wuguan_app USING (true)"
        yield f"GRANT SELECT ON {table} TO wuguan_app"
    elif not issubclass(kind, GroupOnly):
        message = f"{kind.__name__} stands on no side of the wall"
        raise TypeError(message)


def colleagues_only(table: str) -> Iterator[str]:
    """Yield the statements by which an office sees a person of ``staff`` only through a posting it can see."""
    seen = f"EXISTS (SELECT FROM posting WHERE posting.staff_id = {table}.id)"
    yield f"CREATE POLICY office_wall ON {table} FOR SELECT TO wuguan_app USING ({seen})"
    seen_columns = "id, login, name, email, phone, password_changed_at, must_change_password, disabled_at, created_at"
    yield f"GRANT SELECT ({seen_columns}, version) ON {table} TO wuguan_app"


def group_may_be_told(table: str) -> Iterator[str]:
    """Yield the statement that lets an office session add a row of no office: an act that concerns several, or none.

    It cannot read the row again: only headquarters sees it.
    """
    yield f"CREATE POLICY group_note ON {table} FOR INSERT TO wuguan_app WITH CHECK (office_id IS NULL)"


def append_only(table: str) -> Iterator[str]:
    """Yield the statements that let nobody, not even the owner, change or remove a row of ``table``.

    The trigger is ENABLE ALWAYS, so that ``session_replication_role`` does not pass it by.
    """
    yield f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM wuguan_app, wuguan_hq"
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
