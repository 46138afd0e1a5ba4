"""A written batch taken back: every table is as it was, what others have touched since is listed and left."""

import datetime as dt
from decimal import Decimal

import pytest
from sqlalchemy import Float, String, column, func, select, table

import make
from audit.models import AuditEntry
from importers import apply as applying
from importers import trails, undo
from importers.apply import apply, preview
from importers.writing import Trail, count_anew
from tenant.errors import NotFound, Refusal
from tenant.journal import write_rows
from tenant.models import Allocation, Building, ImportBatch, Occupant, Owner, Ownership, Payment, Unit
from tenant.models.base import OfficeScoped
from tenant.rules.terms import ImportState, PaymentMethod, Role, UnitUsage
from tenant.scoping import Scope
from workbooks import builders

MACHINERY = {"import_batch", "job", "audit_entry", "audit_seal", "import_layout", "heading_alias"}
BOOKKEEPING = {"version"}


@pytest.fixture
def north(database, cast):
    """A session of the northern office's admin; what a test does not commit is gone."""
    with database.session(cast.north.scope(), cast.north.actor(Role.OFFICE_ADMIN)) as session:
        yield session


def sums_of(session):
    """Return table → the rows an office has in it, with all that they hold but the count of their changes."""
    session.expire_all()
    found = {}
    for mapper in OfficeScoped.registry.mappers:
        name = mapper.local_table.name
        if issubclass(mapper.class_, OfficeScoped) and name not in MACHINERY:
            columns = [attr.class_attribute for attr in mapper.column_attrs if attr.key not in BOOKKEEPING]
            found[name] = sorted(map(repr, session.execute(select(*columns))))
    return found


def written(session, cast, content, kind="roster"):
    """Preview and apply a file; return its batch."""
    return apply(session, preview(session, cast.north.office, kind, "名册.xlsx", content).id)


def test_what_was_written_is_gone_again_and_every_table_is_as_it_was(north, cast):
    before = sums_of(north)
    batch = written(north, cast, builders.plain())
    assert sums_of(north) != before
    foreseen = undo.foresee(north, batch.id)
    undone = undo.undo(north, batch.id)
    assert sums_of(north) == before
    assert foreseen.is_exact
    assert foreseen.counts["房屋"] == {"removed": 4, "restored": 0, "kept": 0}
    assert (undone.state, undone.counts["undone"]["kept"]) == (ImportState.UNDONE, 0)
    assert undone.undone_by_id == cast.north.people[Role.OFFICE_ADMIN].id


def test_changed_units_owners_and_transfers_are_as_they_were(north, cast):
    unit = make.unit(north, cast.north.id, number="8-1-101", area=Decimal(80))
    owner = make.owner(north, cast.north.id, name="旧主")
    make.ownership(north, unit, owner)
    before = sums_of(north)
    content = builders.workbook(
        ["房号", "业主姓名", "电话", "面积", "备注"], ["8-1-101", "新主", builders.phone_of(5), 95.5, "换了主人"]
    )
    batch = written(north, cast, content)
    assert undo.foresee(north, batch.id).counts["产权"] == {"removed": 1, "restored": 1, "kept": 0}
    undo.undo(north, batch.id)
    assert sums_of(north) == before


def test_a_file_of_any_name_is_written_and_taken_back_with_a_reason_that_names_the_batch(north, cast):
    name = "名" * 240 + ".xlsx"
    batch = apply(north, preview(north, cast.north.office, "roster", name, builders.plain()).id)
    assert undo.undo(north, batch.id).state is ImportState.UNDONE
    made = select(AuditEntry.verb, AuditEntry.reason).where(AuditEntry.subject_kind == "unit")
    reasons = {verb: reason for verb, reason in north.execute(made) if reason}
    assert reasons.keys() == {"unit.create", "unit.delete"}
    assert all(f"（批次 {batch.id}）" in reason and "名名" in reason for reason in reasons.values())


def test_a_row_changed_since_is_listed_and_left_and_the_rest_goes_back(north, cast):
    batch = written(north, cast, builders.plain())
    touched = north.scalar(select(Unit).where(Unit.number == "3-2-1501"))
    touched.note = "物业改过"
    north.flush()
    foreseen = undo.foresee(north, batch.id)
    assert {"what": "房屋 3-2-1501", "why": "导入之后又被修改过"} in foreseen.kept
    assert foreseen.counts["房屋"] == {"removed": 3, "restored": 0, "kept": 1}
    done = undo.undo(north, batch.id)
    assert set(north.scalars(select(Unit.number))) == {"1-1-101", "3-2-1501"}
    assert "3" in set(north.scalars(select(Building.code))), "the unit that stays keeps its building"
    assert set(north.scalars(select(Owner.name))).isdisjoint({"张三"})
    assert undo.left(done) == foreseen.kept


def test_an_owner_others_refer_to_by_now_stays_with_what_it_needs(north, cast):
    batch = written(north, cast, builders.plain())
    unit = north.scalar(select(Unit).where(Unit.number == "3-2-1501"))
    north.add(Occupant(office_id=cast.north.id, unit_id=unit.id, name="租客"))
    north.flush()
    undo.undo(north, batch.id)
    assert set(north.scalars(select(Unit.number))) == {"1-1-101", "3-2-1501"}
    assert "住户用到它" in " ".join(row["why"] for row in undo.left(north.get_one(ImportBatch, batch.id)))


HEADINGS = ["楼栋", "单元", "房号", "业主姓名", "电话", "证件号", "面积"]


def roster(*rows):
    return builders.workbook(HEADINGS, *rows)


def test_a_transfer_goes_back_whole_or_not_at_all(north, cast):
    """Half a transfer would leave two owners of the whole unit."""
    for number in ("101", "102"):
        unit = make.unit(north, cast.north.id, number=f"9-1-{number}")
        make.ownership(north, unit, make.owner(north, cast.north.id, name=f"旧主{number}"))
    rows = [
        ["9", "1", number, f"新主{number}", builders.phone_of(int(number)), None, None] for number in ("101", "102")
    ]
    batch = written(north, cast, roster(*rows))
    touched = north.scalar(select(Ownership).join(Ownership.owner).where(Owner.name == "新主101"))
    touched.is_payer = False
    north.flush()
    undo.undo(north, batch.id)
    lasting = select(Owner.name).join(Ownership, Ownership.owner_id == Owner.id).where(Ownership.to_on.is_(None))
    names = set(north.scalars(lasting.where(Owner.name.like("%10_"))))
    assert names == {"新主101", "旧主102"}
    assert any("一起撤销" in row["why"] for row in undo.left(batch))


def test_who_came_after_a_transfer_keeps_the_unit(database, cast):
    """Somebody registers the next owner by hand: the one before must not come back beside them."""
    scope, actor = cast.north.scope(), cast.north.actor(Role.OFFICE_ADMIN)
    with database.session(scope, actor) as session:
        unit = make.unit(session, cast.north.id, number="S9201", building=None)
        make.ownership(session, unit, make.owner(session, cast.north.id, name="头一位"))
        session.commit()
        batch_id = written(
            session, cast, roster([None, None, "S9201", "第二位", builders.phone_of(201), None, None])
        ).id
        session.commit()
        make.ownership(session, unit, make.owner(session, cast.north.id, name="第三位"), share=Decimal("0.5"))
        session.commit()
        foreseen = undo.foresee(session, batch_id)
        assert foreseen.counts["产权"] == {"removed": 0, "restored": 0, "kept": 2}
        assert any("又登记了新的产权" in row["why"] for row in foreseen.kept)


def test_an_id_another_owner_has_by_now_is_not_taken_back(north, cast):
    owner = make.owner(north, cast.north.id, name="林某", phone=builders.phone_of(61), id_number=None)
    make.ownership(north, make.unit(north, cast.north.id, number="9-3-301"), owner)
    batch = written(north, cast, roster(["9", "3", "301", "林某", builders.phone_of(61), builders.id_of(61), 77]))
    assert undo.foresee(north, batch.id).is_exact
    north.refresh(owner)
    assert owner.id_number == builders.id_of(61)
    second = written(north, cast, roster(["9", "3", "302", "林二", builders.phone_of(62), builders.id_of(62), 78]))
    undo.undo(north, second.id)
    undo.undo(north, batch.id)
    north.refresh(owner)
    assert owner.id_number is None


def test_old_values_that_another_row_holds_by_now_are_found_beforehand(north, cast):
    batch = written(north, cast, roster(["9", "4", "401", "周某", builders.phone_of(63), None, 80]))
    owner = north.scalar(select(Owner).where(Owner.name == "周某"))
    trail = Trail("owner", owner.id, owner.version, {"id_number": builders.id_of(64)})
    batch.trace = trails.packed([trail])
    make.owner(north, cast.north.id, name="吴某", id_number=builders.id_of(64))
    foreseen = undo.foresee(north, batch.id)
    assert [row["why"] for row in foreseen.kept] == ["原来的内容现在被另一条业主占用"]
    undo.undo(north, batch.id)
    north.refresh(owner)
    assert owner.id_number is None


def test_who_looks_at_all_offices_is_told_nothing_of_what_another_office_holds(database, cast):
    both = Scope.of([cast.north.id, cast.south.id])
    with database.session(both, cast.north.actor(Role.OFFICE_ADMIN)) as session:
        batch = written(session, cast, roster(["9", "4", "402", "周某", builders.phone_of(66), None, 80]))
        owner = session.scalar(select(Owner).where(Owner.name == "周某"))
        batch.trace = trails.packed([Trail("owner", owner.id, owner.version, {"id_number": builders.id_of(67)})])
        make.owner(session, cast.south.id, name="吴某", id_number=builders.id_of(67))
        assert undo.foresee(session, batch.id).is_exact


def test_batches_on_top_of_each_other_go_back_one_after_the_other(north, cast):
    start = sums_of(north)
    batches = [
        written(north, cast, roster(["9", "5", "501", "郑某", builders.phone_of(65), None, area]))
        for area in (70, 71, 72)
    ]
    assert undo.foresee(north, batches[0].id).counts["房屋"]["kept"] == 1, "a later batch has changed it"
    for batch in reversed(batches):
        assert undo.foresee(north, batch.id).is_exact
        undo.undo(north, batch.id)
    assert sums_of(north) == start


def test_a_batch_is_undone_once_and_only_after_it_was_written(north, cast):
    batch = preview(north, cast.north.office, "roster", "名册.xlsx", builders.plain())
    for act in (undo.foresee, undo.begin, undo.undo):
        with pytest.raises(Refusal) as refused:
            act(north, batch.id)
        assert refused.value.code == "batch_not_waiting"
    apply(north, batch.id)
    assert undo.begin(north, batch.id) is undo.begin(north, batch.id), "a doubled click begins once"
    undo.undo(north, batch.id, begun=True)
    for act in (undo.foresee, undo.begin, undo.undo, apply):
        with pytest.raises(Refusal) as refused:
            act(north, batch.id)
        assert refused.value.code == "batch_not_waiting"


def test_without_its_trace_a_batch_is_not_undone_and_says_so(north, cast):
    batch = written(north, cast, builders.plain())
    batch.trace = None
    north.flush()
    for act in (undo.foresee, undo.begin, undo.undo):
        with pytest.raises(Refusal) as refused:
            act(north, batch.id)
        assert refused.value.code == "trace_deleted"


def test_a_batch_of_another_office_is_not_there_to_undo(north, database, cast):
    with database.session(cast.south.scope(), cast.south.actor(Role.OFFICE_ADMIN)) as south:
        batch = preview(south, cast.south.office, "roster", "名册.xlsx", builders.plain())
        apply(south, batch.id)
        south.commit()
        for act in (undo.foresee, undo.begin, undo.undo):
            with pytest.raises(NotFound):
                act(north, batch.id)
        undo.undo(south, batch.id)
        south.commit()


def test_each_row_that_goes_back_stands_in_the_record_with_the_reason(north, cast):
    batch = written(north, cast, builders.plain())
    undo.undo(north, batch.id)
    entries = north.execute(
        select(AuditEntry.verb, func.count(AuditEntry.id))
        .where(AuditEntry.reason == f"撤销导入「名册.xlsx」（批次 {batch.id}）")
        .group_by(AuditEntry.verb)
    )
    assert {verb: count for verb, count in entries if not verb.startswith("import")} == {
        "building.delete": 1,
        "section.delete": 1,
        "unit.delete": 4,
        "owner.delete": 3,
        "ownership.delete": 3,
    }


def test_what_was_written_can_be_written_again_after_it_was_undone(north, cast):
    content = builders.plain()
    batch = written(north, cast, content)
    after = {name: len(rows) for name, rows in sums_of(north).items()}
    undo.undo(north, batch.id)
    again = written(north, cast, content)
    assert again.counts == {name: counted for name, counted in batch.counts.items() if name != "undone"}
    assert {name: len(rows) for name, rows in sums_of(north).items()} == after


def test_values_of_every_type_come_back_as_they_were():
    day, sum_of = dt.date(2026, 11, 22), Decimal("12.50")
    before = {"area": sum_of, "handed_over_on": day, "usage": UnitUsage.SHOP, "note": None, "floor": 3}
    trace = [
        Trail("unit", 5, 1, None),
        Trail("unit", 6, 4, before),
        Trail("ownership", 7, 2, {"is_payer": False}),
        Trail("unit", 8, 1, None),
    ]
    assert trails.unpacked(trails.packed(trace)) == trace


def test_opening_arrears_and_what_was_paid_of_them_go_back(north, cast):
    unit = make.unit(north, cast.north.id, number="9-6-601")
    make.ownership(north, unit, make.owner(north, cast.north.id, name="何欠"))
    before = sums_of(north)
    head = ["房号", "业主", "收费项目", "费用期间", "应缴日", "应收金额", "已缴金额"]
    content = builders.workbook(
        head,
        ["9-6-601", "何欠", "装修管理费", "2026年1月", "2026-01-10", 300, 100],
        ["9-6-601", "何欠", "装修管理费", "2026年2月", "2026-02-10", 300, None],
    )
    batch = written(north, cast, content, "arrears")
    assert len(sums_of(north)["charge"]) == len(before["charge"]) + 2
    assert undo.foresee(north, batch.id).is_exact
    undo.undo(north, batch.id)
    assert sums_of(north) == before


def test_receipts_and_what_they_settled_go_back_and_a_receipt_touched_since_stays_whole(north, cast):
    unit = make.unit(north, cast.north.id, number="9-7-701")
    owner = make.owner(north, cast.north.id, name="何欠")
    make.ownership(north, unit, owner)
    kind = make.charge_type(north, cast.north.id, name="物业服务费")
    for month in (1, 2):
        day = dt.date(2026, month, 1)
        make.charge(
            north,
            unit,
            owner,
            day,
            charge_type=kind,
            amount=Decimal(300),
            period_from=day,
            period_to=day.replace(day=28),
        )
    before = sums_of(north)
    head = ["收据号", "房号", "缴费人", "金额", "收款日期", "收款方式"]
    rows = [
        ["P-1", "9-7-701", "何欠", 300, "2026-03-01", "现金"],
        ["P-2", "9-7-701", "何欠", 200, "2026-03-02", "现金"],
    ]
    content = builders.workbook(head, *rows)
    undo.undo(north, written(north, cast, content, "payments").id)
    assert sums_of(north) == before
    batch = written(north, cast, content, "payments")
    touched = north.scalar(select(Payment).where(Payment.receipt_number == "P-1"))
    touched.method = PaymentMethod.TRANSFER
    north.flush()
    undo.undo(north, batch.id)
    settled = select(Payment.receipt_number, Allocation.amount).join(Allocation, Allocation.payment_id == Payment.id)
    assert [tuple(row) for row in north.execute(settled)] == [("P-1", Decimal(300))]


@pytest.mark.parametrize(
    ("kind", "head", "row"),
    [
        (
            "parking",
            ["车位号", "车位类型", "房号", "车主", "车牌号", "承租人", "月租", "起租日"],
            ["B1-900", "公共", "9-8-801", "何欠", "粤B12345", "何欠", 300, "2026-01-01"],
        ),
        (
            "meters",
            ["房号", "表号", "表计种类", "本期读数", "抄表日期"],
            ["9-8-801", "W-900", "水表", 120, "2026-11-01"],
        ),
    ],
)
def test_every_other_kind_of_sheet_goes_back_too(north, cast, kind, head, row):
    unit = make.unit(north, cast.north.id, number="9-8-801")
    make.ownership(north, unit, make.owner(north, cast.north.id, name="何欠"))
    before = sums_of(north)
    batch = written(north, cast, builders.workbook(head, row), kind)
    assert sums_of(north) != before
    undo.undo(north, batch.id)
    assert sums_of(north) == before


def test_what_a_large_import_has_brought_is_counted_at_once_by_the_role_that_serves(north, cast):
    """Without statistics each removal looks through all that was imported: 5,000 rows took three minutes."""
    rows = [{"office_id": cast.north.id, "name": "何某", "note": "长" * 200} for _ in range(2_000)]
    write_rows(north, Owner, inserts=rows)
    before = counted(north)
    count_anew(north)
    assert before < len(rows) <= counted(north)


def counted(session):
    known = table("pg_class", column("relname", String), column("reltuples", Float))
    return session.scalar(select(known.c.reltuples).where(known.c.relname == "owner"))


@pytest.mark.parametrize("doing", [applying, undo])
def test_writing_and_undoing_many_rows_have_the_tables_counted(north, cast, monkeypatch, doing):
    told = []
    monkeypatch.setattr(doing, "MANY", 1)
    monkeypatch.setattr(doing, "count_anew", told.append)
    undo.undo(north, written(north, cast, builders.plain()).id)
    assert told == [north]
