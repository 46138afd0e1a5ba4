"""Plates and space numbers: read as people write them, kept in one way, refused where the trade has none such."""

import re
from dataclasses import dataclass
from datetime import date

from tenant.errors import Refusal

PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
LONGEST_SPACE = 20
_SIGN = "[0-9A-HJ-NP-Z]"
_PLATE = re.compile(
    rf"[{PROVINCES}][A-Z](?:{_SIGN}{{5}}|{_SIGN}{{4}}[挂学警港澳]|[A-HJK][0-9A-HJ-NP-Z][0-9]{{4}}|[0-9]{{5}}[A-HJK])"
    rf"|WJ[{PROVINCES}]?[0-9]{{4}}[0-9A-Z]|[VKHBSLJNGC][A-Z][0-9]{{5}}|使[0-9]{{6}}|[0-9]{{6}}使|[{PROVINCES}]A[0-9]{{4}}领"
)
_LOOKALIKE = re.compile(rf"[{PROVINCES}][A-Z][0-9A-Z]*[IO][0-9A-Z]*")
_SPACE = re.compile(r"(?=[^0-9]{0,12}[0-9])[0-9A-Z\u4e00-\u9fff][0-9A-Z\u4e00-\u9fff#/-]*")
_NUMBERED = re.compile(r"(?:号车位|车位|号)$")
_DOTS = re.compile(r"[\s·•・.．。_-]+")
_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_DASHES = dict.fromkeys((0x2010, 0x2011, 0x2012, 0x2013, 0x2014, 0x2015, 0x2212, 0x2500), "-")


@dataclass(frozen=True, slots=True)
class LeaseTerm:
    """A lease's first and last day; ``to_on`` None: it lasts."""

    from_on: date
    to_on: date | None = None

    def holds(self, day: date) -> bool:
        """Tell whether the lease holds on ``day``, first and last day included."""
        return self.from_on <= day and (self.to_on is None or day <= self.to_on)

    def overlaps(self, other: "LeaseTerm") -> bool:
        """Tell whether some day belongs to both."""
        return (other.to_on is None or self.from_on <= other.to_on) and (
            self.to_on is None or other.from_on <= self.to_on
        )


def plate_of(text: str) -> str | None:
    """Return the plate as it is kept (``粤B12345``, eight signs where it is 新能源), None for what is no plate.

    ``粤B·12345`` and full-width or small letters are read; the letters I and O, which no plate has after its second
    sign, are not taken for the digits they resemble.
    """
    plain = _DOTS.sub("", text.translate(_HALF_WIDTH).translate(_DASHES)).upper()
    return plain if _PLATE.fullmatch(plain) else None


def has_lookalikes(text: str) -> bool:
    """Tell a plate that is wrong only by an I or O, which stands for a 1 or 0."""
    plain = _DOTS.sub("", text.translate(_HALF_WIDTH).translate(_DASHES)).upper()
    return _LOOKALIKE.fullmatch(plain) is not None and plate_of(plain.replace("I", "1").replace("O", "0")) is not None


def is_invented_plate(plate: str) -> bool:
    """Tell a plate that people write for none: no authority gives out 00000."""
    return plate[-5:] in {"00000", "XXXXX"}


def space_number_of(text: str) -> str | None:
    """Return a space's number as it is kept: ``B1-023``, ``A区 12号`` → ``A区12``; None for what is no number.

    Leading zeros stay: whether ``B1-23`` is the same place is for people to say (`loose_space_number`).
    """
    plain = "".join(text.translate(_HALF_WIDTH).translate(_DASHES).split()).upper()
    plain = _NUMBERED.sub("", plain).removeprefix("车位").strip("-#/")
    return plain if len(plain) <= LONGEST_SPACE and _SPACE.fullmatch(plain) else None


def loose_space_number(number: str) -> str:
    """Return what two ways of writing one place have in common: ``B1-023``, ``B1-23`` and ``B1区23`` are alike."""
    parts = re.findall(r"[0-9]+|[^0-9]+", number)
    bare = (f"-{int(part)}" if part[0] in "0123456789" else re.sub(r"[区#/-]", "", part) for part in parts)
    return "".join(bare).strip("-")


def parse_plate(text: str) -> str:
    """Return the plate as it is kept; raises Refusal with what is wrong with it."""
    plate = plate_of(text)
    if plate is None:
        why = "请照行驶证填写，例如 粤B12345。"
        if has_lookalikes(text):
            why = "车牌号里没有字母 I 和 O，请核对是不是数字 1 和 0。"
        raise Refusal(code="plate", message=f"「{text[:20]}」不是车牌号。{why}", field="plate", value=text)
    return plate


def parse_space_number(text: str) -> str:
    """Return the space's number as it is kept; raises Refusal for what is none."""
    number = space_number_of(text)
    if number is None:
        message = f"「{text[:20]}」不是车位号。请照地面编号填写，例如 B1-023，最多 {LONGEST_SPACE} 个字。"
        raise Refusal(code="space_number", message=message, field="number", value=text)
    return number
