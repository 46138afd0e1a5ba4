"""Columns of things: plates, space numbers, rents, numbers and readings of meters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from importers.cells import CellKind, compact, is_absent, plain
from importers.columns import Column
from importers.faults import CellFault, fault
from importers.people import divided
from tenant.rules import parking
from tenant.rules.meters import MOST_SHOWN

if TYPE_CHECKING:
    from importers.cells import Cell

MOST_PLATES: Final = 20
_LONGEST_REMARK = 100
_MOST_RENT = Decimal(1_000_000)
_FEN, _LITRE = Decimal("0.01"), Decimal("0.001")
_NO_PLATE = frozenset({"无牌", "无车牌", "未上牌", "待上牌", "临牌", "新车", "无车"})
_REMARK = re.compile(r"[（(【\[]([^）)】\]]*)[)）】\]]")
_NEXT_PLATE = re.compile(rf"\s+|(?<=[0-9A-Z挂学警港澳领])(?=[{parking.PROVINCES}])")
_DIGITS = r"([0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]{1,12})?|[0-9]{1,15}(?:\.[0-9]{1,12})?|\.[0-9]{1,12})"
_RENT = re.compile(rf"(?:每月|月租|¥|￥)*{_DIGITS}(?:元)?(?:/月|/每月|每月|一个月|月)?")
_COUNT = re.compile(rf"{_DIGITS}(?:吨|方|立方米|立方|m3|m³|度|kwh|千瓦时|gj|吉焦|倍)?")
_METER = re.compile(r"(?=.*[0-9A-Z])[0-9A-Z\u4e00-\u9fff#/.-]{1,40}")


class Plate(NamedTuple):
    """A plate as it is kept, and what stood in brackets beside it."""

    plate: str
    remark: str = ""


@dataclass(frozen=True)
class PlatesColumn(Column):
    """One or several plates: `粤B·7K012、粤BD10234（白色）`."""

    def read(self, cell: Cell, text: str) -> tuple[Plate, ...] | CellFault | None:
        """Return the plates in their order, each once; None when the cell says there is none."""
        del cell
        plates: dict[str, Plate] = {}
        for part in divided(plain(text)):
            remarks = _REMARK.findall(part)
            bare = re.sub(r"(?<=[A-Za-z])[\s·•・.．。-]+(?=[0-9A-Za-z])", "", _REMARK.sub(" ", part)).upper().strip()
            if not bare or is_absent(bare) or bare in _NO_PLATE:
                continue
            for piece in filter(None, _NEXT_PLATE.split(bare)):
                plate = parking.plate_of(piece)
                if plate is None:
                    return fault("plate_lookalike" if parking.has_lookalikes(piece) else "plate_unreadable", piece)
                if not parking.is_invented_plate(plate):
                    plates.setdefault(plate, Plate(plate, "，".join(remarks).strip()[:_LONGEST_REMARK]))
        if len(plates) > MOST_PLATES:
            return fault("plates_too_many", limit=MOST_PLATES)
        return tuple(plates.values()) or None


@dataclass(frozen=True)
class SpaceColumn(Column):
    """The number of a parking space: `B1-023`, `A区 12号`."""

    def read(self, cell: Cell, text: str) -> str | CellFault:
        """Return the number as it is kept."""
        if cell.kind is CellKind.DATE:  # `3-12` typed into a General cell becomes the twelfth of March
            return fault("space_became_date")
        number = parking.space_number_of(text)
        return number if number is not None else fault("space_unreadable", text)


@dataclass(frozen=True)
class RentColumn(Column):
    """Yuan a month: `300`, `￥300.00元/月`."""

    def read(self, cell: Cell, text: str) -> Decimal | CellFault:
        """Return the rent in yuan, to 分."""
        match = _RENT.fullmatch(compact(text))
        rent = Decimal(match[1].replace(",", "")).quantize(_FEN, ROUND_HALF_UP) if match else None
        if rent is None or rent >= _MOST_RENT or cell.kind in {CellKind.DATE, CellKind.BOOLEAN}:
            return fault("rent_unreadable", text)
        return rent


@dataclass(frozen=True)
class CountColumn(Column):
    """What a meter shows, has used, or is multiplied by: not below zero, to three decimals."""

    is_positive: bool = False

    def read(self, cell: Cell, text: str) -> Decimal | CellFault:
        """Return the number."""
        match = _COUNT.fullmatch(compact(text).lower())
        if match is None or cell.kind in {CellKind.DATE, CellKind.BOOLEAN}:
            return fault("count_unreadable", text)
        number = Decimal(match[1].replace(",", "")).quantize(_LITRE, ROUND_HALF_UP)
        if number >= MOST_SHOWN or (self.is_positive and not number):
            return fault("count_unreadable", text)
        return number


@dataclass(frozen=True)
class MeterNumberColumn(Column):
    """The number of a meter, as it stands on its plate."""

    def read(self, cell: Cell, text: str) -> str | CellFault:
        """Return the number in capitals, without blanks."""
        number = compact(text).upper()
        fits = _METER.fullmatch(number) is not None and cell.kind is not CellKind.DATE
        return number if fits else fault("meter_number_unreadable", text)
