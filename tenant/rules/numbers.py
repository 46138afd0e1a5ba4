"""The numbers people read aloud: tickets, receipts, units; written and read here and nowhere else."""

import re
from dataclasses import dataclass
from datetime import date

from tenant.errors import Refusal
from tenant.rules.rooms import unit_key
from tenant.rules.terms import TicketKind

_TICKET_LETTERS = {TicketKind.REQUEST: "BS", TicketKind.COMPLAINT: "TS", TicketKind.DEFECT: "ZG"}
_TICKET_KINDS = {letters: kind for kind, letters in _TICKET_LETTERS.items()}
_TICKET = re.compile(r"(?P<letters>BS|TS|ZG)(?P<day>[0-9]{8})-(?P<running>[0-9]{4,6})")
_RECEIPT = re.compile(r"[0-9]{8}")
_LAST_RECEIPT = 99_999_999
_LAST_TICKET = 999_999

# `str.upper` would turn letters of other alphabets into plain capitals: only a to z are raised
_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_CAPITALS = {code: code - 0x20 for code in range(0x61, 0x7B)}
_DASHES = dict.fromkeys((0x2010, 0x2011, 0x2012, 0x2013, 0x2014, 0x2015, 0x2212, 0x2500, 0xFE63), "-")
_DASHED = re.compile(r"(?P<building>[0-9A-Z]+)-(?:(?P<section>[0-9A-Z]+)-)?(?P<room>[0-9A-Z]+)(?:室|房)?")
_SHOP = re.compile(r"[A-Z]{1,3}[0-9]{1,6}")
_LONGEST_PART = 12


@dataclass(frozen=True, slots=True, order=True)
class TicketNumber:
    """A ticket's number, `BS20261121-0007`: kind, local day of registration, running number of that day and office."""

    kind: TicketKind
    day: date
    running: int

    def __str__(self) -> str:
        """Write the number; running numbers have four digits and grow beyond 9999."""
        day = self.day.isoformat().replace("-", "")
        return f"{_TICKET_LETTERS[self.kind]}{day}-{self.running:04d}"


@dataclass(frozen=True, slots=True)
class UnitNumber:
    """A unit's number in its parts: `5-1-101`, `5-101` without a section, `S01` for a shop without a building."""

    building: str | None
    section: str | None
    room: str

    def __str__(self) -> str:
        """Write the number as it is stored and shown."""
        return "-".join(part for part in (self.building, self.section, self.room) if part is not None)


def ticket_number(kind: TicketKind, day: date, running: int) -> str:
    """Write a ticket's number. Raises ValueError for a running number below 1 or above six digits."""
    if not 1 <= running <= _LAST_TICKET:
        raise ValueError(f"running numbers go from 1 to {_LAST_TICKET}, not {running}")
    return str(TicketNumber(kind, day, running))


def parse_ticket_number(text: str) -> TicketNumber:
    """Read a ticket's number as typed, also in small or full-width letters; anything else is refused."""
    plain = _plain(text)
    found = _TICKET.fullmatch(plain)
    day = _day(found["day"]) if found else None
    if found and day:
        number = TicketNumber(_TICKET_KINDS[found["letters"]], day, int(found["running"]))
        if number.running > 0 and str(number) == plain:
            return number
    message = f"「{text}」不是单号。单号由类别、日期和序号组成，例如 BS20261121-0007，请照单据填写。"
    raise Refusal(code="ticket_number", message=message, field="number", value=text)


def work_order_number(ticket: str, running: int) -> str:
    """Write the number of a ticket's `running`-th work order: `BS20261121-0007-1` (A-W2). Raises ValueError below 1."""
    if running < 1:
        raise ValueError(f"running numbers begin with 1, not {running}")
    return f"{ticket}-{running}"


def rectification_number(ticket: str, running: int) -> str:
    """Write the number of a defect's `running`-th record: `ZG20261121-0007-1` (A-R2). Raises ValueError below 1."""
    return work_order_number(ticket, running)


def receipt_number(running: int) -> str:
    """Write a receipt's number, eight digits without gaps (B-F9). Raises ValueError outside 1 to 99999999."""
    if not 1 <= running <= _LAST_RECEIPT:
        raise ValueError(f"receipt numbers go from 1 to {_LAST_RECEIPT}, not {running}")
    return f"{running:08d}"


def parse_receipt_number(text: str) -> int:
    """Read a receipt's number back; anything but eight digits above zero is refused."""
    plain = _plain(text)
    if not _RECEIPT.fullmatch(plain) or int(plain) == 0:
        message = f"「{text}」不是收据号。收据号是 8 位数字，例如 00012345，请照收据填写。"
        raise Refusal(code="receipt_number", message=message, field="receipt_number", value=text)
    return int(plain)


def parse_unit_number(text: str) -> UnitNumber:
    """Read a unit's number as people write it, in every way a roster may: `5-1-101`, `5栋1单元101室`, `5#101`, `s01`.

    Letters become capitals and full-width characters plain; leading zeros stay, for `0101` is a room of its own. A room
    without a building is refused, unless it is a shop.
    """
    plain = _plain(text)
    key = unit_key(plain)
    if key and (key.building or key.room.startswith("S") or _SHOP.fullmatch(key.room)):
        number = UnitNumber(key.building, key.section, key.room)
    elif found := _DASHED.fullmatch(plain):
        number = UnitNumber(found["building"], found["section"], found["room"])
    elif _SHOP.fullmatch(plain):
        number = UnitNumber(None, None, plain)
    else:
        raise _no_unit(text)
    if any(len(part) > _LONGEST_PART for part in (number.building, number.section, number.room) if part):
        raise _no_unit(text)
    return number


def _plain(text: str) -> str:
    """Return the text in plain capitals without spaces, every kind of dash as `-`."""
    return "".join(text.translate(_HALF_WIDTH).translate(_DASHES).translate(_CAPITALS).split())


def _day(digits: str) -> date | None:
    """Return the day written as eight digits, None when the calendar has none such."""
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None


def _no_unit(text: str) -> Refusal:
    """Build the refusal of a unit number."""
    return Refusal(
        code="unit_number",
        message=f"「{text}」不是房号。房号写作 楼栋-单元-房间，例如 5-1-101；没有楼栋的商铺写作 S01。",
        field="unit",
        value=text,
    )
