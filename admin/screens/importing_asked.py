"""What the forms of an import say, put into its choices: how it is read, what it may do, what was put right by hand.

Pure: a form and what was understood in, choices out. What a form does not name stays as it was decided before.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from werkzeug.datastructures import MultiDict

from importers.cells import safe_text
from importers.choices import NOTE, Choices, SheetChoice
from tenant.errors import Refusal
from tenant.rules.terms import ImportMode

LONGEST_CELL: Final = 2000
"""Characters a cell may be given by hand; a note of a unit has room for a quarter of it."""
LONGEST_ANSWER: Final = 400
"""A row that names thirty people in doubt has thirty answers, one after the other."""
MOST_EDITS: Final = 5_000
"""Cells and answers one import may be given by hand in all: fifty pages of them. Beyond, the workbook is quicker."""
MOST_SIGNS: Final = 200_000
"""Characters of all of them together: each decision reads, keeps and records them once more."""
MOST_ROWS: Final = 10_000_000
Form = MultiDict[str, str]


# ---- how the file is read
def read_as_asked(form: Form, understood: Mapping[str, Any], before: Choices, known: frozenset[str]) -> Choices:
    """Return the choices with the sheets, columns, hidden rows and shapes of rooms as the mapping form has them.

    ``known`` are the identifiers a column may stand for. A column that stays as it was understood is no choice: what
    is learnt later still counts for it. Where another row becomes the header, its columns are found anew.
    """
    sheets = dict(before.sheets)
    for place, sheet in enumerate(understood.get("sheets", ())):
        if form.get(f"sheet-{place}") == sheet["name"]:
            chosen = _sheet(form, place, sheet, before.sheets.get(sheet["name"]), known)
            if chosen is None:
                sheets.pop(sheet["name"], None)
            else:
                sheets[sheet["name"]] = chosen
    rooms = dict(before.rooms)
    for place, room in enumerate(understood.get("rooms", ())):
        said = form.get(f"room-{place}")
        if form.get(f"shape-{place}") == room["shape"] and said in {key for key, _ in room["options"]}:
            rooms[room["shape"]] = str(said)
    hidden = "hidden_rows" in form if "asks_hidden_rows" in form else before.reads_hidden_rows
    return replace(before, sheets=sheets, rooms=rooms, reads_hidden_rows=hidden)


def learnt(form: Form, understood: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield heading and identifier of each column that shall be read so from now on."""
    for place, sheet in enumerate(understood.get("sheets", ())):
        for column in sheet["columns"]:
            said = form.get(f"column-{place}-{column['letter']}", "")
            if f"learn-{place}-{column['letter']}" in form and said not in {"", NOTE} and column["heading"]:
                yield column["heading"], said


def _sheet(
    form: Form, place: int, sheet: Mapping[str, Any], before: SheetChoice | None, known: frozenset[str]
) -> SheetChoice | None:
    """Return what the form says of one sheet, None where it says nothing that was not understood by itself."""
    is_read = f"read-{place}" in form
    row = _row(form.get(f"header-{place}"))
    old = before or SheetChoice(is_read=bool(sheet["is_read"]))
    if row is not None and row != sheet["header_row"]:
        return SheetChoice(is_read=is_read, header_row=row)
    columns = dict(old.columns)
    for column in sheet["columns"]:
        said = form.get(f"column-{place}-{column['letter']}")
        if said is None or (said and said != NOTE and said not in known):
            continue
        if column["letter"] in columns or (said or None) != column["identifier"]:
            columns[column["letter"]] = said or None
    chosen = SheetChoice(is_read=is_read, header_row=old.header_row, columns=columns)
    is_as_found = is_read == sheet["is_read"] and not columns and chosen.header_row is None
    return None if before is None and is_as_found else chosen


def _row(text: str | None) -> int | None:
    """Return the number of a header's row, 0 for none at all; None where the form does not say."""
    if text is None or not text.isdecimal() or len(text) > len(str(MOST_ROWS)):
        return None
    return int(text)


# ---- what the import may do
def options_as_asked(form: Form, before: Choices) -> Choices:
    """Return the choices with the mode and what becomes of rows refused and of what the file does not name.

    Raises Refusal for a day that is none.
    """
    mode = next((mode for mode in ImportMode if mode.value == form.get("mode")), before.mode)
    return replace(
        before,
        mode=mode,
        all_or_nothing="all_or_nothing" in form,
        ends_on=_day(form.get("ends_on", "")) if form.get("missing") == "end" else None,
    )


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text.strip())
    except ValueError:
        raise Refusal(
            code="ends_on_missing",
            message="请填写在哪一天结束，格式如 2026-01-31；不结束请选「不动」。",
            field="ends_on",
            value=text[:40],
        ) from None


# ---- what was put right by hand
def corrected_as_asked(form: Form, before: Choices) -> Choices:
    """Return the choices with the cells and the answers of one page; a cell left as it stood is no edit.

    Raises Refusal for a text no cell has room for, and for more of them than a page is made for.
    """
    edits, answers = dict(before.edits), dict(before.answers)
    for name, text in form.items():
        what, _, place = name.partition("|")
        if what == "edit" and text != form.get(f"was|{place}"):
            edits[_cell(place)] = _short(text)
        elif what == "answer":
            sheet, row, _ = _cell(place)
            if text:
                answers[sheet, row] = safe_text(text[:LONGEST_ANSWER])
            else:
                answers.pop((sheet, row), None)
    _require_few(edits, answers)
    return replace(before, edits=edits, answers=answers)


def uncorrected(before: Choices) -> Choices:
    """Return the choices without anything put right by hand."""
    return replace(before, edits={}, answers={})


def _require_few(edits: Mapping[Any, str], answers: Mapping[Any, str]) -> None:
    count = len(edits) + len(answers)
    if count > MOST_EDITS or sum(map(len, (*edits.values(), *answers.values()))) > MOST_SIGNS:
        raise Refusal(
            code="edits_too_many",
            message=f"在页面上一共最多改正 {MOST_EDITS:,} 处、{MOST_SIGNS:,} 个字，这一页没有保存。"
            "请下载「待改正的工作簿」，在表里改好后重新上传。",
            value=str(count),
        )


def _cell(place: str) -> tuple[str, int, str]:
    """Return sheet, row and letter of `row|letter|sheet`; the letter is empty where the whole row is meant."""
    row, _, rest = place.partition("|")
    letter, _, sheet = rest.partition("|")
    number = _row(row)
    if number is None or not sheet or "\0" in place:
        raise Refusal(code="place_unknown", message="页面与现在的预览对不上。请刷新后重新填写。")
    return sheet, number, letter


def _short(text: str) -> str:
    if len(text) > LONGEST_CELL:
        raise Refusal(
            code="cell_too_long",
            message=f"一格最多填 {LONGEST_CELL} 个字。请缩短后再保存。",
            value=text[:40],
        )
    return safe_text(text).strip()
