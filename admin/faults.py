"""What the database refuses, said so that a person can put it right: never SQL, never a value of another row."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Column, Index, Table, UniqueConstraint
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.orm import DeclarativeBase

from admin.formats import term_of
from tenant.errors import Refusal
from tenant.models import Base

UNIQUE, FOREIGN, CHECK, MISSING, EXCLUDED = "23505", "23503", "23514", "23502", "23P01"
TOO_LONG, OUT_OF_RANGE = "22001", "22003"
AWAY: Final = ("08", "57P01", "57P02", "57P03", "53300")
"""What a server says that is going, coming or full; a connection that broke says nothing."""

CHECKS: Final = {
    "amount_is_positive": ("amount", "金额必须大于 0。"),
    "area_is_positive": ("area", "面积必须大于 0；不清楚请留空。"),
    "ends_after_it_begins": ("to_on", "截止日不能早于起始日。"),
    "factor_is_positive": ("factor", "倍率必须大于 0；没有互感器请填 1。"),
    "level_names_its_place": (
        "level",
        "层级与地点不符：集团任职不选公司和管理处，公司任职只选公司，管理处任职只选管理处。",
    ),
    "period_ends_after_it_begins": ("period_to", "费用止日不能早于起日。"),
    "price_is_not_negative": ("price", "单价不能小于 0。"),
    "due_day_is_a_day": ("due_day", "「每月应缴日」请填 1 到 31。"),
    "rent_is_not_negative": ("monthly_rent", "月租不能小于 0。"),
    "share_is_a_fraction": ("share", "份额要大于 0、不大于 1。独有请填 1，两人平分请填 0.5。"),
}


def is_away(error: DBAPIError) -> bool:
    """Tell whether the database could not be reached or left in the middle: nobody's fault, and soon over."""
    state = getattr(error.orig, "sqlstate", None)
    if state is None:
        return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
    return str(state).startswith(AWAY)


def explain(error: DBAPIError, model: type[DeclarativeBase], labels: Mapping[str, str]) -> Refusal | None:
    """Return the refusal that ``error`` amounts to when writing a row of ``model``; None when it is a fault of ours."""
    report = getattr(error.orig, "diag", None)
    state, name = getattr(report, "sqlstate", None), getattr(report, "constraint_name", None) or ""
    if state == UNIQUE:
        return _taken(name, model, labels)
    if state == FOREIGN:
        return _referring(name, getattr(report, "table_name", None) or "", model)
    if state == CHECK:
        bare = name.removeprefix(f"ck_{model.__tablename__}_")
        field, sentence = CHECKS.get(bare, (None, "填写的内容互相矛盾或不在允许的范围内。请核对后再保存。"))
        return Refusal(code=bare, message=sentence, field=field)
    if state == MISSING:
        column = getattr(report, "column_name", None)
        return Refusal(code="missing", message=f"请填写「{labels.get(str(column), column)}」。", field=column)
    if state in {TOO_LONG, OUT_OF_RANGE}:
        return Refusal(code="too_long", message="有一项内容太长或数字太大。请缩短后再保存。")
    return None


def _taken(name: str, model: type[DeclarativeBase], labels: Mapping[str, str]) -> Refusal:
    columns = [column for column in _columns_of(name, model) if column.name != "office_id"]
    shown = "、".join(f"「{labels.get(column.name) or column.doc or column.name}」" for column in columns)
    last = columns[-1].name if columns else None
    return Refusal(
        code="taken",
        message=f"{shown or '这条记录'}已存在，不能重复。请核对，或打开已有的记录修改。",
        field=last if last is None or last in labels else last.removesuffix("_id"),
    )


def _columns_of(name: str, model: type[DeclarativeBase]) -> list[Column[Any]]:
    """Return the columns of the unique constraint or index called ``name``, empty when the model has none of it."""
    table = model.__table__
    if isinstance(table, Table):
        uniques = (item for item in (*table.constraints, *table.indexes) if isinstance(item, UniqueConstraint | Index))
        return next((list(item.columns) for item in uniques if item.name == name), [])
    return []


def _referring(name: str, table: str, model: type[DeclarativeBase]) -> Refusal:
    """Tell a record still in use (the fault lies in another table's key) from a reference to what is not there."""
    if table and table != model.__tablename__:
        users = {mapper.local_table.name: mapper.class_ for mapper in Base.registry.mappers}  # type: ignore[attr-defined]
        user = users.get(table)
        shown = f"「{term_of(user)}」" if user else "其他记录"
        return Refusal(
            code="in_use",
            message=f"还有{shown}引用这条记录，不能删除。请先处理引用它的记录，或改为停用、填写截止日。",
        )
    return Refusal(
        code="unknown_reference",
        message="所选的记录不存在，或不在本管理处。请重新查找选择。",
        field=name.removeprefix(f"fk_{model.__tablename__}_office_id_").removesuffix("_id") or None,
    )
