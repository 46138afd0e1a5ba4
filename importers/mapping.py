"""What is known about headings before a file is opened: the office's own words, and the layouts it has used before."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from importers.cells import compact

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CHOSEN: Final = "chosen"
"""Where a column's meaning comes from: said for this import,"""
LAYOUT: Final = "layout"
"""remembered from an earlier file of the same layout,"""
ALIAS: Final = "alias"
"""the office's own table of headings,"""
KNOWN: Final = "known"
"""the headings the product knows;"""
SUGGESTED: Final = "suggested"
"""or nobody has said it yet and it is only proposed."""

REASONS: Final = "错误原因"
"""The heading of the column that tells what was refused, in a workbook that was given back: no column of the office."""

_DECORATION = re.compile(r"[*★☆※●○▲△◆#:：_\-./、]+|必填|选填")
_BLOCK = re.compile(r"\[[A-Z]{1,3}:[A-Z]{1,3}\]$")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What an office has taught the importer about one kind of sheet.

    ``aliases`` is comparable heading → identifier; ``layouts`` is fingerprint → what was remembered: `columns`, letter
    → identifier, `+note` or None for a column not to be read; `header_row`, 0 for a table without headings; and
    `rooms`, shape of a room text → how it is read.
    """

    aliases: Mapping[str, str] = field(default_factory=dict)
    layouts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def comparable(heading: str) -> str:
    """Return a heading without blanks, marks of obligation and punctuation, in lower case."""
    return _DECORATION.sub("", compact(heading)).lower()


def fingerprint(headings: Sequence[str]) -> str:
    """Return the digest of a layout: its headings in their order and place; empty where there is no heading."""
    words = ["" if heading == REASONS else comparable(heading) for heading in headings]
    while words and not words[-1]:
        words.pop()
    return hashlib.sha256("\n".join(words).encode("utf-8", "replace")).hexdigest() if words else ""


def block_name(sheet: str, first: str, last: str) -> str:
    """Return the name of one of several tables side by side: `Sheet1[F:J]`, which no sheet can be called."""
    return f"{sheet}[{first}:{last}]"


def tab_of(name: str) -> str:
    """Return the sheet a table stands on: `Sheet1[F:J]` → `Sheet1`; any other name as it is."""
    return _BLOCK.sub("", name)
