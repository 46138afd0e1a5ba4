"""The record is asked in one way, so that page, count and export agree; and it answers in Chinese."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

import make
from audit import timeline, verbs
from audit.models import AuditEntry
from audit.timeline import Question
from tenant import clock
from tenant.journal import CLOCKWORK, RecordedAct, because, note
from tenant.models import Base, Owner, Unit
from tenant.rules.terms import HandoverState, Role
from tenant.scoping import Scope
from tenant.unscoped import Reason


@pytest.fixture(scope="module")
def told(database, cast):
    """Ten changes of the northern owner, one a minute, by two people; noise in the south at the same times."""
    for minute in range(10):
        for house in (cast.north, cast.south):
            person = house.actor(Role.FRONT_DESK if minute % 2 else Role.SUPERVISOR)
            with clock.at(make.NOON + timedelta(minutes=minute)), database.session(house.scope(), person) as session:
                because(session, f"第 {minute} 次")
                session.get(Owner, house.owner.id).note = f"备注 {minute}"
                session.commit()
    return cast


def asked(database, cast, question: Question) -> list[AuditEntry]:
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        entries, behind = timeline.page(session, question, limit=500)
        assert behind is None
        assert timeline.count(session, question) == len(entries)
        assert [entry.id for entry in timeline.export(session, question)] == [entry.id for entry in entries]
        return list(entries)


def questions(cast) -> dict[str, tuple[Question, int]]:
    """Return what is asked of the module's ten changes, each with how many answer."""
    owner = cast.north.owner.id
    desk = cast.north.people[Role.FRONT_DESK]
    changes = {"subject_kind": "owner", "subject_id": owner, "verb": "owner.update"}
    return {
        "all of them": (Question(**changes), 10),
        "by person": (Question(**changes, actor_id=desk.staff_id), 5),
        "by name": (Question(**changes, actor_name=desk.staff.name), 5),
        "by office": (Question(**changes, office_id=cast.north.id), 10),
        "by another office": (Question(**changes, office_id=cast.south.id), 0),
        "by request": (Question(**changes, request_id="r-test"), 10),
        "by another request": (Question(**changes, request_id="r-none"), 0),
        "since": (Question(**changes, since=make.NOON + timedelta(minutes=7)), 3),
        "until": (Question(**changes, until=make.NOON + timedelta(minutes=7)), 7),
        "between": (
            Question(**changes, since=make.NOON + timedelta(minutes=2), until=make.NOON + timedelta(minutes=5)),
            3,
        ),
        "by the beginning of a verb": (Question(subject_id=owner, subject_kind="owner", verb="owner."), 11),
        "of two records": (Question(subjects=(("owner", owner), ("unit", cast.north.unit.id))), 12),
        "of a record of the other office": (Question(subject_kind="owner", subject_id=cast.south.owner.id), 0),
    }


def test_page_count_and_export_agree_on_every_question(database, told):
    for name, (question, expected) in questions(told).items():
        assert len(asked(database, told, question)) == expected, name


def test_a_percent_sign_in_a_verb_is_a_percent_sign(database, told):
    assert asked(database, told, Question(verb="%.")) == []


def test_pages_follow_each_other_without_gap_or_repeat(database, told):
    question = Question(subject_kind="owner", subject_id=told.north.owner.id)
    with database.session(told.north.scope(), CLOCKWORK) as session:
        whole = [entry.id for entry in timeline.page(session, question, limit=500)[0]]
        for limit in (1, 2, 3, 10, 11, 12):
            found, behind = [], None
            while True:
                entries, behind = timeline.page(session, question, behind=behind, limit=limit)
                assert len(entries) <= limit
                found += [entry.id for entry in entries]
                if behind is None:
                    break
            assert found == whole, limit


def test_the_newest_entry_comes_first(database, told):
    entries = asked(database, told, Question(subject_kind="owner", subject_id=told.north.owner.id, verb="owner.update"))
    assert [entry.after["note"] for entry in entries] == [f"备注 {minute}" for minute in reversed(range(10))]


def test_a_long_export_leaves_nothing_out(database, told, monkeypatch):
    monkeypatch.setattr(timeline, "CHUNK", 3)
    assert len(asked(database, told, Question(verb="owner.update"))) == 10


def test_a_record_has_its_history_and_a_request_its_deeds(database, told):
    with database.session(told.north.scope(), CLOCKWORK) as session:
        assert len(timeline.of_record(session, "owner", told.north.owner.id)) == 11
        assert timeline.of_record(session, "owner", told.south.owner.id) == []
        assert {entry.office_id for entry in timeline.of_request(session, "r-test")} == {told.north.id}


# ---- in words
def latest(session) -> AuditEntry:
    return session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()


def test_a_change_is_told_with_its_columns_in_chinese(database, cast):
    with database.session(cast.north.scope(), cast.north.actor(Role.FRONT_DESK)) as session:
        unit = session.get(Unit, cast.north.unit.id)
        unit.handover_state, unit.floor, unit.note = HandoverState.PENDING, 3, None
        session.flush()
        unit.handover_state = HandoverState.HANDED_OVER
        because(session, "现场核对")
        session.flush()
        entry = latest(session)
        labels = (HandoverState.PENDING.label, HandoverState.HANDED_OVER.label)
        assert verbs.sentence(entry) == f"修改房屋 #{unit.id}（交房状态：{labels[0]} → {labels[1]}）"
        assert verbs.told(entry) == f"北苑前台客服{verbs.sentence(entry)}，原因：现场核对"


def test_a_new_row_and_a_deleted_one_are_told(database, cast):
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        estate = make.estate(session, cast.north.id)
        assert verbs.sentence(latest(session)) == f"新建小区 #{estate.id}"
        number = estate.id
        session.delete(estate)
        session.flush()
        assert verbs.sentence(latest(session)) == f"删除小区 #{number}"


def test_acts_are_told(database, cast):
    with database.session(Scope.everywhere(), CLOCKWORK) as session:
        note(session, RecordedAct(verb="wall.crossed", reason="reviewing"))
        assert verbs.told(latest(session)) == "系统时钟跨管理处操作，原因：查阅全部记录"
        note(session, RecordedAct(verb="record.exported", subject_kind="owner", office_id=cast.north.id))
        assert verbs.sentence(latest(session)) == "导出业主"
        note(session, RecordedAct(verb="ticket.replied", subject_kind="ticket", subject_id=7, office_id=cast.north.id))
        assert verbs.sentence(latest(session)) == "答复客户：票 #7"


def test_a_verb_of_another_release_stays_readable():
    entry = AuditEntry(verb="drone.landed", subject_kind="roof", subject_id=3, actor_name="某人")
    assert verbs.told(entry) == "某人drone.landed roof #3"


def test_every_table_has_a_chinese_term_and_every_column_a_label():
    for mapper in Base.registry.mappers:
        table = mapper.class_.__tablename__
        assert not verbs.term(table).isascii(), table
        for column in mapper.class_.__table__.columns:
            assert not verbs.column_label(table, column.name).isascii(), (table, column.name)


def test_every_reason_for_crossing_the_wall_has_words():
    assert set(verbs.REASONS) == {reason.code for reason in Reason}


def test_every_act_that_is_noted_has_a_sentence():
    """Found in the source: an act that nobody gave words would be shown as its code."""
    root = Path(__file__).parents[2]
    noted = {
        verb
        for package in ("tenant", "audit", "importers", "tasks", "admin")
        for path in (root / package).rglob("*.py")
        for verb in re.findall(r'RecordedAct\(\s*(?:verb=)?"([a-z_.]+)"', path.read_text())
    }
    assert noted
    assert noted <= set(verbs.ACTS), noted - set(verbs.ACTS)
