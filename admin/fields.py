"""Fields of a form, made from the columns they fill: each refuses in Chinese what its column cannot hold."""

import re
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeVar, cast
from zoneinfo import ZoneInfo

from flask_admin.form import BaseForm
from flask_admin.model.fields import AjaxSelectField
from markupsafe import Markup
from sqlalchemy import Boolean, Column, Date, DateTime, Enum, Integer, Numeric, Text, Time
from wtforms import (
    BooleanField,
    DateField,
    DateTimeLocalField,
    DecimalField,
    Field,
    HiddenField,
    IntegerField,
    SelectField,
    StringField,
    TextAreaField,
    TimeField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional, StopValidation, ValidationError

from admin import access
from tenant.rules.terms import Term
from tenant.texts import unstorable

LARGEST_NUMBER: Final = 2**31 - 1
YEARS: Final = range(1900, 2200)
LONG: Final = 200
"""From how many signs on a text gets several lines to be written in."""
EDITION: Final = "edition"
"""The hidden field that says which state of the record the form was filled from."""


class CleanText:
    """Text as a column can hold it: trimmed, all of it printable; empty is None where that is allowed."""

    nullable = True

    def process_formdata(self, valuelist: list[str]) -> None:
        """Take the text; raises ValueError for a sign that no text can hold."""
        text = valuelist[0].replace("\r\n", "\n").strip() if valuelist else ""
        if unstorable(text):
            raise ValueError("含有不能保存的控制字符。请删除后重新填写。")
        self.data = (text or None) if self.nullable else text


class Line(CleanText, StringField):
    """One line of text."""


class Lines(CleanText, TextAreaField):
    """Several lines of text."""

    def __init__(self, *args: Any, **options: Any) -> None:
        """Go by the name that pages know wide fields by."""
        super().__init__(*args, **options)
        self.type = "TextAreaField"


class TermField(SelectField):
    """A coded column: one of its words."""

    def __init__(
        self,
        label: str,
        validators: Sequence[Any],
        *,
        terms: type[Term],
        blank: bool,
        without: Collection[Term] = (),
        **options: Any,
    ) -> None:
        """Offer every word of ``terms`` but those ``without``, and nothing where ``blank``."""
        member: Callable[[str], Term] = cast("Callable[[str], Term]", terms)
        choices = [SelectChoice("", "")] * blank + [
            SelectChoice(term.value, term.label) for term in terms if term not in without
        ]
        super().__init__(
            label,
            validators,
            choices=choices,
            coerce=lambda value: member(value) if value else None,
            invalid_choice_message="请从列表中选择。",
            invalid_value_message="请从列表中选择。",
            **options,
        )


_Dated = TypeVar("_Dated", date, datetime)


def _plausible(found: _Dated, text: str) -> _Dated:
    """Return a day or time of this or the neighbouring centuries; raises ValueError for a slip of the keyboard."""
    if found.year not in YEARS:
        raise ValueError(f"「{text}」的年份不对。请核对后重新填写。")
    return found


class Day(DateField):
    """A calendar day."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Take the day; raises ValueError for none."""
        text = valuelist[0].strip() if valuelist else ""
        self.data = None
        if text:
            try:
                day = date.fromisoformat(text)
            except ValueError:
                raise ValueError(f"「{text}」不是日期。请写成 2026-11-21 这样的格式。") from None
            self.data = _plausible(day, text)


class Moment(DateTimeLocalField):
    """An instant, written in the local time of the office and kept in UTC."""

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return self.data.astimezone(self._zone()).strftime("%Y-%m-%dT%H:%M") if self.data else ""

    def _zone(self) -> ZoneInfo:
        return ZoneInfo(access.zone_of(None))

    def process_formdata(self, valuelist: list[str]) -> None:
        """Take the local time; raises ValueError for none."""
        text = valuelist[0].strip() if valuelist else ""
        self.data = None
        if text:
            try:
                instant = datetime.fromisoformat(text)
            except ValueError:
                raise ValueError(f"「{text}」不是时间。请写成 2026-11-21 09:05 这样的格式。") from None
            _plausible(instant, text)
            self.data = (instant if instant.tzinfo else instant.replace(tzinfo=self._zone())).astimezone(UTC)


class ClockTime(TimeField):
    """A time of day."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Take the time; raises ValueError for none."""
        text = valuelist[0].strip() if valuelist else ""
        self.data = None
        if text:
            try:
                self.data = time.fromisoformat(text)
            except ValueError:
                raise ValueError(f"「{text}」不是时刻。请写成 08:30 这样的格式。") from None


class Amount(DecimalField):
    """A number with as many decimals as its column keeps: more are refused, never rounded in silence."""

    def __init__(self, label: str, validators: Sequence[Any], *, precision: int, scale: int, **options: Any) -> None:
        """Keep the bounds of the column."""
        super().__init__(label, validators, places=None, **options)
        self.precision, self.scale = precision, scale

    def process_formdata(self, valuelist: list[str]) -> None:
        """Take the number; raises ValueError for none, for too many decimals and for one too large."""
        text = valuelist[0].strip().replace(",", "").replace("，", "") if valuelist else ""
        self.data = None
        if not text:
            return
        try:
            number = Decimal(text)
        except InvalidOperation:
            raise ValueError(f"「{text}」不是数字。请只填数字和小数点。") from None
        if not number.is_finite() or number.adjusted() >= self.precision - self.scale:
            raise ValueError(f"「{text}」太大。整数部分最多 {self.precision - self.scale} 位。")
        if number != round(number, self.scale):
            raise ValueError(f"「{text}」的小数太多。最多 {self.scale} 位。")
        self.data = number

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return f"{self.data:f}" if self.data is not None else ""


class Whole(IntegerField):
    """A whole number."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Take the number; raises ValueError for none and for one too large."""
        text = valuelist[0].strip() if valuelist else ""
        self.data = None
        if text:
            if not re.fullmatch(r"-?[0-9]{1,18}", text):
                raise ValueError(f"「{text[:20]}」不是整数。请只填数字。")
            number = int(text)
            if abs(number) > LARGEST_NUMBER:
                raise ValueError(f"「{text}」太大。请核对。")
            self.data = number


class Reference(AjaxSelectField):
    """A record of this office, found by typing; an id that is not there is refused, not taken for none."""

    asked_for: str | None = None

    def process_formdata(self, valuelist: list[str]) -> None:
        """Keep the id that was sent."""
        self.asked_for = valuelist[0].strip() if valuelist else None
        if self.asked_for in {"", "__None"}:
            self.asked_for = None
        self._data, self._formdata = None, self.asked_for

    def pre_validate(self, form: BaseForm) -> None:
        """Raise for an id that names nothing within reach, and for none where one is needed."""
        if self.asked_for is not None and self.data is None:
            raise ValidationError("没有找到所选的记录，或不在本管理处。请重新查找选择。")
        if self.data is None and not self.allow_blank:
            raise StopValidation(f"请选择「{self.label.text}」。")


class Filled(InputRequired):
    """The check that something was sent, and more than blanks."""

    def __call__(self, form: BaseForm, field: Field) -> None:
        """Raise unless the field was filled in."""
        if not field.raw_data or not str(field.raw_data[0]).strip():
            field.errors = []
            raise StopValidation(self.message)


def required(label: str) -> Filled:
    """Return the check that a field was filled in."""
    return Filled(message=f"请填写「{label}」。")


def field_for(column: Column[Any], label: str) -> Field | None:
    """Return the field that fills ``column``, None for a column no form may fill."""
    kind = column.type
    has_default = column.default is not None or column.server_default is not None
    default = getattr(column.default, "arg", None)
    options: dict[str, Any] = {} if default is None or callable(default) else {"default": default}
    if isinstance(kind, Boolean):
        return BooleanField(label, **options)
    checks = [Optional()] if column.nullable or has_default else [required(label)]
    if isinstance(kind, Enum) and kind.enum_class is not None:
        terms = cast("type[Term]", kind.enum_class)
        return TermField(label, checks, terms=terms, blank=bool(column.nullable), **options)
    if isinstance(kind, Numeric):
        return Amount(label, checks, precision=kind.precision or 14, scale=kind.scale or 0, **options)
    makers: tuple[tuple[type, Callable[..., Field]], ...] = (
        (DateTime, Moment), (Date, Day), (Time, ClockTime), (Integer, Whole),
    )  # fmt: skip
    for column_kind, maker in makers:
        if isinstance(kind, column_kind):
            return maker(label, checks, **options)
    length = getattr(kind, "length", None)
    if length:
        checks.append(Length(max=length, message=f"「{label}」最多 {length} 个字。"))
    is_long = isinstance(kind, Text) or (length or 0) >= LONG
    return (Lines if is_long else Line)(label, checks, **options)


def form_class(fields: dict[str, Field]) -> type[BaseForm]:
    """Return the form made of ``fields``, in their order, with the hidden field that says what it was filled from."""
    return type("RecordForm", (BaseForm,), {**fields, EDITION: HiddenField()})


def display(field: Field) -> str | Markup:
    """Return what a filled-in field says, in the words its form uses."""
    if isinstance(field, SelectField):
        return next((choice.label for choice in field.choices if choice.value == (field.data or "")), "")
    if isinstance(field, BooleanField):
        return "是" if field.data else "否"
    if isinstance(field, AjaxSelectField):
        found = field.loader.format(field.data)
        return found[1] if found else ""
    return str(field._value())  # noqa: SLF001 - what the field would print into its input
