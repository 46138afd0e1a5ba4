"""Preview, then apply, on a real database: what was previewed is written, once, with its record; nothing else is."""

import threading
from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import func, select

import make
from audit.models import AuditEntry
from importers.apply import answer, apply, cancel, preview, unpacked
from importers.sheets import kind_named
from tenant.errors import Conflict, NotFound, Refusal
from tenant.models import Building, Estate, ImportBatch, Owner, Ownership, Section, Unit
from tenant.rules.terms import HandoverState, ImportState, Role, UnitUsage
from workbooks import builders


@pytest.fixture
def north(database, cast):
    """A session of the northern office's admin; what a test does not commit is gone."""
    with database.session(cast.north.scope(), cast.north.actor(Role.OFFICE_ADMIN)) as session:
        yield session


def units_in(session):
    return {unit.number: unit for unit in session.scalars(select(Unit).execution_options(populate_existing=True))}


def owners_of(session, number):
    rows = session.execute(
        select(Owner.name, Ownership.share, Ownership.is_payer, Ownership.to_on)
        .join(Ownership, Ownership.owner_id == Owner.id)
        .join(Unit, Unit.id == Ownership.unit_id)
        .where(Unit.number == number)
        .order_by(Ownership.id)
    )
    return [tuple(row) for row in rows]


def test_a_preview_writes_nothing_but_its_batch(north, cast):
    batch = preview(north, cast.north.office, "roster", "名册.xlsx", builders.plain())
    assert batch.state is ImportState.PREVIEWED
    assert set(units_in(north)) == {"1-1-101"}
    assert answer(batch) == {
        "batch": batch.id,
        "kind": "roster",
        "state": "previewed",
        "sheet": "业主名册",
        "counts": {
            "units": {"new": 4, "changed": 0, "same": 0},
            "owners": {"new": 3, "changed": 0, "same": 0},
            "ownerships": {"new": 3, "changed": 0, "same": 0},
            "occupants": {"new": 0, "changed": 0, "same": 0},
            "rows": {"read": 4, "refused": 0, "conflict": 0},
        },
        "refused": [],
    }


def test_applying_makes_buildings_units_owners_and_ownerships(north, cast):
    batch = preview(north, cast.north.office, "roster", "名册.xlsx", builders.plain())
    apply(north, batch.id)
    units = units_in(north)
    assert set(units) == {"1-1-101", "3-2-1501", "3-2-1502", "3-2-1601", "S01"}
    flat = units["3-2-1501"]
    assert (flat.room, flat.floor, flat.area, flat.usage) == ("1501", 15, Decimal("89.50"), UnitUsage.RESIDENCE)
    assert flat.handover_state is HandoverState.HANDED_OVER
    assert (flat.building.code, flat.section.code) == ("3", "2")
    assert units["S01"].building_id is None
    assert units["S01"].usage is UnitUsage.SHOP
    assert owners_of(north, "3-2-1501") == [("张三", Decimal(1), True, None)]
    assert north.scalar(select(Owner.phone).where(Owner.name == "张三")) == builders.phone_of(1)
    assert batch.state is ImportState.APPLIED
    assert batch.applied_at is not None


def test_the_same_file_again_is_all_the_same(north, cast):
    content = builders.with_several_in_a_cell()  # once: a workbook carries the second it was made in
    apply(north, preview(north, cast.north.office, "roster", "名册.xlsx", content).id)
    before = north.scalar(select(func.count(AuditEntry.id)).where(AuditEntry.verb.like("unit.%")))
    again = preview(north, cast.north.office, "roster", "名册.xlsx", content)
    counts = answer(again)["counts"]
    assert all(counts[name]["new"] == counts[name]["changed"] == 0 for name in ("units", "owners", "ownerships"))
    assert any("写入过" in notice for notice in unpacked(again)["notices"])
    apply(north, again.id)
    after = north.scalar(select(func.count(AuditEntry.id)).where(AuditEntry.verb.like("unit.%")))
    assert after == before


def test_a_batch_is_applied_once(north, cast):
    batch = preview(north, cast.north.office, "roster", "名册.xlsx", builders.plain())
    apply(north, batch.id)
    with pytest.raises(Refusal) as refused:
        apply(north, batch.id)
    assert refused.value.code == "batch_not_waiting"


def test_a_cancelled_batch_is_not_applied(north, cast):
    batch = preview(north, cast.north.office, "roster", "名册.xlsx", builders.plain())
    cancel(north, batch.id)
    with pytest.raises(Refusal) as refused:
        apply(north, batch.id)
    assert refused.value.code == "batch_not_waiting"


def test_a_batch_of_another_office_is_missing(north, database, cast):
    with database.session(cast.south.scope(), cast.south.actor(Role.OFFICE_ADMIN)) as south:
        batch = preview(south, cast.south.office, "roster", "名册.xlsx", builders.plain())
        south.commit()
        with pytest.raises(NotFound):
            apply(north, batch.id)


def test_each_written_row_stands_in_the_record(north, cast):
    batch = preview(north, cast.north.office, "roster", "名册.xlsx", builders.plain())
    apply(north, batch.id)
    entries = north.execute(
        select(AuditEntry.verb, func.count(AuditEntry.id))
        .where(AuditEntry.reason == f"导入「名册.xlsx」（批次 {batch.id}）")
        .group_by(AuditEntry.verb)
    )
    assert {verb: count for verb, count in entries if not verb.startswith("import")} == {
        "building.create": 1,
        "section.create": 1,
        "unit.create": 4,
        "owner.create": 3,
        "ownership.create": 3,
    }


def test_no_cell_of_the_file_stands_in_the_record_in_clear(north, cast):
    preview(north, cast.north.office, "roster", "名册.xlsx", builders.plain())
    texts = [str(after) for after in north.scalars(select(AuditEntry.after).where(AuditEntry.verb.like("import%")))]
    assert texts
    assert not any(builders.id_of(1) in text or builders.phone_of(1) in text for text in texts)


def test_a_changed_owner_ends_the_old_ownership_and_begins_the_new(north, cast):
    unit = make.unit(north, cast.north.id, number="8-1-101")
    make.ownership(north, unit, make.owner(north, cast.north.id, name="旧主"))
    content = builders.workbook(["房号", "业主姓名", "电话"], ["8-1-101", "新主", builders.phone_of(5)])
    batch = preview(north, cast.north.office, "roster", "过户.xlsx", content)
    assert answer(batch)["counts"]["ownerships"] == {"new": 1, "changed": 1, "same": 0}
    apply(north, batch.id)
    old, new = owners_of(north, "8-1-101")
    assert old[0] == "旧主"
    assert old[3] is not None
    assert new == ("新主", Decimal(1), True, None)


def test_a_row_edited_after_the_preview_comes_back_as_a_conflict(north, cast):
    unit = make.unit(north, cast.north.id, number="8-1-102", area=Decimal(80))
    rows = [["房号", "业主姓名", "面积"], ["8-1-102", None, 90], ["S77", "某人", 70]]
    batch = preview(north, cast.north.office, "roster", "名册.xlsx", builders.workbook(*rows))
    unit.area = Decimal(85)
    north.flush()
    applied = answer(apply(north, batch.id))
    assert applied["counts"]["rows"] == {"read": 2, "refused": 0, "conflict": 1}
    assert [(cell["row"], cell["code"]) for cell in applied["refused"]] == [(2, "conflict_changed")]
    units = units_in(north)
    assert units["8-1-102"].area == Decimal(85)
    assert units["S77"].area == Decimal(70)


@pytest.mark.parametrize("made_meanwhile", [True, False])
def test_who_writes_the_same_row_at_the_same_moment_is_told_so(north, cast, monkeypatch, made_meanwhile):
    """The state is read, then somebody commits a unit of that number, or changes it: the database has the last word."""
    unit = None if made_meanwhile else make.unit(north, cast.north.id, number="S88", area=Decimal(50))
    content = builders.workbook(["房号", "业主姓名", "面积"], ["S88", None, 60])
    batch = preview(north, cast.north.office, "roster", "名册.xlsx", content)
    kind = kind_named("roster")
    seen = kind.load(north, cast.north.office)
    monkeypatch.setattr("importers.apply.kind_named", lambda _name: replace(kind, load=lambda *_args: seen))
    if unit is None:
        make.unit(north, cast.north.id, number="S88")
    else:
        unit.area = Decimal(55)
        north.flush()
    with pytest.raises(Conflict) as refused:
        apply(north, batch.id)
    assert refused.value.code == "import_raced"


def test_two_estates_and_a_new_building_are_a_question(north, cast):
    for name in ("东苑", "西苑"):
        make.estate(north, cast.north.id, name=name)
    batch = preview(north, cast.north.office, "roster", "名册.xlsx", builders.plain())
    assert {cell["code"] for cell in answer(batch)["refused"]} == {"conflict_estate_unclear"}
    assert answer(batch)["counts"]["units"]["new"] == 1


def test_a_refused_row_does_not_stop_the_others(north, cast):
    batch = preview(north, cast.north.office, "roster", "名册.xlsx", builders.with_numbers_for_ids())
    assert answer(batch)["counts"]["rows"] == {"read": 3, "refused": 2, "conflict": 0}
    assert answer(batch)["refused"][0] == {
        "sheet": "业主名册",
        "row": 2,
        "column": "F",
        "value": "9.90101199001010E+17",
        "code": "digits_lost",
        "reason": "第 2 行「身份证号」：数字格式丢失了末位，无法还原。请把该列设为文本后重新填写。",
    }
    apply(north, batch.id)
    assert "1-1-102" in units_in(north)


def test_a_path_in_the_name_of_a_file_is_left_behind(north, cast):
    batch = preview(north, cast.north.office, "roster", "C:\\桌面\\..\\名册\x00.xlsx", builders.plain())
    assert batch.file_name == "名册.xlsx"


def test_a_file_that_is_no_workbook_leaves_no_batch(north, cast):
    with pytest.raises(Refusal):
        preview(north, cast.north.office, "roster", "名册.xlsx", b"no workbook")
    assert north.scalar(select(func.count(ImportBatch.id)).where(ImportBatch.file_name == "没有这个")) == 0


def test_the_preview_keeps_samples_rows_and_notices(north, cast):
    batch = preview(north, cast.north.office, "roster", "名册.xlsx", builders.with_title_and_side_notes())
    kept = unpacked(batch)
    assert kept["columns"][0]["header_row"] == 3
    assert {row["name"] for row in kept["rows"]} == {"1-1-101", "1-1-102", "1-1-201"}
    assert any("示例" in notice for notice in kept["notices"])


def test_a_doubled_click_waits_and_is_told(database, cast):
    scope, actor = cast.south.scope(), cast.south.actor(Role.OFFICE_ADMIN)
    with database.session(scope, actor) as session:
        batch_id = preview(session, cast.south.office, "roster", "双击.xlsx", builders.plain()).id
        session.commit()
    codes, ready = [], threading.Barrier(2)

    def click():
        with database.session(scope, actor) as session:
            ready.wait()
            try:
                apply(session, batch_id)
                session.commit()
                codes.append("applied")
            except Refusal as refusal:
                codes.append(refusal.code)

    clicks = [threading.Thread(target=click) for _ in range(2)]
    for thread in clicks:
        thread.start()
    for thread in clicks:
        thread.join()
    assert sorted(codes) == ["applied", "batch_not_waiting"]
    with database.session(scope, actor) as session:
        assert session.scalar(select(func.count(Unit.id)).where(Unit.number == "3-2-1501")) == 1
        assert session.scalar(select(func.count(Building.id)).where(Building.code == "3")) == 1
        assert session.scalar(select(func.count(Section.id)).where(Section.code == "2")) == 1
        assert session.scalar(select(func.count(Estate.id))) == 1


def test_a_mail_address_belongs_to_the_first_owner_of_a_row_and_a_new_one_replaces_it(north, cast):
    heading = ("楼栋", "单元", "房号", "业主姓名", "联系电话", "邮箱")

    def import_address(address):
        content = builders.workbook(heading, ("8", "1", "101", "陈一、陈二", builders.phone_of(81), address))
        batch = preview(north, cast.north.office, "roster", "名册.xlsx", content)
        counts = answer(apply(north, batch.id))["counts"]["owners"]
        found = north.execute(select(Owner.name, Owner.email).where(Owner.name.in_(["陈一", "陈二"])))
        emails = {name: email for name, email in found}  # noqa: C416 - rows, not pairs
        return counts, emails

    assert import_address("Chen@Home.invalid")[1] == {"陈一": "chen@home.invalid", "陈二": None}
    assert import_address("无") == ({"new": 0, "changed": 0, "same": 2}, {"陈一": "chen@home.invalid", "陈二": None})
    counts, emails = import_address("new@home.invalid")
    assert counts == {"new": 0, "changed": 1, "same": 1}
    assert emails["陈一"] == "new@home.invalid"


def test_what_is_no_mail_address_is_refused_with_the_way_out(north, cast):
    content = builders.workbook(("楼栋", "单元", "房号", "业主姓名", "邮箱"), ("8", "1", "102", "陈三", "chen at home"))
    (refused,) = answer(preview(north, cast.north.office, "roster", "名册.xlsx", content))["refused"]
    assert refused["code"] == "email_unreadable"
    assert "邮箱" in refused["reason"]
