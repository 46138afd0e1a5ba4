"""Goes round the wall."""

import sqlalchemy as sa
from sqlalchemy import select, text


def read(session, Owner):
    session.execute(text("SELECT * FROM owner"))  # LEAK
    session.execute(sa.text("SELECT * FROM owner"))  # LEAK
    session.connection().execute(select(Owner))  # LEAK
    session.bulk_save_objects([])  # LEAK
    session.bulk_insert_mappings(Owner, [])  # LEAK
    session.scalars(select(Owner).from_statement(None))  # LEAK
    session.execute(text("SELECT 1"))  # raw SQL: asks whether the server answers, reads no table
    return session.scalars(select(Owner))


def index(sa, Owner):
    sa.Index("uq", text("lower(name)"), unique=True)
    return sa.Index(None, Owner.phone, postgresql_where=text("to_on IS NULL"))
