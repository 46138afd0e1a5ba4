"""What every word of the domain is: stored by its English value, shown by its Chinese label."""

from enum import StrEnum
from typing import Self


class Term(StrEnum):
    """A stored value with the label shown for it: `Gravity.GRAVE == "grave"`, `Gravity.GRAVE.label == "重大"`."""

    label: str

    def __new__(cls, value: str, label: str = "") -> Self:
        """Build a member from its stored value and its Chinese label; looking one up takes the value alone."""
        member = str.__new__(cls, value)
        member._value_, member.label = value, label
        return member
