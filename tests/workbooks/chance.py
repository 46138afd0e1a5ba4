"""Offices and rosters drawn by chance: plain rows among messy ones, the same people in several units, odd histories."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from importers.choices import NOTE, Choices
from importers.headings import Heading, SheetMapping
from importers.roster.state import OccupantState, OwnershipState, OwnerState, RosterState, UnitState
from importers.rows import RowReader
from importers.workbook import Sheet
from tenant.rules.terms import HandoverState, ImportMode, OccupantRelation, OwnerKind, UnitUsage
from workbooks.builders import id_of, phone_of
from workbooks.pure import ROSTER

LABELS = {column.identifier: column.label for column in ROSTER.columns}
PHONES = [phone_of(serial) for serial in range(1, 6)]
DUMMIES = ["18999999999", "本人：18999999999", "配偶：13000000000", "13800138000"]
DAYS = [None, dt.date(2015, 6, 1), dt.date(2016, 1, 1), dt.date(2030, 1, 1)]
ROOMS = [
    "101",
    "102",
    "201",
    "1-1-101",
    "1-1-102",
    "2-102",
    "1栋1单元102",
    "S01",
    "1-S01",
    "A座101",
    "１０１",
    102.0,
    "坏",
]
LINES = ["3栋", "2单元", "合计", "第1页", "示例", "备注：共3户", LABELS["room"]]
MESSY = {
    "building": [None, "1栋", "1", "2", "商铺", "A座", "1号楼", 1],
    "section": [None, "1单元", "1", "2", 1.0],
    "room": ROOMS,
    "owners": [
        None,
        "张三",
        "李四",
        "王五",
        "南山物业公司",
        "向阳中心",
        "Anna Berg",
        "张三、李四",
        "张三（60%）",
        "未售",
    ],
    "phones": [None, *PHONES, f"本人：{PHONES[0]}", f"{PHONES[0]}、{PHONES[1]}", float(PHONES[2]), *DUMMIES],
    "more_phones": [None, None, PHONES[1], f"配偶：{PHONES[1]}", f"张三：{PHONES[2]}", f"父亲：{PHONES[0]}", *DUMMIES],
    "email": [None, "a@x.invalid", "B@x.invalid", "a@b"],
    "documents": [None, None, *map(id_of, range(1, 5)), f"张三：{id_of(1)}", "99010119900101001X", "1" * 18],
    "area": [None, 80, "80", "80.5㎡", 80.504, "0", True],
    "usage": [None, "住宅", "商铺", "住宅楼", "乱"],
    "handover_state": [None, "已交房", "未交房", "是", "否"],
    "handed_over_on": [None, "2015-06-01", "2015.6.1", "2030-01-01", dt.date(2015, 6, 1), 42156, "坏"],
    "owned_from_on": [None, "2015-06-01", "2016-01-01", "2030-01-01"],
    "note": [None, "钥匙已领", "合计", "「甲」", "第3页", "钥匙已领；甲", " 钥匙已领 "],
    "occupants": [None, None, "租客甲", "张三", "李四"],
    "occupant_phones": [None, None, *PHONES[:2]],
    "occupant_relation": [None, None, "租户", "家属"],
    "own_number": [None, None, None, 1, 2, 3, 99, "2"],
}
"""Column → what may stand in it in a row of which nothing is to be expected."""
MARKS = ["error:#N/A:", "formula:=A1:7", "text:a:b", "number:x:y"]


@dataclass(frozen=True)
class Drawn:
    """A sheet: what stands in it from row 1 on, what its columns are, and the marks of single cells."""

    name: str
    table: list[list[object]]
    columns: list[str]
    marks: dict[tuple[int, int], str]

    def reader(self):
        """Return a reader of the sheet; it reads it once."""
        headings = [Heading(at, LABELS.get(name, "宠物"), name) for at, name in enumerate(self.columns, 1)]
        sheet = Sheet(self.name, [list(row) for row in self.table], marks=self.marks)
        return RowReader(sheet, SheetMapping(self.name, 1, tuple(headings)), ROSTER)


def choices_drawn(chance):
    """Return how a roster is to be carried out."""
    ends_on = chance.choice([None, None, dt.date(2026, 1, 1), dt.date(2010, 1, 1)])
    return Choices(mode=chance.choice(list(ImportMode)), ends_on=ends_on)


def state_drawn(chance):
    """Return an office with up to six units, whose owners and occupants came about in odd ways."""
    numbers = ["1-101", "1-1-101", "1-1-102", "2-102", "S01", "1-1-201"]
    units = {number: _unit(chance, at, number) for at, number in enumerate(numbers[: chance.randint(0, 6)], 11)}
    documents = chance.sample([id_of(serial) for serial in range(1, 7)], 6)
    owners = [_owner(chance, number, documents) for number in range(1, chance.choice([1, 3, 5, 6]))]
    ownerships, occupants = [], []
    for unit in units.values():
        owning = chance.sample(owners, min(len(owners), chance.choice([0, 1, 1, 1, 1, 2, 3])))
        ownerships += [_ownership(chance, unit, owner, len(owning)) for owner in owning]
        if chance.random() < 0.2:
            name, phone = chance.choice(["租客甲", "张三"]), chance.choice([None, *PHONES[:2]])
            relation = chance.choice(list(OccupantRelation))
            occupants.append(OccupantState(500 + unit.id, unit.id, name, phone, relation, chance.choice(DAYS[:3])))
    buildings = frozenset(number.split("-")[0] for number in units if "-" in number)
    return RosterState(units, owners, ownerships, buildings, chance.choice([0, 1, 1, 1, 2]), occupants)


def _unit(chance, serial, number):
    area = chance.choice([None, Decimal("80.00"), Decimal("80.50")])
    usage, handover = chance.choice(list(UnitUsage)[:2]), chance.choice(list(HandoverState))
    return UnitState(
        serial, number, area, usage, handover, chance.choice(DAYS), chance.choice([None, "钥匙已领", "甲"])
    )


def _owner(chance, number, documents):
    if chance.random() < 0.6:
        name, document = chance.choice(["张三", "李四", "王五"]), chance.choice([documents.pop(), None])
        return OwnerState(number, name, OwnerKind.PERSON, chance.choice([PHONES[number - 1], None]), None, document)
    name = chance.choice(["张三", "南山物业公司", "张三 ", "欧阳 修", "Anna Berg"])
    kind = chance.choice([OwnerKind.PERSON, OwnerKind.PERSON, OwnerKind.COMPANY])
    others = [None, None, f"配偶：{PHONES[1]}", PHONES[2], f"{PHONES[2]}、父亲：{PHONES[3]}", "0755-26543210转1"]
    phone = chance.choice([None, *PHONES, f"86-{PHONES[0]}", "坏"])
    document = documents.pop() if chance.random() < 0.5 else None
    mail = chance.choice([None, None, "a@x.invalid", "B@x.invalid"])
    return OwnerState(number, name, kind, phone, chance.choice(others), document, mail)


def _ownership(chance, unit, owner, count):
    share = chance.choice([Decimal(1) / count, Decimal(1) / count, Decimal("0.333333")])
    share = share.quantize(Decimal("0.000001"))
    return OwnershipState(10 * unit.id + owner.id, unit.id, owner.id, share, chance.random() < 0.7, chance.choice(DAYS))


def sheets_drawn(chance, state):
    """Return one or two sheets about an office: from all but tidy to all messy, with any columns in any order."""
    tidy = chance.choice([0.3, 0.9, 0.97, 1.0])
    return [_sheet(chance, state, name, tidy) for name in chance.sample(["表", "3栋"], chance.choice([1, 1, 2]))]


def _sheet(chance, state, name, tidy):
    columns = ["building", "room", "owners", "phones", "documents"]
    rest = [one for one in MESSY if one not in columns]
    columns += chance.sample(rest, chance.randint(0, len(rest)))
    if chance.random() < 0.5:
        chance.shuffle(columns)
    rows: list[list[object]] = []
    known = chance.sample(list(state.units.values()), len(state.units))
    for serial in range(chance.randint(1, 7)):
        values = line_of(state, known.pop()) if known and chance.random() < 0.4 else tidy_line(chance, serial)
        rows.append(_row(chance, values, columns, tidy) if chance.random() < 0.9 or not rows else [*rows[-1]])
    marks = {}
    if chance.random() > tidy:
        marks = {(chance.randint(2, len(rows) + 1), chance.randint(1, len(columns))): chance.choice(MARKS)}
    if chance.random() < 0.1:
        columns.append(NOTE)
        rows = [[*row, chance.choice([None, "猫"])] for row in rows]
    return Drawn(name, [[LABELS.get(one, "宠物") for one in columns], *rows], columns, marks)


def _row(chance, values, columns, tidy):
    if chance.random() > tidy and chance.random() < 0.2:
        return [chance.choice(LINES)] + [None] * (len(columns) - 1)
    return [chance.choice(MESSY[one]) if chance.random() > tidy else values.get(one) for one in columns]


def tidy_line(chance, serial):
    """Return a row of a unit nobody knows, mostly with an owner of its own."""
    person = chance.choice([serial + 10, serial + 10, serial + 10, 1, 2])
    return {
        "building": chance.choice(["1栋", "2"]),
        "room": str(301 + serial),
        "owners": chance.choice(["张三", "李四", "钱七", "钱七", None]),
        "phones": chance.choice([phone_of(person), phone_of(person), None]),
        "more_phones": chance.choice([None, f"配偶：{phone_of(person + 40)}", phone_of(person)]),
        "documents": chance.choice([id_of(person), id_of(person), None]),
        "area": 80.5,
        "usage": "住宅",
        "handed_over_on": chance.choice([None, "2015-06-01"]),
        "owned_from_on": chance.choice([None, "2016-01-01"]),
        "note": chance.choice([None, "钥匙已领"]),
    }


def line_of(state, unit):
    """Return a row that says of a unit what the office has, of one of its owners and occupants at the most."""
    owners = {owner.id: owner for owner in state.owners}
    ownership = next((one for one in state.ownerships if one.unit_id == unit.id), None)
    occupant = next((one for one in state.occupants if one.unit_id == unit.id), None)
    line = {name: getattr(unit, name) for name in ("handed_over_on", "note")}
    line |= {"room": unit.number, "area": unit.area and float(unit.area)}
    line |= {"usage": unit.usage.label, "handover_state": unit.handover_state.label}
    if ownership:
        owner = owners[ownership.owner_id]
        line |= {"owners": owner.name, "phones": owner.phone, "more_phones": owner.other_phones, "email": owner.email}
        line |= {"documents": owner.id_number, "own_number": owner.id, "owned_from_on": ownership.from_on}
    if occupant:
        line |= {"occupants": occupant.name, "occupant_phones": occupant.phone}
    return line
