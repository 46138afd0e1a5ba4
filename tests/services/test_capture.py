"""The record writes itself: what a session changes, in the transaction that changes it, and nothing it may not keep."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import Text, cast, func, inspect, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

import make
from audit.models import AuditEntry
from tenant import clock
from tenant.journal import CLOCKWORK, Actor, RecordedAct, because, note, write_rows
from tenant.models import Base, Company, DueAction, Estate, ImportBatch, Mail, Owner, Staff, Unit
from tenant.rules.terms import ActorKind, ImportState, MailClass, OwnerKind, Role, UnitUsage
from tenant.scoping import Scope
from tenant.unscoped import Reason, across_offices

PERSONAL_NAMES = re.compile(r"phone|email|id_number|recipient|reporter_name")
NOT_OF_A_PERSON = {
    ("office", "phone"): "the desk's own number, printed on every notice",
}


@pytest.fixture
def desk(database, cast):
    """A session of the northern front desk; what a test leaves is rolled back."""
    with database.session(cast.north.scope(), cast.north.actor(Role.FRONT_DESK)) as session:
        yield session


@pytest.fixture
def owner(desk, cast) -> Owner:
    """The northern owner, loaded."""
    return desk.get(Owner, cast.north.owner.id)


def entries(session: Session, kind: str, verb: str | None = None) -> list[AuditEntry]:
    """Return the entries about ``kind`` that the session's own transaction made, oldest first."""
    own = cast(cast(func.pg_current_xact_id(), Text), AuditEntry.xid.type)
    found = select(AuditEntry).where(AuditEntry.subject_kind == kind, AuditEntry.xid == own).order_by(AuditEntry.id)
    return [entry for entry in session.scalars(found) if verb is None or entry.verb == f"{kind}.{verb}"]


def only(session: Session, kind: str, verb: str) -> AuditEntry:
    (entry,) = entries(session, kind, verb)
    return entry


# ---- what is written down
def test_a_new_row_is_recorded_with_what_it_holds(desk, cast):
    estate = make.estate(desk, cast.north.id, name="北苑", address="和平路 1 号")
    entry = only(desk, "estate", "create")
    assert (entry.subject_id, entry.office_id) == (estate.id, cast.north.id)
    assert entry.before is None
    assert entry.after == {"name": "北苑", "address": "和平路 1 号"}


def test_a_change_is_recorded_with_only_the_columns_that_changed(desk, owner):
    owner.note = "常年在外地"
    desk.flush()
    entry = only(desk, "owner", "update")
    assert entry.before == {"note": None}
    assert entry.after == {"note": "常年在外地"}


def test_a_deletion_is_recorded_with_what_was_there(desk, cast):
    estate = make.estate(desk, cast.north.id, name="旧苑")
    desk.delete(estate)
    desk.flush()
    entry = only(desk, "estate", "delete")
    assert entry.before == {"name": "旧苑"}
    assert entry.after is None


def test_a_change_that_changes_nothing_leaves_no_entry(desk, owner):
    owner.kind = owner.kind
    owner.name = str(owner.name)
    desk.flush()
    assert entries(desk, "owner") == []


def test_a_value_put_back_before_the_flush_leaves_no_entry(desk, owner):
    name = owner.name
    owner.name = "一时糊涂"
    owner.name = name
    desk.flush()
    assert entries(desk, "owner") == []


def test_what_every_write_changes_is_not_worth_an_entry(desk, cast):
    batch = ImportBatch(office_id=cast.north.id, kind="roster", file_name="a.xlsx", file_digest="0" * 64, file_size=1)
    desk.add(batch)
    desk.flush()
    assert not {"version", "created_at", "id", "office_id"} & set(only(desk, "import_batch", "create").after)


def test_each_flush_leaves_its_own_entry(desk, owner):
    for words in ("甲", "乙"):
        owner.note = words
        desk.flush()
    assert [entry.after for entry in entries(desk, "owner", "update")] == [{"note": "甲"}, {"note": "乙"}]
    assert [entry.before for entry in entries(desk, "owner", "update")] == [{"note": None}, {"note": "甲"}]


# ---- the old value
@pytest.mark.parametrize("forget", ["expire", "expire_all", "rollback", "refresh"])
def test_the_old_value_is_known_although_the_row_was_forgotten(database, cast, forget: str):
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        unit = session.get(Unit, cast.north.unit.id)
        {
            "expire": lambda: session.expire(unit),
            "expire_all": session.expire_all,
            "rollback": session.rollback,
            "refresh": lambda: session.refresh(unit),
        }[forget]()
        unit.floor = 7
        session.flush()
        assert only(session, "unit", "update").before == {"floor": 1}


def test_the_old_value_of_a_reference_is_known(desk, cast):
    unit = desk.get(Unit, cast.north.unit.id)
    before, section = unit.building_id, make.section(desk, cast.north.id)
    desk.expire(unit)
    unit.building = section.building
    desk.flush()
    entry = only(desk, "unit", "update")
    assert (entry.before, entry.after) == ({"building_id": before}, {"building_id": section.building_id})


def test_a_dictionary_changed_in_place_reaches_neither_the_row_nor_the_record(desk, cast):
    """SQLAlchemy does not see it; so nothing is saved that is not recorded. Put a new dictionary instead."""
    action = DueAction(
        office_id=cast.north.id, rule="escalation", subject_kind="clock", subject_id=1, due_at=make.NOON, facts={"a": 1}
    )
    desk.add(action)
    desk.flush()
    action.facts["a"] = 2
    desk.flush()
    assert entries(desk, "due_action", "update") == []
    assert desk.scalar(select(DueAction.facts).where(DueAction.id == action.id)) == {"a": 1}
    action.facts = {"a": 3}
    desk.flush()
    assert only(desk, "due_action", "update").after == {"facts": {"a": 3}}


# ---- how values are kept
def test_values_are_kept_as_plain_json(desk, cast):
    unit = make.unit(desk, cast.north.id, area=Decimal("88.50"), handed_over_on=date(2025, 6, 1), usage=UnitUsage.SHOP)
    kept = only(desk, "unit", "create").after
    assert kept["area"] == "88.50"
    assert kept["handed_over_on"] == "2025-06-01"
    assert kept["usage"] == "shop"
    assert kept["floor"] == 1
    assert kept["number"] == unit.number


def test_instants_are_kept_with_their_zone(desk, cast):
    action = DueAction(office_id=cast.north.id, rule="x", subject_kind="clock", subject_id=2, due_at=make.NOON)
    desk.add(action)
    desk.flush()
    assert only(desk, "due_action", "create").after["due_at"] == "2026-03-02T04:00:00+00:00"


def test_personal_values_are_masked(desk, cast):
    make.owner(
        desk,
        cast.north.id,
        name="欧阳小明",
        phone="13812345678",
        id_number="110101199003078888",
        email="ouyang@example.invalid",
        address="和平路 1 号院 5 栋",
        kind=OwnerKind.PERSON,
    )
    kept = only(desk, "owner", "create").after
    assert kept["name"] == "欧***"
    assert kept["phone"] == "138****5678"
    assert kept["id_number"] == "110***********8888"
    assert kept["email"] == "o***@example.invalid"
    assert "5 栋" not in kept["address"]
    assert kept["kind"] == "person"


def test_a_change_of_a_personal_value_is_masked_on_both_sides(desk, owner):
    owner.phone = "13900001111"
    desk.flush()
    entry = only(desk, "owner", "update")
    assert "*" in entry.before["phone"]
    assert entry.after == {"phone": "139****1111"}


def test_a_secret_is_never_kept(database, cast):
    with across_offices(database, Reason.SETTING_UP) as session:
        person = make.staff(session, password_hash="$argon2id$old")
        person.password_hash = "$argon2id$new"
        session.flush()
        found = entries(session, "staff")
        assert [entry.verb for entry in found] == ["staff.create", "staff.update"]
        assert found[1].after == {"password_hash": "***"}
        assert "argon2" not in str([(entry.before, entry.after) for entry in found])


def test_bodies_and_files_are_kept_as_digests(desk, cast):
    desk.add_all(
        [
            Mail(
                office_id=cast.north.id,
                dedup_key="dunning:1:zhang@example.invalid",
                message_id="<1@wuguan.invalid>",
                mail_class=next(iter(MailClass)),
                recipient_name="张三",
                recipient_address="zhang@example.invalid",
                subject="缴费提醒",
                text_body="尊敬的张三，您欠缴 100.00 元",
                subject_kind="owner",
                subject_id=1,
                not_before=make.NOON,
            ),
            ImportBatch(
                office_id=cast.north.id,
                kind="roster",
                file_name="业主.xlsx",
                file_digest="0" * 64,
                file_size=3,
                file=b"abc",
                state=ImportState.UPLOADED,
            ),
        ]
    )
    desk.flush()
    mail, batch = only(desk, "mail", "create").after, only(desk, "import_batch", "create").after
    assert "张三" not in str(mail)
    assert "zhang@" not in str(mail)
    assert mail["text_body"].endswith("sha256:" + mail["text_body"][-16:])
    assert mail["recipient_address"] == "z***@example.invalid"
    assert batch["file"] == "3 字节 sha256:ba7816bf8f01cfea"


def test_how_the_columns_of_a_file_were_read_is_recorded_in_clear_without_any_value_of_it(desk, cast):
    columns = [["A", "1-1-101", "room"], ["B", "张三丰", "owners"], ["C", "19900000321", None]]
    batch = ImportBatch(
        office_id=cast.north.id,
        kind="roster",
        file_name="业主.xlsx",
        file_digest="0" * 64,
        file_size=3,
        state=ImportState.MAPPING,
        mapping={"on": "2026-01-01", "sheets": [{"sheet": "名册", "header_row": 2, "columns": columns}]},
        fault="工作表「名册」的表头缺少必填列：业主。已有的列名：1-1-101、张三丰。请在「对列」里指出哪一列是它。",
    )
    desk.add(batch)
    desk.flush()
    after = only(desk, "import_batch", "create").after
    assert after["mapping"] == ["名册!A=room", "名册!B=owners"]
    assert after["fault"] == "工作表「名册」的表头缺少必填列：业主。请在「对列」里指出哪一列是它。"
    assert not any(value in str(after) for value in ("张三丰", "1-1-101", "19900000321"))


def test_every_column_that_names_a_person_says_so():
    unmarked = {
        (column.table.name, column.name)
        for mapper in Base.registry.mappers
        for column in inspect(mapper.class_).local_table.c
        if PERSONAL_NAMES.search(column.name) and not column.info.get("personal")
    }
    assert unmarked == set(NOT_OF_A_PERSON)


# ---- when and by whom
def test_an_entry_says_who_when_from_where_and_why(database, cast):
    actor = Actor(
        kind=ActorKind.PERSON, name="王敏", staff_id=cast.stranger.id, request_id="r-1", address="203.0.113.7"
    )
    instant = datetime(2026, 1, 31, 15, 59, tzinfo=UTC)
    with database.session(cast.north.scope(), actor) as session, clock.at(instant):
        because(session, "业主来电更正")
        session.get(Owner, cast.north.owner.id).note = "甲"
        session.flush()
        entry = only(session, "owner", "update")
        assert entry.at == instant
        assert (entry.actor_kind, entry.actor_id, entry.actor_name) == (ActorKind.PERSON, cast.stranger.id, "王敏")
        assert (entry.request_id, entry.address, entry.reason) == ("r-1", "203.0.113.7", "业主来电更正")


def test_the_clockwork_has_a_name_and_no_number(database, cast):
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        session.get(Owner, cast.north.owner.id).note = "甲"
        session.flush()
        entry = only(session, "owner", "update")
        assert (entry.actor_kind, entry.actor_id, entry.actor_name) == (ActorKind.CLOCKWORK, None, "系统时钟")


# ---- together or not at all
def test_change_and_entry_are_one_transaction(database, cast):
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        session.get(Owner, cast.north.owner.id).note = "同生共死"
        session.flush()
        own = session.scalar(select(cast_to_int(func.pg_current_xact_id())))
        assert only(session, "owner", "update").xid == own
        session.rollback()
    with database.session(Scope.everywhere(), CLOCKWORK) as session:
        after = AuditEntry.after["note"].as_string()
        assert session.scalars(select(AuditEntry).where(after == "同生共死")).all() == []


def cast_to_int(value):
    """Return a transaction number as a number."""
    return cast(cast(value, Text), AuditEntry.xid.type)


def test_what_a_savepoint_takes_back_leaves_no_entry(desk, owner):
    savepoint = desk.begin_nested()
    owner.note = "算错了"
    desk.flush()
    savepoint.rollback()
    owner.note = "算对了"
    desk.flush()
    assert only(desk, "owner", "update").after == {"note": "算对了"}


def test_a_change_the_database_refuses_leaves_no_entry(desk, cast):
    savepoint = desk.begin_nested()
    desk.add_all([Estate(office_id=cast.north.id, name="重名"), Estate(office_id=cast.north.id, name="重名")])
    with pytest.raises(IntegrityError, match="uq_estate"):
        desk.flush()
    savepoint.rollback()
    assert entries(desk, "estate", "create") == []


def test_a_record_that_cannot_be_written_stops_the_change(database, cast, monkeypatch):
    """The change is not more important than the record of it."""
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        monkeypatch.setattr("audit.capture.clock.now", lambda: "no time")
        session.get(Owner, cast.north.owner.id).note = "未记录"
        with pytest.raises(Exception, match="no time"):
            session.flush()
        session.rollback()
        monkeypatch.undo()
        assert session.get(Owner, cast.north.owner.id).note != "未记录"


# ---- acts and bulk
def test_an_act_belongs_to_the_sessions_one_office(desk, cast):
    note(desk, RecordedAct(verb="record.exported", subject_kind="owner", facts={"rows": 3}))
    entry = entries(desk, "owner")[-1]
    assert (entry.verb, entry.office_id, entry.after) == ("record.exported", cast.north.id, {"rows": 3})


def test_an_act_of_several_offices_is_the_groups_and_stays_unseen_by_them(database, cast):
    scope = Scope.of([cast.north.id, cast.south.id])
    with database.session(scope, CLOCKWORK) as session:
        note(session, RecordedAct(verb="record.exported", subject_kind="unit", reason="月报"))
        assert entries(session, "unit") == []
        session.commit()
    with database.session(Scope.everywhere(), CLOCKWORK) as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.reason == "月报")).one()
        assert (entry.office_id, entry.verb) == (None, "record.exported")


def test_rows_written_in_bulk_are_recorded_like_others(desk, cast):
    rows = [
        {"office_id": cast.north.id, "name": f"批{n}", "kind": OwnerKind.PERSON, "phone": "13812345678"} for n in "12"
    ]
    ids = write_rows(desk, Owner, inserts=rows)
    found = entries(desk, "owner", "create")
    assert [entry.subject_id for entry in found] == ids
    assert found[0].after == {"name": "批*", "kind": "person", "phone": "138****5678"}
    same = {"id": ids[0], "office_id": cast.north.id, "version": 1, "name": "批1"}
    write_rows(desk, Owner, updates=[(same, {"name": "批1"})])
    assert entries(desk, "owner", "update") == []


def test_group_rows_are_recorded_without_an_office(database):
    with across_offices(database, Reason.SETTING_UP) as session:
        company = make.company(session, name="新公司")
        entry = only(session, "company", "create")
        assert (entry.subject_id, entry.office_id, entry.reason) == (company.id, None, "setting_up")
        assert entry.after["name"] == "新公司"
        session.delete(session.get(Company, company.id))
        session.flush()
        assert only(session, "company", "delete").before["name"] == "新公司"


def test_a_colleague_is_read_without_leaving_anything(desk):
    assert desk.scalars(select(Staff)).all()
    desk.flush()
    assert entries(desk, "staff") == []
