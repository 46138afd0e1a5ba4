"""Rows written in bulk are the rows that were given, in their order, nothing cut and nothing rounded away."""

from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DataError

import make
from audit.models import AuditEntry
from cast import Cast
from tenant.db import Database
from tenant.errors import WallBreach
from tenant.journal import CLOCKWORK, StaleRow, write_columns, write_rows
from tenant.models import ImportBatch, Owner, Unit
from tenant.rules.terms import HandoverState, OwnerKind, UnitUsage

COUNT = 120  # more than the record writes one by one


def test_ids_come_in_the_order_of_the_rows(database: Database, cast: Cast) -> None:
    rows = [{"office_id": cast.north.id, "name": f"业主 {number % 7}", "phone": str(number)} for number in range(COUNT)]
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        ids = write_rows(session, Owner, inserts=rows)
        session.commit()
        phones = {row.id: row.phone for row in session.execute(select(Owner.id, Owner.phone))}
    assert [phones[row_id] for row_id in ids] == [row["phone"] for row in rows]


def test_every_kind_of_value_arrives_as_it_was(database: Database, cast: Cast) -> None:
    row = {
        "office_id": cast.north.id,
        "number": "9-1-101",
        "room": "101",
        "area": Decimal("88.06"),
        "usage": UnitUsage.SHOP,
        "handover_state": HandoverState.HANDED_OVER,
        "handed_over_on": make.NOON.date(),
        "note": "含 \\ \" ' {} , NULL 与换行\n的备注",
    }
    bare = dict.fromkeys(row, None) | {key: row[key] for key in ("office_id", "room", "usage", "handover_state")}
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        full_id, bare_id = write_rows(session, Unit, inserts=[row, bare | {"number": "9-1-102"}])
        session.commit()
        full, empty = session.get_one(Unit, full_id), session.get_one(Unit, bare_id)
        assert {key: getattr(full, key) for key in row} == row
        assert (empty.area, empty.handed_over_on, empty.note) == (None, None, None)
        assert full.version == 1
        assert full.created_at is not None


def test_what_the_model_gives_by_default_is_given_in_bulk_too(database: Database, cast: Cast) -> None:
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        (row_id,) = write_rows(session, Owner, inserts=[{"office_id": cast.north.id, "name": "无类别"}])
        assert session.get_one(Owner, row_id).kind is OwnerKind.PERSON


def test_structured_values_stay_structured(database: Database, cast: Cast) -> None:
    row = {
        "office_id": cast.north.id,
        "kind": "roster",
        "file_name": "名册.xlsx",
        "file_digest": "0" * 64,
        "file_size": 3,
        "file": b"\x00\\\xff",
        "counts": {"units": {"new": 1}, "名": ["甲", None]},
    }
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        (row_id,) = write_rows(session, ImportBatch, inserts=[row])
        session.commit()
        batch = session.get_one(ImportBatch, row_id)
        assert (batch.counts, batch.file, batch.mapping) == (row["counts"], row["file"], {})


def test_a_text_that_is_too_long_is_refused_and_not_cut(database: Database, cast: Cast) -> None:
    with database.session(cast.north.scope(), CLOCKWORK) as session, pytest.raises(DataError):
        write_rows(session, Owner, inserts=[{"office_id": cast.north.id, "name": "长" * 101}])


@pytest.mark.parametrize("count", [1, COUNT])
def test_each_row_has_its_entry_however_many_there_are(database: Database, cast: Cast, count: int) -> None:
    rows = [{"office_id": cast.south.id, "name": f"记录 {number}"} for number in range(count)]
    with database.session(cast.south.scope(), CLOCKWORK) as session:
        ids = write_rows(session, Owner, inserts=rows)
        session.commit()
        found = select(AuditEntry).where(AuditEntry.subject_kind == "owner", AuditEntry.subject_id.in_(ids))
        entries = session.scalars(found.order_by(AuditEntry.subject_id)).all()
        nothing_before = session.scalars(found.where(AuditEntry.before.is_(None))).all()
    assert [(entry.subject_id, entry.verb, entry.office_id) for entry in entries] == [
        (row_id, "owner.create", cast.south.id) for row_id in ids
    ]
    assert len(nothing_before) == count


ODD = ["", " ", "含 \\ \" ' {} , NULL", "换行\n与\t制表", "\\N", "null", "\x1e", "甲\x1f乙", "甲\x1e乙", "🀄", None]


@pytest.mark.parametrize("odd", ODD, ids=map(repr, range(len(ODD))))
def test_many_rows_arrive_as_few_do_whatever_stands_in_them(database: Database, cast: Cast, odd: str | None) -> None:
    rows = [
        {"office_id": cast.north.id, "number": f"很多-{number}", "room": str(number), "area": (number + 1) / Decimal(4)}
        | {"usage": UnitUsage.SHOP, "handed_over_on": make.NOON.date(), "note": odd if number % 3 else None}
        for number in range(COUNT)
    ]
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        write_rows(session, Unit, inserts=rows)
        kept = session.execute(
            select(Unit.number, Unit.room, Unit.area, Unit.usage, Unit.handed_over_on, Unit.note)
            .where(Unit.number.like("很多-%"))
            .order_by(Unit.id)
        )
        assert [row._asdict() for row in kept] == [
            {name: value for name, value in row.items() if name != "office_id"} for row in rows
        ]


def test_what_is_recorded_of_many_rows_is_what_is_recorded_of_one(database: Database, cast: Cast) -> None:
    def row(number: int) -> dict[str, object]:
        return {
            "office_id": cast.north.id,
            "name": f'张"{number}',
            "kind": OwnerKind.COMPANY,
            "phone": f"199{number:08}",
            "id_number": None,
            "note": "一\n二",
        }

    with database.session(cast.north.scope(), CLOCKWORK) as session:
        for count in (1, COUNT):
            write_rows(session, Owner, inserts=[row(7) for _ in range(count)])
        session.commit()
        entries = session.scalars(select(AuditEntry).where(AuditEntry.verb == "owner.create")).all()
    owners = [entry for entry in entries if entry.after and entry.after.get("note") == "一\n二"]
    assert len(owners) == 1 + COUNT
    facts = ("actor_kind", "actor_name", "office_id", "subject_kind", "before", "after", "reason")
    said = {str([getattr(entry, name) for name in facts]) for entry in owners}
    assert len(said) == 1
    assert owners[0].after == {
        "name": "张**",
        "kind": "company",
        "phone": "199****0007",
        "id_number": None,
        "note": "一\n二",
    }


@pytest.mark.parametrize("count", [2, COUNT])
def test_rows_given_column_by_column_are_rows_on_the_record_like_any_other(
    database: Database, cast: Cast, count: int
) -> None:
    columns = {"name": [f"列 {number}" for number in range(count)], "phone": [None] * count}
    shared = {"office_id": cast.north.id, "kind": OwnerKind.COMPANY}
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        ids = write_columns(session, Owner, columns, shared)
        kept = {
            row_id: (name, kind) for row_id, name, kind in session.execute(select(Owner.id, Owner.name, Owner.kind))
        }
        assert [kept[row_id] for row_id in ids] == [(name, OwnerKind.COMPANY) for name in columns["name"]]
        found = select(AuditEntry).where(AuditEntry.verb == "owner.create", AuditEntry.subject_id.in_(ids))
        entries = session.scalars(found.order_by(AuditEntry.subject_id)).all()
        assert [entry.subject_id for entry in entries] == ids
        assert entries[1].after == {"kind": "company", "name": "列**", "phone": None}
        assert write_columns(session, Owner, {"name": [], "phone": []}, shared) == []


def test_columns_of_another_office_are_not_written(database: Database, cast: Cast) -> None:
    columns = {"name": ["甲", "乙"], "office_id": [cast.north.id, cast.south.id]}
    with database.session(cast.north.scope(), CLOCKWORK) as session, pytest.raises(WallBreach):
        write_columns(session, Owner, columns)


def test_many_updates_and_deletes_meet_the_rows_they_name_and_none_that_has_changed(
    database: Database, cast: Cast
) -> None:
    rows = [{"office_id": cast.north.id, "name": f"业主{number}", "note": None} for number in range(COUNT)]
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        ids = write_rows(session, Owner, inserts=rows)
        read = [row | {"id": row_id, "version": 1} for row, row_id in zip(rows, ids, strict=True)]
        write_rows(session, Owner, updates=[(row, {"note": f"备注 {row['id']}"}) for row in read])
        found = session.execute(select(Owner.id, Owner.note, Owner.version).where(Owner.id.in_(ids))).all()
        assert {tuple(row) for row in found} == {(row_id, f"备注 {row_id}", 2) for row_id in ids}
        with pytest.raises(StaleRow):
            write_rows(session, Owner, updates=[(row, {"note": "旧"}) for row in read])
        with pytest.raises(StaleRow):
            write_rows(session, Owner, deletes=read)
        kept = [row | {"version": 2} for row in read]
        again = [*kept[:-1], kept[0]]
        with pytest.raises(StaleRow):
            write_rows(session, Owner, updates=[(row, {"note": "两次"}) for row in again])
        session.rollback()
        ids = write_rows(session, Owner, inserts=rows)
        write_rows(
            session, Owner, deletes=[row | {"id": row_id, "version": 1} for row, row_id in zip(rows, ids, strict=True)]
        )
        assert session.scalars(select(Owner.id).where(Owner.id.in_(ids))).all() == []


def test_numbers_that_are_equal_and_written_otherwise_are_recorded_as_they_are_written(
    database: Database, cast: Cast
) -> None:
    areas = [Decimal(text) for text in ("89.5", "89.50")]
    rows = [
        {"office_id": cast.north.id, "number": f"小数-{number}", "room": "1", "area": areas[number % 2]}
        for number in range(COUNT)
    ]
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        ids = write_rows(session, Unit, inserts=rows)
        kept = session.execute(select(AuditEntry.subject_id, AuditEntry.after).where(AuditEntry.verb == "unit.create"))
        recorded = {subject_id: after["area"] for subject_id, after in kept if after and "area" in after}
    assert [recorded[row_id] for row_id in ids] == [str(row["area"]) for row in rows]
