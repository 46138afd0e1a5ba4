"""Many plain cells understood at once: simple names, mobiles and IDs, as `importers.people` understands each of them.

Of a column of different texts nearly all are of one simple shape. What is not, is not among what these return, and is
read by itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from importers.cells import is_absent
from importers.people import (
    NO_SIMPLE_NAMES,
    ORGANISATION,
    PLACEHOLDERS,
    SIMPLE_ID,
    SIMPLE_NAME,
    Labelled,
    Name,
    bare_label,
    is_birthday,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_MOBILE = r"1[3-9](?!(?P<digit>[0-9])(?P=digit){8})[0-9]{9}"
_MOBILES = re.compile(_MOBILE)
_LABELLED = re.compile(rf"(?P<label>[\u4e00-\u9fff]{{1,8}})[:：](?P<number>{_MOBILE})")
_MAIL: Final = re.compile(r"[a-z0-9._+-]{1,64}@[a-z0-9-]{1,60}(?:\.[a-z0-9-]{1,30}){1,4}")
_LAST_OF_NAMES: Final = ("中心", "厂")
"""By which a name is an organisation's only where they stand at its end."""
_ID: Final = 18
_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_WEIGHED: Final = tuple(
    bytes((sign - 48) * weight % 11 if 48 <= sign <= 57 else 0 for sign in range(256))  # noqa: PLR2004  0 to 9
    for weight in _WEIGHTS
)
"""For each place of an ID: a digit → what it adds to the sum, modulo 11."""
_CHECKED: Final = bytes(b"10X98765432"[total % 11] for total in range(256))
"""A sum → the check digit; seventeen places add up to 170 at the most."""


def plain_names(texts: Sequence[str]) -> dict[str, tuple[Name, ...]]:
    """Return each text that is one simple name, with what `read_names` makes of it."""
    simple = SIMPLE_NAME.fullmatch
    found = [text for text in texts if simple(text) and text not in NO_SIMPLE_NAMES and not is_absent(text)]
    listed = "\n".join(found)
    has_organisations = ORGANISATION.search(listed) is not None or any(word in listed for word in _LAST_OF_NAMES)
    is_one = ORGANISATION.search if has_organisations else _never
    return {text: (Name(text, is_one(text) is not None),) for text in found if "例" not in text}


def plain_phones(texts: Sequence[str]) -> dict[str, tuple[Labelled, ...]]:
    """Return each text that is one mobile, perhaps with a word before it, with what `read_phones` makes of it."""
    is_mobile = _MOBILES.fullmatch
    found: dict[str, tuple[Labelled, ...]] = {}
    found.update((text, (Labelled(text),)) for text in texts if is_mobile(text) and text not in PLACEHOLDERS)
    if len(found) < len(texts):
        labels: dict[str, str] = {}
        for text in texts:
            match = _LABELLED.fullmatch(text)
            if match and "例" not in match["label"] and match["number"] not in PLACEHOLDERS:
                label = labels.get(match["label"])
                if label is None:
                    label = labels[match["label"]] = bare_label(match["label"])
                found[text] = (Labelled(match["number"], label),)
    return found


def plain_documents(texts: Sequence[str]) -> dict[str, tuple[Labelled, ...]]:
    """Return each text that is one ID with a real birthday and the right check digit, as `read_documents` has it.

    The check digits of all of them are reckoned together: place by place, each ID one byte of a long number.
    """
    simple = SIMPLE_ID.fullmatch
    found = [text for text in texts if simple(text)]
    signs = "".join(found).encode("ascii")
    sums = sum(int.from_bytes(signs[place::_ID].translate(table)) for place, table in enumerate(_WEIGHED))
    right = sums.to_bytes(len(found)).translate(_CHECKED)
    return {
        text: (Labelled(text),)
        for text, check, is_right in zip(found, signs[_ID - 1 :: _ID], right, strict=True)
        if check == is_right and is_birthday(text[6:14])
    }


def plain_mails(texts: Iterable[str]) -> dict[str, str]:
    """Return each text that is one mail address in lower case."""
    is_mail = _MAIL.fullmatch
    return {text: text for text in texts if is_mail(text)}


def _never(_text: str) -> None:
    """Find nothing."""
