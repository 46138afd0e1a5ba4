"""The ways a query can be written, each of which once saw across the wall (or is here so that it never will).

A shape takes a session and a model and returns what it saw: ids, or a count. ``PASSING`` shapes must see exactly the
office's own rows; ``REFUSED`` shapes are not run at all by a guarded session, and see the office's own rows where only
row-level security stands.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    Integer,
    case,
    column,
    distinct,
    exists,
    func,
    intersect,
    lateral,
    literal,
    or_,
    select,
    true,
    union,
    union_all,
    values,
)
from sqlalchemy.orm import Bundle, Session, aliased, joinedload, selectinload, subqueryload

from tenant.models import Base, Company

READ_ONLY = {"office", "audit_entry"}
"""Tables whose rows an office cannot lock, because it may not change them."""

Seen = set[int] | int
ShapeFunction = Callable[[Session, Any], Seen]
PASSING: dict[str, ShapeFunction] = {}
REFUSED: dict[str, ShapeFunction] = {}


def passing(function: ShapeFunction) -> ShapeFunction:
    """Register a shape that every session may run."""
    PASSING[function.__name__] = function
    return function


def refused(function: ShapeFunction) -> ShapeFunction:
    """Register a shape that a guarded session refuses."""
    REFUSED[function.__name__] = function
    return function


def ids(rows: Any) -> set[int]:
    """Return what was found, without the Nones of outer joins."""
    return {row for row in rows if row is not None}


@passing
def plain_rows(session: Session, model: Any) -> Seen:
    return {row.id for row in session.scalars(select(model))}


@passing
def legacy_query(session: Session, model: Any) -> Seen:
    return {row.id for row in session.query(model).all()}


@passing
def legacy_count(session: Session, model: Any) -> Seen:
    return session.query(model).count()


@passing
def one_column(session: Session, model: Any) -> Seen:
    return ids(session.scalars(select(model.id)))


@passing
def count_select_from(session: Session, model: Any) -> Seen:
    return session.scalar(select(func.count()).select_from(model))


@passing
def count_literal(session: Session, model: Any) -> Seen:
    return session.scalar(select(func.count("*")).select_from(model))


@passing
def count_of_id(session: Session, model: Any) -> Seen:
    return session.scalar(select(func.count(model.id)))


@passing
def count_distinct(session: Session, model: Any) -> Seen:
    return session.scalar(select(func.count(distinct(model.id))))


@passing
def count_of_subquery(session: Session, model: Any) -> Seen:
    return session.scalar(select(func.count()).select_from(select(model).subquery()))


@passing
def where_or_true(session: Session, model: Any) -> Seen:
    return {row.id for row in session.scalars(select(model).where(or_(true(), model.id > 0)))}


@passing
def filtered_by_hand(session: Session, model: Any) -> Seen:
    return {row.id for row in session.scalars(select(model).where(model.id > 0).order_by(model.id).limit(10_000))}


@passing
def existing_ids(session: Session, model: Any) -> Seen:
    inner = aliased(model)
    return ids(session.scalars(select(model.id).where(exists().where(inner.id == model.id))))


@passing
def any_exists(session: Session, model: Any) -> Seen:
    """Count the companies for which some row exists: each of the cast sees its own rows, so all of them or none."""
    companies = session.scalar(select(func.count(Company.id)))
    found = session.scalar(select(func.count(Company.id)).where(exists(select(model.id))))
    return session.scalar(select(func.count(model.id))) if found == companies else -1


@passing
def join_from_unscoped(session: Session, model: Any) -> Seen:
    return ids(session.scalars(select(model.id).select_from(Company).join(model, true())))


@passing
def outer_join_from_unscoped(session: Session, model: Any) -> Seen:
    return ids(session.scalars(select(model.id).select_from(Company).outerjoin(model, model.id > 0)))


@passing
def cross_product(session: Session, model: Any) -> Seen:
    return ids(session.scalars(select(model.id, Company.id).where(Company.id != -model.id)))


@passing
def scalar_subquery(session: Session, model: Any) -> Seen:
    return session.scalar(select(select(func.count(model.id)).scalar_subquery()))


@passing
def aggregate_of_ids(session: Session, model: Any) -> Seen:
    return ids(session.scalar(select(func.array_agg(model.id))) or [])


@passing
def aggregate_in_scalar_subquery(session: Session, model: Any) -> Seen:
    inner = select(func.array_agg(model.id)).scalar_subquery()
    return ids(session.scalar(select(func.coalesce(inner, []))) or [])


@passing
def json_aggregate(session: Session, model: Any) -> Seen:
    return ids(session.scalar(select(func.json_agg(model.id))) or [])


@passing
def common_table(session: Session, model: Any) -> Seen:
    rows = select(model.id).cte("rows_of_it")
    return ids(session.scalars(select(rows.c.id)))


@passing
def nested_common_table(session: Session, model: Any) -> Seen:
    rows = select(model.id).cte("inner_rows")
    return ids(session.scalars(select(select(rows.c.id).subquery().c.id)))


@passing
def recursive_table(session: Session, model: Any) -> Seen:
    first = select(model.id).cte("grown", recursive=True)
    grown = first.union(select(model.id).join(first, first.c.id == model.id))
    return ids(session.scalars(select(grown.c.id)))


@passing
def union_of_ids(session: Session, model: Any) -> Seen:
    return ids(session.scalars(union(select(model.id), select(model.id))))


@passing
def union_all_in_subquery(session: Session, model: Any) -> Seen:
    both = union_all(select(model.id), select(model.id).where(model.id < 0)).subquery()
    return session.scalar(select(func.count()).select_from(both))


@passing
def intersection(session: Session, model: Any) -> Seen:
    return ids(session.scalars(intersect(select(model.id), select(model.id))))


@passing
def rows_from_union(session: Session, model: Any) -> Seen:
    both = union_all(select(model), select(model).where(model.id < 0)).subquery()
    return {row.id for row in session.scalars(select(aliased(model, both)))}


@passing
def alias(session: Session, model: Any) -> Seen:
    other = aliased(model)
    return {row.id for row in session.scalars(select(other))}


@passing
def alias_beside_itself(session: Session, model: Any) -> Seen:
    other = aliased(model)
    return ids(session.scalars(select(other.id).select_from(model).join(other, true())))


@passing
def alias_of_subquery(session: Session, model: Any) -> Seen:
    inner = aliased(model, select(model).subquery())
    return {row.id for row in session.scalars(select(inner))}


@passing
def in_subquery(session: Session, model: Any) -> Seen:
    return ids(session.scalars(select(model.id).where(model.id.in_(select(model.id)))))


@passing
def not_in_subquery(session: Session, model: Any) -> Seen:
    return ids(session.scalars(select(model.id).where(model.id.not_in(select(model.id).where(model.id < 0)))))


@passing
def lateral_rows(session: Session, model: Any) -> Seen:
    beside = lateral(select(model.id).where(model.id > Company.id * 0))
    return ids(session.scalars(select(beside.c.id).select_from(Company).join(beside, true())))


@passing
def window(session: Session, model: Any) -> Seen:
    return {row.id for row in session.execute(select(model.id, func.row_number().over(order_by=model.id)))}


@passing
def window_count(session: Session, model: Any) -> Seen:
    return session.scalar(select(func.count().over()).select_from(model).limit(1))


@passing
def function_in_subquery(session: Session, model: Any) -> Seen:
    biggest = select(func.max(model.id).label("biggest")).subquery()
    return ids(session.scalars(select(model.id).where(model.id <= select(biggest.c.biggest).scalar_subquery())))


@passing
def grouped(session: Session, model: Any) -> Seen:
    return ids(session.scalars(select(model.id).group_by(model.id).having(func.count() > 0)))


@passing
def case_over_subquery(session: Session, model: Any) -> Seen:
    total = select(func.count(model.id)).scalar_subquery()
    return session.scalar(select(case((literal(1) == 1, total), else_=literal(-1))))


@passing
def bundled(session: Session, model: Any) -> Seen:
    return {row.key.id for row in session.execute(select(Bundle("key", model.id)))}


@passing
def streamed(session: Session, model: Any) -> Seen:
    return {row.id for row in session.scalars(select(model).execution_options(yield_per=2))}


@passing
def locked(session: Session, model: Any) -> Seen:
    statement = select(model)
    if model.__tablename__ not in READ_ONLY:
        statement = statement.with_for_update(read=True, of=model)
    return {row.id for row in session.scalars(statement)}


@passing
def statement_of_its_own(session: Session, model: Any) -> Seen:
    return {row.id for row in session.scalars(select(model).from_statement(select(model)))}


@passing
def joined_to_values(session: Session, model: Any) -> Seen:
    numbers = values(column("number", Integer), name="numbers").data([(1,), (2,)])
    return ids(session.scalars(select(model.id).select_from(numbers).join(model, true())))


@passing
def refreshed(session: Session, model: Any) -> Seen:
    found = session.scalars(select(model)).all()
    for row in found:
        session.refresh(row)
    return {row.id for row in found}


@passing
def expired(session: Session, model: Any) -> Seen:
    found = session.scalars(select(model)).all()
    session.expire_all()
    return {row.id for row in found if all(hasattr(row, key) for key in ("id", row.wall_column))}


def eagerly(session: Session, model: Any, load: Any) -> Seen:
    """Return the ids of the rows, each with all it refers to loaded by ``load``."""
    options = [load(getattr(model, one.key)) for one in model.__mapper__.relationships]
    rows = session.scalars(select(model).options(*options)).unique().all()
    for row in rows:
        for one in model.__mapper__.relationships:
            assert one.key in row.__dict__
    return {row.id for row in rows}


@passing
def joined_load(session: Session, model: Any) -> Seen:
    return eagerly(session, model, joinedload)


@passing
def selectin_load(session: Session, model: Any) -> Seen:
    return eagerly(session, model, selectinload)


@passing
def subquery_load(session: Session, model: Any) -> Seen:
    return eagerly(session, model, subqueryload)


@passing
def lazy_load(session: Session, model: Any) -> Seen:
    rows = session.scalars(select(model)).all()
    for row in rows:
        for one in model.__mapper__.relationships:
            getattr(row, one.key)
    return {row.id for row in rows}


@passing
def with_or_without(session: Session, model: Any) -> Seen:
    """Ask along every relationship, in a sub-select of SQLAlchemy's own making, for rows that have one or have none."""
    found = ids(session.scalars(select(model.id)))
    for one in model.__mapper__.relationships:
        reference = along(model, one)
        there = reference.any() if one.uselist else reference.has()
        assert ids(session.scalars(select(model.id).where(or_(there, ~there)))) == found
    return found


@passing
def through_a_reference(session: Session, model: Any) -> Seen:
    """Join along every relationship: an inner join to a row of the own office loses nothing."""
    found = ids(session.scalars(select(model.id)))
    for one in model.__mapper__.relationships:
        found |= ids(session.scalars(select(model.id).outerjoin(along(model, one))))
    return found


def along(model: Any, one: Any) -> Any:
    """Return a relationship to ask along; one to the table itself needs a name of its own for what lies behind it.

    Without it SQLAlchemy leaves the criterion out of the sub-select, and the session refuses the statement.
    """
    reference = getattr(model, one.key)
    return reference.of_type(aliased(model)) if one.mapper.class_ is model else reference


def saw(session: Session, shape: str, model: type[Base]) -> Seen:
    """Return what ``shape`` sees of ``model``."""
    return (PASSING.get(shape) or REFUSED[shape])(session, model)
