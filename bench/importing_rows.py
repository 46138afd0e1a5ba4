"""Rosters of fifteen columns, invented, for measuring imports: one flat and its one owner in each row."""

import io
from collections.abc import Iterator
from random import Random
from typing import Final

from xlsxwriter import Workbook

from bench.groups import GIVEN, SURNAMES

WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
HEADINGS: Final = (
    "楼栋",
    "单元",
    "房号",
    "业主姓名",
    "联系电话",
    "备用电话",
    "身份证号",
    "电子邮箱",
    "建筑面积",
    "使用性质",
    "交房状态",
    "交房日期",
    "产权登记日期",
    "户型",
    "备注",
)
FLATS: Final = 160
"""Flats in a building, in two sections of equal size."""


def invented(count: int) -> Iterator[tuple[object, ...]]:
    """Yield ``count`` rows in the order of :data:`HEADINGS`, the same each time; every phone and ID is another one."""
    chance = Random(7)
    for number in range(count):
        building, rest = divmod(number, FLATS)
        section, flat = divmod(rest, FLATS // 2)
        yield (
            f"{building + 1}栋",
            f"{section + 1}单元",
            f"{flat // 4 + 1}0{flat % 4 + 1}",
            "".join((chance.choice(SURNAMES), chance.choice(GIVEN), chance.choice(GIVEN))),
            f"199{number:08}",
            f"配偶：139{number:08}" if number % 5 == 0 else None,
            id_number(number, chance),
            f"owner{number}@example.invalid" if number % 3 == 0 else None,
            chance.randrange(6000, 14000) / 100,
            "住宅" if number % 40 else "商铺",
            "已交房" if number % 10 else "未交房",
            f"20{10 + number % 12}-0{1 + number % 9}-{10 + number % 18}" if number % 10 else None,
            f"20{10 + number % 12}.{1 + number % 9}.{1 + number % 28}" if number % 10 else None,
            ("两室一厅", "三室两厅", "四室两厅")[number % 3],
            "钥匙已领" if number % 7 == 0 else None,
        )


def id_number(number: int, chance: Random) -> str:
    """Return an ID no other row has, with its check digit."""
    born = f"19{chance.randrange(50, 99)}0{chance.randrange(1, 10)}1{chance.randrange(10)}"
    digits = f"99{number // 1000:04}{born}{number % 1000:03}"
    return digits + "10X98765432"[sum(int(d) * w for d, w in zip(digits, WEIGHTS, strict=True)) % 11]


def workbook(rows: Iterator[tuple[object, ...]]) -> bytes:
    """Return the roster as an office would have it."""
    file = io.BytesIO()
    book = Workbook(file, {"constant_memory": True})
    sheet = book.add_worksheet("业主名册")
    sheet.write_row(0, 0, HEADINGS)
    for number, row in enumerate(rows, start=1):
        sheet.write_row(number, 0, row)
    book.close()
    return file.getvalue()
