"""Reading one row of a policy table: typed, complete, and with a sentence that finds the mistake."""

import re
import tomllib
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from tenant.errors import SettingsError

SOURCE = re.compile(r"[AB]-[A-Z][0-9]{1,2}[a-z]?")

_Word = TypeVar("_Word", bound=StrEnum)
_WHOLE = "整数"
_TEXT = "文字"


class Row:
    """One table of a policy file, read field by field; `finish` refuses what nobody asked for.

    Every reader raises SettingsError naming file, row and field when the value is missing or not what it must be.
    """

    def __init__(self, file: str, place: str, fields: dict[str, Any]) -> None:
        """Take the fields of the row that stands at `place` ("clock 第 3 项") of the file."""
        self._file = file
        self._place = place
        self._fields = dict(fields)

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text that is not blank."""
        value = self._fields.pop(name, default)
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(name, value, _TEXT)
        return value

    def optional_text(self, name: str) -> str | None:
        """Return a text, None when the field is absent."""
        return self.text(name) if name in self._fields else None

    def note(self) -> str:
        """Return the row's note, empty when it has none."""
        return self.optional_text("note") or ""

    def source(self) -> str:
        """Return the id of the rule the row carries out."""
        value = self.text("source")
        if not SOURCE.fullmatch(value):
            raise self.wrong("source", value, "规则编号，例如 A-W2")
        return value

    def number(self, name: str, *, least: int = 0, default: int | None = None) -> int:
        """Return a whole number not below `least`."""
        value = self._fields.pop(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise self.wrong(name, value, f"不小于 {least} 的{_WHOLE}")
        return value

    def optional_number(self, name: str, *, least: int = 0) -> int | None:
        """Return a whole number not below `least`, None when the field is absent."""
        return self.number(name, least=least) if name in self._fields else None

    def share(self, name: str) -> Decimal:
        """Return an exact share above 0 and up to 1; it is written as text, for a float would not be exact."""
        value = self.text(name)
        try:
            share = Decimal(value)
        except InvalidOperation as error:
            raise self.wrong(name, value, "小数，例如 0.015") from error
        if not share.is_finite() or not 0 < share <= 1:
            raise self.wrong(name, value, "大于 0、不大于 1 的小数")
        return share

    def has(self, name: str) -> bool:
        """Tell whether the field is there and not read yet."""
        return name in self._fields

    def flag(self, name: str) -> bool:
        """Return true or false, false when the field is absent."""
        value = self._fields.pop(name, False)
        if not isinstance(value, bool):
            raise self.wrong(name, value, "true 或 false")
        return value

    def word(self, name: str, words: type[_Word]) -> _Word:
        """Return a member of the enumeration by its stored value."""
        return self._member(name, self._fields.pop(name, None), words)

    def words(self, name: str, words: type[_Word]) -> tuple[_Word, ...]:
        """Return members of the enumeration, in the order written and without doubles."""
        return tuple(self._member(name, value, words) for value in self._texts(name))

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts without doubles, empty when the field is absent."""
        return self._texts(name) if name in self._fields else ()

    def rows(self, name: str) -> list["Row"]:
        """Return the tables written inline under the field; at least one."""
        value = self._fields.pop(name, None)
        if not isinstance(value, list) or not value or not all(isinstance(row, dict) for row in value):
            raise self.wrong(name, value, "至少一行的列表")
        above = f"{self._place}的 " if self._place else ""
        return [Row(self._file, f"{above}{name} 第 {n} 项", row) for n, row in enumerate(value, 1)]

    def day(self, name: str) -> date:
        """Return a calendar day, written without quotes."""
        value = self._fields.pop(name, None)
        if isinstance(value, datetime) or not isinstance(value, date):
            raise self.wrong(name, value, "日期，例如 2026-10-01（不加引号）")
        return value

    def table(self, name: str) -> "Row":
        """Return the one table written inline under the field."""
        value = self._fields.pop(name, None)
        if not isinstance(value, dict):
            raise self.wrong(name, value, "一组字段")
        return Row(self._file, f"{self._place}的 {name}", value)

    def finish(self) -> None:
        """Refuse fields that were never read: a misspelt one must not pass for an absent one."""
        for name, value in self._fields.items():
            raise self.wrong(name, value, "已知字段，请检查拼写")

    def wrong(self, name: str, value: object, expected: str) -> SettingsError:
        """Build the refusal of one field."""
        shown = "没有填写" if value is None else f"的值「{value}」不可用"
        return SettingsError(
            code="policy",
            message=f"规则表 {self._file} 中 {self._place}：字段 {name} {shown}，应为{expected}。请改正后重新启动。",
            field=name,
            value=None if value is None else str(value),
        )

    def _texts(self, name: str) -> tuple[str, ...]:
        """Return the list under the field, each a text and each once."""
        value = self._fields.pop(name, None)
        if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
            raise self.wrong(name, value, f"{_TEXT}列表")
        if len(set(value)) != len(value):
            raise self.wrong(name, value, "不重复的列表")
        return tuple(value)

    def _member(self, name: str, value: object, words: type[_Word]) -> _Word:
        """Return the member with that stored value."""
        for word in words:
            if word.value == value:
                return word
        raise self.wrong(name, value, f"以下之一：{'、'.join(word.value for word in words)}")


def read_file(path: Path, tables: Iterable[str]) -> dict[str, Any]:
    """Return the file's content; it has exactly the `tables` named. Raises SettingsError when it cannot be read."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(
            code="policy",
            message=f"规则表 {path.name} 无法读取：{error}。请恢复该文件，或改正所指的位置。",
            field=path.name,
        ) from error
    if set(content) != set(tables):
        wanted = "、".join(tables)
        raise SettingsError(
            code="policy",
            message=f"规则表 {path.name} 应当只有 {wanted} 这些部分，现有 {'、'.join(content) or '空白'}。请改正。",
            field=path.name,
        )
    return content


def rows_of(path: Path, content: dict[str, Any], table: str) -> list[Row]:
    """Return the rows of one array of tables, at least one, each knowing its place."""
    return Row(path.name, "", {table: content[table]}).rows(table)
