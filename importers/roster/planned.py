"""The rows of a roster's plan in the order of the file: those that were weighed among those that needed no weighing."""

from __future__ import annotations

from collections import Counter
from json.encoder import encode_basestring as quoted
from typing import TYPE_CHECKING, overload

from importers.plan import Outcome, RowPlan, RowText, WrittenRows, row_of, row_text
from importers.roster.plain import PlainRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from importers.roster.arrivals import Arrivals
    from importers.roster.sorting import Sorted


class PlannedRows(WrittenRows):
    """All rows of a plan; ``weighed`` are those of the file that were weighed, ``gone`` what no row names."""

    def __init__(self, found: Sorted, weighed: Sequence[RowPlan], gone: Sequence[RowPlan], arrivals: Arrivals) -> None:
        self._found = found
        self._weighed = weighed
        self._gone = gone
        self._arrivals = arrivals

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self._found.records) + len(self._gone)

    @overload
    def __getitem__(self, place: int) -> RowPlan: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[RowPlan]: ...

    def __getitem__(self, place: int | slice) -> RowPlan | Sequence[RowPlan]:
        """Return one row or some."""
        return list(self)[place]

    def __iter__(self) -> Iterator[RowPlan]:
        """Yield each row; one that was weighed with all its facts."""
        return (one if isinstance(one, RowPlan) else row_of(one.text) for one in self._each())

    def texts(self) -> Iterator[RowText]:
        """Yield each row as the preview keeps it."""
        for one in self._each():
            yield RowText(one.outcome, one.sheet, one.row, row_text(one)) if isinstance(one, RowPlan) else one

    def outcomes(self, *, in_file: bool = False) -> Mapping[Outcome, int]:
        """Return how many rows come to each outcome; ``in_file``: of those that stand in the file."""
        counted = Counter(row.outcome for row in self._weighed)
        counted[Outcome.NEW] += len(self._found.new)
        counted[Outcome.SAME] += self._found.same
        counted.update(row.outcome for row in self._gone if not in_file)
        return counted

    def _each(self) -> Iterator[RowPlan | RowText]:
        weighed = iter(self._weighed)
        for record, fate in zip(self._found.records, self._found.fates, strict=True):
            if fate is None or not isinstance(record, PlainRow):
                yield next(weighed)
            elif fate is Outcome.NEW:
                yield RowText(fate, record.reader.sheet.name, record.row, self._arrivals.text(record))
            else:
                yield RowText(fate, record.reader.sheet.name, record.row, _unchanged(record))
        yield from self._gone


def _unchanged(row: PlainRow) -> str:
    """Return the text of a row that says what is there already."""
    names = f"{quoted(row.number)},{quoted(row.name or '')}"
    return f'[{quoted(row.reader.sheet.name)},{row.row},"same",{names},[],[],false]'
