"""What the code under test asks the database, told apart from what other threads ask beside it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event

from tenant.db import Database


@contextmanager
def asked(database: Database) -> Iterator[list[str]]:
    """Collect the statements that this thread sends in the block; a look at the clockwork beside it does not count."""
    statements: list[str] = []
    mine = threading.get_ident()

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if threading.get_ident() == mine:
            statements.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
