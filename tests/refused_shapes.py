"""The shapes that a guarded session refuses, because nothing in them says which rows they are about."""

from typing import Any

from sqlalchemy import Integer, column, func, literal_column, select, text, true
from sqlalchemy.orm import Session

from shapes import Seen, ids, refused
from tenant.models import Company


@refused
def core_select(session: Session, model: Any) -> Seen:
    return ids(session.scalars(select(model.__table__.c.id)))


@refused
def core_count(session: Session, model: Any) -> Seen:
    return session.scalar(select(func.count()).select_from(model.__table__))


@refused
def full_join(session: Session, model: Any) -> Seen:
    """The criterion stands in the ON of the join, and a full join shows what does not meet it."""
    return ids(session.scalars(select(model.id).select_from(Company).join(model, Company.id == model.id, full=True)))


@refused
def on_the_connection(session: Session, model: Any) -> Seen:
    return ids(session.connection().execute(select(model.__table__.c.id)).scalars())


@refused
def rows_on_the_connection(session: Session, model: Any) -> Seen:
    return ids(session.connection().execute(select(model.id)).scalars())


@refused
def plain_text(session: Session, model: Any) -> Seen:
    return ids(session.scalars(text(f'SELECT id FROM "{model.__tablename__}"')))


@refused
def text_as_rows(session: Session, model: Any) -> Seen:
    statement = text(f'SELECT * FROM "{model.__tablename__}"')
    return {row.id for row in session.scalars(select(model).from_statement(statement))}


@refused
def text_with_columns(session: Session, model: Any) -> Seen:
    return ids(session.scalars(text(f'SELECT id FROM "{model.__tablename__}"').columns(column("id", Integer))))


@refused
def text_in_from(session: Session, model: Any) -> Seen:
    return ids(session.scalars(select(literal_column("id")).select_from(text(f'"{model.__tablename__}"'))))


@refused
def text_with_schema(session: Session, model: Any) -> Seen:
    return ids(session.scalars(select(literal_column("id")).select_from(text(f'public."{model.__tablename__}"'))))


@refused
def subselect_in_a_column(session: Session, model: Any) -> Seen:
    return session.scalar(select(literal_column(f'(SELECT count(*) FROM "{model.__tablename__}")')))


@refused
def table_behind_a_comment(session: Session, model: Any) -> Seen:
    return session.scalar(select(literal_column(f'(SELECT count(*) FROM/**/"{model.__tablename__}")')))


@refused
def driver_sql(session: Session, model: Any) -> Seen:
    return ids(session.connection().exec_driver_sql(f'SELECT id FROM "{model.__tablename__}"').scalars())


@refused
def core_table_in_a_condition(session: Session, model: Any) -> Seen:
    table = model.__table__.alias("sly")
    return ids(session.scalars(select(table.c.id).where(table.c.id.in_(select(model.id)))))


@refused
def core_table_beside_rows(session: Session, model: Any) -> Seen:
    table = model.__table__.alias("sly")
    return ids(session.scalars(select(table.c.id).select_from(model).join(table, true())))


@refused
def table_function(session: Session, model: Any) -> Seen:
    rows = select(model.__table__.c.id).cte("sly")
    return ids(session.scalars(select(rows.c.id)))
