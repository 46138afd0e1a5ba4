"""What calamine does not tell about an .ods: merged, hidden and far cells, errors; one pass in bounded memory.

Runs only inside the limited child process. OpenDocument writes a row or a cell once and says how often it is repeated:
a few bytes may stand for a whole sheet of a million rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.parsers import expat

from importers import _prescan
from importers._prescan import GAP, MARKS_KEPT, Findings, Suspicious, local
from importers.cells import column_letter

if TYPE_CHECKING:
    import zipfile

_MOST_CELLS = 20_000_000
_MOST_ROWS = 1 << 20
_MOST_DIGITS = 12
_ERRORS = ("#", "Err:")
_CELLS = frozenset({"table-cell", "covered-table-cell"})


class _Tables:
    """The handlers of the one part that holds all tables."""

    def __init__(self) -> None:
        self.every: list[Findings] = []
        self.row = self.column = 0
        self.rows = self.columns = 1
        self.depth = 0
        self.kind = ""
        self.filled = False
        self.reading = False
        self.text = ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        tag = local(name)
        found = {local(key): value for key, value in attributes.items()}
        if tag == "table":
            self.depth += 1
            if self.depth == 1:
                self._start_table(found)
        elif self.depth != 1:
            return
        elif tag == "table-row":
            self._start_row(found)
        elif tag in _CELLS:
            self._start_cell(found, is_covered=tag == "covered-table-cell")
        elif tag == "p":
            self.reading = True

    def end(self, name: str) -> None:
        tag = local(name)
        if tag == "table":
            self.depth -= 1
        elif self.depth != 1:
            return
        elif tag == "table-row":
            self.row += self.rows
        elif tag in _CELLS:
            self._end_cell()
        elif tag == "p":
            self.reading = False

    def text_seen(self, text: str) -> None:
        if self.reading and len(self.text) < len(_ERRORS[1]) * 5:
            self.text += text[:20]
            self.filled = self.filled or bool(text.strip())

    def _start_table(self, found: dict[str, str]) -> None:
        if len(self.every) >= _prescan.MOST_SHEETS:
            raise Suspicious("workbook_too_many_parts")
        self.every.append(Findings(found.get("name", ""), hidden=False))
        self.row = 1

    def _start_row(self, found: dict[str, str]) -> None:
        self.rows, self.column = _times(found, "number-rows-repeated", _MOST_ROWS), 1
        kept = self.every[-1].hidden_rows
        if found.get("visibility", "visible") != "visible" and self.rows < GAP and len(kept) < MARKS_KEPT:
            kept.extend(range(self.row, self.row + self.rows))

    def _start_cell(self, found: dict[str, str], *, is_covered: bool) -> None:
        self.columns = _times(found, "number-columns-repeated", _MOST_ROWS)
        self.kind = found.get("value-type", "")
        self.filled = not is_covered and self.kind not in {"", "string"}
        self.text = ""
        down = _times(found, "number-rows-spanned", _MOST_ROWS)
        across = _times(found, "number-columns-spanned", _MOST_ROWS)
        if (down > 1 or across > 1) and len(self.every[-1].merges) < _prescan.MERGES_KEPT:
            first, last = column_letter(self.column), column_letter(self.column + across - 1)
            self.every[-1].merges.append(f"{first}{self.row}:{last}{self.row + down - 1}")

    def _end_cell(self) -> None:
        if self.filled:
            self._count()
            self._note_zeros()
        self.column += self.columns

    def _count(self) -> None:
        """Count a filled cell as often as it is repeated; raises Suspicious when that is more than anybody has."""
        found = self.every[-1]
        found.cells += self.rows * self.columns
        if found.cells > _MOST_CELLS:
            raise Suspicious("workbook_too_large")
        last_row, last_column = self.row + self.rows - 1, self.column + self.columns - 1
        if self.row - found.near_row <= GAP:
            found.near_row = max(found.near_row, last_row)
            found.near_column = max(found.near_column, min(last_column, _prescan.NEAR_COLUMNS))
        found.last_row, found.last_column = max(found.last_row, last_row), max(found.last_column, last_column)
        if self.text.startswith(_ERRORS) and self.kind not in {"", "string"} and len(found.marks) < MARKS_KEPT:
            found.marks[self.row, self.column] = f"error:{self.text[:20]}"

    def _note_zeros(self) -> None:
        """Take note of a number that is shown with zeros before it: the text beside it says so."""
        text = self.text
        if self.kind == "float" and text[0:1] == "0" and len(text) > 1 and text.isascii() and text.isdigit():
            for row in range(self.row, self.row + min(self.rows, GAP)):
                for column in range(self.column, self.column + min(self.columns, _prescan.NEAR_COLUMNS)):
                    self.every[-1].zeros.show(row, column, len(text))


def _times(found: dict[str, str], name: str, most: int) -> int:
    text = found.get(name, "1")
    return max(1, min(int(text[:_MOST_DIGITS]), most)) if text.isascii() and text.isdigit() else 1


def scan(archive: zipfile.ZipFile, inflated_limit: int) -> list[Findings]:
    """Return the findings of each table in the document's order.

    Raises Suspicious as the scan of an .xlsx does, and `workbook_far` where a table's few cells lie so far apart that
    reading it would ask for all the memory between them.
    """
    tables = _Tables()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = tables.start
    parser.EndElementHandler = tables.end
    parser.CharacterDataHandler = tables.text_seen
    _prescan.feed(parser, archive, "content.xml", [inflated_limit])
    if any(found.is_far for found in tables.every):
        raise Suspicious("workbook_far")
    return tables.every
