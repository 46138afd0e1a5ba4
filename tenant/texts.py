"""Which signs a text may hold, everywhere the same: on forms, in commands, in what is exported."""

import unicodedata
from typing import Final

LINE_SIGNS: Final = frozenset("\n\t")
TURNING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They turn round what follows them: a name could be shown as another one."""
LAST_OF_A_PLANE: Final = 0xFFFE


def unstorable(text: str) -> set[str]:
    """Return the signs of ``text`` that may not be kept: controls, halves of signs, non-characters, turning marks.

    Full-width blanks and joined signs are what people write, and stay.
    """
    return {sign for sign in text if not sign.isprintable() and _is_unstorable(sign)}


def storable(text: str) -> str:
    """Return ``text`` without what may not be kept."""
    found = unstorable(text)
    return "".join(sign for sign in text if sign not in found) if found else text


def _is_unstorable(sign: str) -> bool:
    if sign in LINE_SIGNS:
        return False
    is_control = unicodedata.category(sign) in {"Cc", "Cs"}
    return is_control or sign in TURNING or ord(sign) & LAST_OF_A_PLANE == LAST_OF_A_PLANE
