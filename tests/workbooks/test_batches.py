"""A batch from its file to its preview, decided again and again, and what it refuses."""

import pytest
from sqlalchemy import func, select

from importers import batches, frames
from importers.apply import apply, begin
from importers.choices import Choices
from tenant.errors import Conflict, NotFound, Refusal
from tenant.models import ImportBatch, Job, Unit
from tenant.rules.terms import ImportMode, ImportState, Role
from workbooks import builders

HEADINGS = ["楼栋", "单元", "房号", "业主姓名", "建筑面积"]


@pytest.fixture
def north(database, cast):
    """A session of the northern office's admin; what a test does not commit is gone."""
    with database.session(cast.north.scope(), cast.north.actor(Role.OFFICE_ADMIN)) as session:
        yield session


def received(session, cast, content, name="名册.xlsx"):
    return batches.receive(session, cast.north.office, "roster", name, content)


def long_csv():
    """Return a roster too long to be read while somebody waits."""
    lines = (f"81,1,{number + 101},业主{number},90" for number in range(6_000))
    return "\n".join([",".join(HEADINGS), *lines]).encode()


def jobs_of(session, batch):
    return list(session.scalars(select(Job.kind).where(Job.subject_id == batch.id, Job.subject_kind == "import_batch")))


def test_a_small_file_is_read_at_once_and_a_long_one_by_a_job(north, cast):
    small = received(north, cast, builders.plain())
    long = received(north, cast, long_csv(), "名册.csv")
    assert (small.state, jobs_of(north, small)) == (ImportState.PREVIEWED, [])
    assert (long.state, jobs_of(north, long)) == (ImportState.UPLOADED, [batches.READING])
    read = batches.read_again(north, long.id)
    assert (read.state, read.counts["rows"]["read"]) == (ImportState.PREVIEWED, 6_000)
    assert read.read_ms > 0


def test_a_file_that_needs_no_opening_to_be_refused_leaves_no_batch(north, cast):
    before = north.scalar(select(func.count(ImportBatch.id)))
    for content in (b"", b"\x00\x01 no workbook", builders.password_protected()):
        with pytest.raises(Refusal):
            received(north, cast, content)
    assert north.scalar(select(func.count(ImportBatch.id))) == before


def test_a_doubled_click_uploads_once(north, cast):
    content = builders.plain()
    first = received(north, cast, content)
    assert received(north, cast, content).id == first.id
    assert received(north, cast, builders.with_numbers_for_ids()).id != first.id


def test_a_file_uploaded_again_after_a_decision_is_a_batch_of_its_own(north, cast):
    content = builders.plain()
    first = received(north, cast, content)
    batches.decide(north, first.id, Choices(mode=ImportMode.FILL))
    assert received(north, cast, content).id != first.id


def test_what_was_decided_is_kept_and_planned_by(north, cast):
    batch = received(north, cast, builders.workbook(HEADINGS, ["82", "1", "101", "于甲", "很大"]))
    assert frames.head(batch)["totals"]["refused"] == 1
    chosen = Choices(all_or_nothing=True, edits={("业主名册", 2, "E"): "89.5"})
    decided = batches.decide(north, batch.id, chosen)
    assert Choices.from_json(decided.choices) == chosen
    assert frames.head(decided)["totals"] == {"new": 1, "changed": 0, "same": 0, "conflict": 0, "refused": 0}


def test_a_file_without_its_columns_waits_until_somebody_maps_them(north, cast):
    batch = received(north, cast, builders.workbook(["甲", "乙", "丙"], ["83-1-101", "于甲", 90]))
    assert batch.state is ImportState.MAPPING
    assert batch.fault
    with pytest.raises(Refusal) as refused:
        begin(north, batch.id)
    assert refused.value.code == "batch_not_waiting"


def test_a_batch_that_was_given_up_is_not_decided_on(north, cast):
    batch = received(north, cast, builders.plain())
    batches.cancel(north, batch.id)
    with pytest.raises(Refusal) as refused:
        batches.decide(north, batch.id, Choices())
    assert refused.value.code == "batch_not_waiting"


def test_a_batch_of_another_office_is_not_there_to_decide_on(north, database, cast):
    with database.session(cast.south.scope(), cast.south.actor(Role.OFFICE_ADMIN)) as south:
        batch = batches.receive(south, cast.south.office, "roster", "名册.xlsx", builders.plain())
        south.commit()
    for act in (
        batches.cancel,
        batches.remember_mapping,
        lambda session, number: batches.decide(session, number, Choices()),
    ):
        with pytest.raises(NotFound):
            act(north, batch.id)


def test_all_or_nothing_writes_nothing_while_a_row_is_refused_and_says_how_many(north, cast):
    rows = [["84", "1", "101", "于甲", 90], ["84", "1", "102", "业主二", "很大"]]
    batch = received(north, cast, builders.workbook(HEADINGS, *rows))
    batches.decide(north, batch.id, Choices(all_or_nothing=True))
    for act in (begin, apply):
        with pytest.raises(Refusal) as refused:
            act(north, batch.id)
        assert (refused.value.code, "1 行被拒绝" in refused.value.message) == ("rows_left", True)
    assert north.scalar(select(func.count(Unit.id)).where(Unit.number.like("84-%"))) == 0
    batches.decide(north, batch.id, Choices())
    apply(north, batch.id)
    assert north.scalar(select(func.count(Unit.id)).where(Unit.number.like("84-%"))) == 1


def test_all_or_nothing_holds_for_rows_somebody_edited_since_the_preview(north, cast):
    apply(north, received(north, cast, builders.workbook(HEADINGS, ["85", "1", "101", "于甲", 90])).id)
    rows = [["85", "1", "101", "于甲", 95], ["85", "1", "102", "业主二", 80]]
    batch = received(north, cast, builders.workbook(HEADINGS, *rows))
    batches.decide(north, batch.id, Choices(all_or_nothing=True))
    north.scalar(select(Unit).where(Unit.number == "85-1-101")).area = 91
    north.flush()
    with pytest.raises(Conflict) as refused:
        apply(north, batch.id)
    assert refused.value.code == "rows_left"
    assert north.scalar(select(func.count(Unit.id)).where(Unit.number.like("85-%"))) == 1


def test_who_applied_when_and_how_long_it_took_stands_with_the_batch(north, cast):
    batch = apply(north, received(north, cast, builders.plain()).id)
    assert batch.applied_by_id == cast.north.people[Role.OFFICE_ADMIN].id
    assert batch.applied_at is not None
    assert batch.write_ms > 0


def test_a_command_waits_for_another_import_only_as_long_as_it_was_told(database, north, cast):
    batch = received(north, cast, builders.plain())
    north.commit()
    with database.session(cast.north.scope(), cast.north.actor(Role.OFFICE_ADMIN)) as other:
        other_batch = received(other, cast, builders.with_numbers_for_ids())
        apply(other, other_batch.id)  # not committed: its turn goes on
        with pytest.raises(Conflict) as refused:
            apply(north, batch.id, patience=0)
    assert refused.value.code == "import_busy"
    north.rollback()
    assert north.get_one(ImportBatch, batch.id).state is ImportState.PREVIEWED
    batches.cancel(north, batch.id)
    north.commit()


def test_what_was_put_right_where_the_file_has_no_cell_is_not_kept(north, cast):
    content = builders.workbook(["房号", "业主姓名", "建筑面积"], ["4-9-101", "钱若水", "大"], title="名册")
    batch = received(north, cast, content)
    edits = {("名册", 2, "C"): "88", ("名册", 99, "C"): "88", ("别的表", 2, "C"): "88", ("名册", 2, "c1"): "88"}
    answers = {("名册", 2): "new", ("名册", 0): "new", ("别的表", 2): "new"}
    decided = batches.decide(north, batch.id, Choices(edits=edits, answers=answers))
    kept = Choices.from_json(decided.choices)
    assert (dict(kept.edits), dict(kept.answers)) == ({("名册", 2, "C"): "88"}, {("名册", 2): "new"})
    assert decided.counts["rows"]["refused"] == 0
