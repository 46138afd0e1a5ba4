"""The phones an office keeps of an owner: one of their own, the others with labels in one text."""

from __future__ import annotations

import re

from importers.cells import plain
from importers.people import Mistake, bare_label, read_phones

LONGEST = 200
"""Characters there are for the other phones."""
Phones = list[tuple[str, str]]
"""(number, label) in order; the label is empty where nothing says whose it is."""
OWN_LABELS = frozenset({"本人", "业主", "业主本人", "户主", "自己", "产权人"})
_SIMPLE = re.compile(r"(?:([^：、0-9]*)：)?([0-9-]{5,})")


def known_phones(phone: str | None, other_phones: str | None) -> Phones:
    """Return the phones the office has of an owner, each as a cell with it would be read, with its label."""
    known = _read(phone) if phone else []
    for entry in other_phones.split("、") if other_phones else ():
        known.extend(_read(entry))
    return known


def _read(entry: str) -> Phones:
    if match := _SIMPLE.fullmatch(entry):
        label = bare_label(match[1]) if match[1] else ""
        return [(match[2], "" if label in OWN_LABELS else label)]
    found = read_phones(plain(entry))
    if isinstance(found, Mistake) or not found:
        return [(plain(entry), "")]
    return [(one.number, "" if one.label in OWN_LABELS else one.label) for one in found]


def first_and_others(phones: Phones) -> tuple[str | None, Phones]:
    """Part the owner's own phone, the first without a label, from the others."""
    own = next((number for number, label in phones if not label), None)
    return own, [(number, label) for number, label in phones if number != own]


def joined(phones: Phones) -> str | None:
    """Return `配偶：139…、0755-…`, as many as fit; None for none."""
    text = ""
    for number, label in phones:
        entry = f"{label}：{number}" if label else number
        longer = f"{text}、{entry}" if text else entry
        text = longer if len(longer) <= LONGEST else text
    return text or None
