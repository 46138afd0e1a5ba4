"""What the product hands out, its own import takes back: a roster changes nothing, a template's example is no record.

Owners and units are as people type them on the screens, which is odder than any import would have left them.
"""

import datetime as dt
import io
from decimal import Decimal

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import make
from importers.cells import Cell, CellKind
from importers.choices import Choices
from importers.examples import EXAMPLES
from importers.export import roster_of, roster_workbook, template_workbook
from importers.faults import CellFault
from importers.headings import Heading, SheetMapping
from importers.reading import read
from importers.roster.lines import roster_lines
from importers.roster.state import OccupantState, OwnershipState, OwnerState, RosterState, UnitState
from importers.rows import RowReader
from importers.sheets import kind_named
from importers.sheets.kinds import KINDS
from importers.workbook import Sheet
from tenant.errors import Refusal
from tenant.rules.terms import HandoverState, ImportMode, OccupantRelation, OwnerKind, Role, UnitUsage
from workbooks.builders import id_of, phone_of
from workbooks.pure import ROSTER, TODAY, spelled

MODES = list(ImportMode)


def records_of(state):
    """Return the records of an exported roster, read line by line without the way through a file."""
    columns = ROSTER.columns
    lines = [[line.get(column.identifier) for column in columns] for line in roster_lines(state)]
    rows = [[float(value) if isinstance(value, Decimal) else value for value in line] for line in lines]
    headings = tuple(Heading(place, column.label, column.identifier) for place, column in enumerate(columns, 1))
    sheet = Sheet("业主名册", [[column.label for column in columns], *rows])
    return [ROSTER.assemble(row) for row in RowReader(sheet, SheetMapping("业主名册", 1, headings), ROSTER).rows()]


def plans_of(state):
    """Return the plan of the exported roster against the state it was made from, for each mode."""
    records = records_of(state)
    return {mode: ROSTER.plan(records, state, TODAY, Choices(mode=mode, ends_on=TODAY)) for mode in MODES}


def changes_nothing(state):
    for mode, plan in plans_of(state).items():
        assert not plan.refused, (mode, [cell.sentence for cell in plan.refused])
        changed = [fact for row in plan.rows for fact in row.facts if fact.outcome != "same"]
        assert plan.is_empty, (mode, changed)
        assert not any(plan.missing.values()), (mode, plan.missing)
        counted = {subject: sum(counts.values()) for subject, counts in plan.subjects.items()}
        owning = {ownership.owner_id for ownership in state.ownerships}
        assert counted == {
            "units": len(state.units),
            "owners": len(owning),
            "ownerships": len(state.ownerships),
            "occupants": len(state.occupants),
        }, mode


def a_home(owners, occupants=(), number="3-2-1501", **unit):
    """Return the state of one unit: owners as (fields of the owner, fields of the ownership)."""
    people = [OwnerState(place, **fields) for place, (fields, _) in enumerate(owners, 1)]
    ownerships = [
        OwnershipState(place, 1, place, **{"share": Decimal(1) / len(owners), "is_payer": place == 1} | fields)
        for place, (_, fields) in enumerate(owners, 1)
    ]
    living = [OccupantState(place, 1, **fields) for place, fields in enumerate(occupants, 1)]
    return RosterState({number: UnitState(1, number, **unit)}, people, ownerships, occupants=living)


def test_a_plain_home_comes_back_the_same_through_a_file():
    owner = {"name": "张三", "phone": phone_of(1), "id_number": id_of(1), "email": "zhang@home.invalid"}
    state = a_home(
        [(owner, {"from_on": dt.date(2015, 6, 1)})],
        area=Decimal("89.50"),
        usage=UnitUsage.OFFICE,
        handover_state=HandoverState.HANDED_OVER,
        handed_over_on=dt.date(2015, 6, 1),
        note="说明：常年出差（甲；乙）",
    )
    changes_nothing(state)
    records = spelled(read(roster_of(state), "名册.xlsx", ROSTER))
    assert [(one.key, one.owners, one.area, one.note) for one in records] == [
        (one.key, one.owners, one.area, one.note) for one in records_of(state)
    ]


def test_a_handover_in_the_past_of_a_unit_still_pending_comes_back_the_same():
    changes_nothing(a_home([], handed_over_on=dt.date(2015, 6, 1)))


def test_a_unit_nobody_owns_comes_back_the_same():
    changes_nothing(a_home([]))


@pytest.mark.parametrize("number", ["S01", "3-1501", "A-2-302", "12-1-0302", "3-S05"])
def test_every_kind_of_number_comes_back_the_same(number):
    changes_nothing(a_home([({"name": "张三"}, {})], number=number))


def test_two_of_one_name_at_one_unit_come_back_as_two():
    changes_nothing(a_home([({"name": "张伟"}, {}), ({"name": "张伟"}, {})]))


def test_two_of_one_name_and_one_phone_come_back_as_two():
    changes_nothing(
        a_home([({"name": "张伟", "phone": phone_of(1)}, {}), ({"name": "张伟", "phone": phone_of(1)}, {})])
    )


@pytest.mark.parametrize("shares", [("0.3", "0.7"), ("0.333333", "0.666667"), ("0.5", "0.25", "0.25"), ("0.4",)])
def test_shares_come_back_to_the_last_digit(shares):
    changes_nothing(
        a_home([({"name": f"业主{place}"}, {"share": Decimal(share)}) for place, share in enumerate(shares)])
    )


@pytest.mark.parametrize(
    "name",
    [
        "张三、李四",
        "张三（已故）",
        "张三(已故)",
        "远山商贸（深圳）有限公司",
        "无",
        "业主",
        "Anna Berg",
        "A/B 合伙",
        "王12345678",
        "ＡＢＣ有限公司",
        "=1+1",
        "张三 50%",
        "欧阳 修",
        "张三等2人",
        "示例",
    ],
)
def test_a_name_of_any_kind_comes_back_as_that_name(name):
    changes_nothing(a_home([({"name": name}, {}), ({"name": "李四"}, {})]))


@pytest.mark.parametrize(
    ("phone", "other_phones"),
    [
        ("139 0000 0001", None),
        ("13900000001（晚上打）", None),
        ("找儿子", "王姐：13900000002"),
        ("18999999999", None),
        (None, "配偶：13900000002、0755-26543210-801"),
        ("0755-26543210", "本人：13900000001、13900000003"),
        ("12345", "随便写的、13900000002"),
        ("+852-91234567", "空号"),
    ],
)
def test_phones_of_any_kind_come_back_as_they_are(phone, other_phones):
    changes_nothing(a_home([({"name": "张三", "phone": phone, "other_phones": other_phones}, {})]))


@pytest.mark.parametrize("number", ["110101199001011234", "G12345678", "abc123", "111111111111111111", "C123456(7)"])
def test_documents_of_any_kind_come_back_as_they_are(number):
    changes_nothing(a_home([({"name": "张三", "id_number": number}, {})]))


@pytest.mark.parametrize("note", ["无", "／", "甲；乙", "示例房", "一行\n两行", "=cmd", "「引」"])
def test_notes_of_any_kind_come_back_as_they_are(note):
    changes_nothing(a_home([({"name": "张三"}, {}), ({"name": "李四"}, {})], note=note))


def test_more_occupants_than_owners_come_back_the_same():
    occupants = [
        {"name": "赵六", "phone": phone_of(6), "relation": OccupantRelation.RENTER},
        {"name": "张三", "relation": OccupantRelation.OWNER},
        {"name": "赵六", "phone": phone_of(7), "relation": OccupantRelation.FAMILY},
        {"name": "赵六", "relation": OccupantRelation.OTHER},
    ]
    changes_nothing(a_home([({"name": "张三"}, {})], occupants))


NAMES = st.one_of(
    st.sampled_from(["张三", "李四", "张三、李四", "无", "远山商贸（深圳）有限公司", "Anna Berg"]),
    st.text("张王李 、，（）/0123456789%ab·和与", min_size=1, max_size=8).map(str.strip).filter(bool),
)
PHONES = st.one_of(st.none(), st.sampled_from([phone_of(1), phone_of(2), "0755-26543210", "139 0000 0001", "见备注"]))
OTHERS = st.one_of(
    st.none(), st.sampled_from([phone_of(3), f"配偶：{phone_of(2)}", f"{phone_of(4)}、子：{phone_of(5)}"])
)
NOTES = st.one_of(st.none(), st.text("甲乙；：，（）ＡＢ /", min_size=1, max_size=6).map(str.strip).filter(bool))
DAYS = st.one_of(st.none(), st.dates(dt.date(1990, 1, 1), dt.date(2030, 1, 1)))
NUMBERS = ["1-1-101", "1-1-102", "2-201", "S01"]


@st.composite
def offices(draw):
    """An office with up to four units, whose owners and occupants are whatever people typed."""
    units = {
        number: UnitState(
            place,
            number,
            area=draw(st.sampled_from([None, Decimal("80.00"), Decimal("0.01")])),
            usage=draw(st.sampled_from(list(UnitUsage))),
            handover_state=draw(st.sampled_from(list(HandoverState))),
            handed_over_on=draw(DAYS),
            note=draw(NOTES),
        )
        for place, number in enumerate(draw(st.lists(st.sampled_from(NUMBERS), unique=True)), 1)
    }
    documents = draw(st.lists(st.sampled_from([None, id_of(1), id_of(2), "G1234567"]), max_size=4))
    kept = [number for place, number in enumerate(documents) if number is None or number not in documents[:place]]
    owners = [
        OwnerState(place, draw(NAMES), draw(st.sampled_from(list(OwnerKind))), draw(PHONES), draw(OTHERS), number)
        for place, number in enumerate(kept, 1)
    ]
    pairs = [(unit.id, owner.id) for unit in units.values() for owner in owners]
    held = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    ownerships = [
        OwnershipState(place, *pair, draw(st.sampled_from([Decimal(1), Decimal("0.5")])), place == 1, draw(DAYS))
        for place, pair in enumerate(held, 1)
    ]
    homes = draw(st.lists(st.sampled_from([unit.id for unit in units.values()]), max_size=3)) if units else []
    occupants = [
        OccupantState(place, home, draw(NAMES), draw(PHONES), draw(st.sampled_from(list(OccupantRelation))))
        for place, home in enumerate(homes, 1)
    ]
    return RosterState(units, owners, ownerships, occupants=occupants)


@given(offices())
@settings(max_examples=120, deadline=None)
def test_any_office_comes_back_the_same_in_every_mode(state):
    if not state.units:
        return
    for mode, plan in plans_of(state).items():
        assert not plan.refused, (mode, [cell.sentence for cell in plan.refused])
        assert plan.is_empty, (mode, [fact for row in plan.rows for fact in row.facts if fact.outcome != "same"])


def test_a_roster_of_a_real_office_comes_back_the_same(database, cast):
    with database.session(cast.north.scope(), cast.north.actor(Role.OFFICE_ADMIN)) as session:
        make.unit(session, cast.north.id, number="7-1-702")
        content = roster_workbook(session, cast.north.office)
        state = ROSTER.load(session, cast.north.office)
        plan = ROSTER.plan(read(content, "名册.xlsx", ROSTER).records, state, TODAY)
    assert plan.is_empty
    assert plan.counts["units"]["same"] == len(state.units) > 1
    assert not any(plan.missing.values())


def test_a_text_that_looks_like_a_formula_is_written_as_a_text():
    sheet = openpyxl.load_workbook(io.BytesIO(roster_of(a_home([({"name": "=1+1"}, {})], note="@x")))).active
    assert {cell.data_type for row in sheet.iter_rows(min_row=2) for cell in row if cell.value is not None} <= {
        "s",
        "n",
    }


@pytest.mark.parametrize("kind", KINDS)
def test_a_template_has_an_example_of_every_column_that_reads_without_fault(kind):
    for column in kind_named(kind).columns:
        if column.identifier != "own_number":
            example = EXAMPLES[kind][column.identifier]
            value = column.clean(Cell(example, CellKind.TEXT, 1, "A"))
            assert value is not None
            assert not isinstance(value, CellFault), (column.label, value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_template_sent_back_as_it_is_holds_no_record(kind):
    with pytest.raises(Refusal) as refusal:
        read(template_workbook(kind_named(kind)), "模板.xlsx", kind_named(kind))
    assert refusal.value.code == "rows_missing"


def test_a_template_that_is_filled_in_below_its_example_is_read():
    book = openpyxl.load_workbook(io.BytesIO(template_workbook(ROSTER)))
    sheet = book[ROSTER.label]
    headings = [cell.value for cell in sheet[1]]
    for heading, value in {"楼栋": "3栋", "房号": "101", "业主姓名": "张三", "使用性质": "商铺"}.items():
        sheet.cell(3, headings.index(heading) + 1, value)
    content = io.BytesIO()
    book.save(content)
    [record] = spelled(read(content.getvalue(), "模板.xlsx", ROSTER))
    assert (record.key.number, record.owners[0].name, record.usage) == ("3-101", "张三", UnitUsage.SHOP)


def test_a_template_offers_the_choices_of_a_column_and_keeps_numbers_as_text():
    sheet = openpyxl.load_workbook(io.BytesIO(template_workbook(ROSTER)))[ROSTER.label]
    lists = {rule.formula1.strip('"') for rule in sheet.data_validations.dataValidation}
    assert ",".join(usage.label for usage in UnitUsage) in lists
    headings = [cell.value for cell in sheet[1]]
    assert sheet.cell(2, headings.index("身份证号") + 1).number_format == "@"
