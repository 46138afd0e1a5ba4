"""What an office has taught stays its own, is used next time, and can be changed or forgotten on its page."""

import pytest
from sqlalchemy import select

from importers import layouts
from importers.apply import apply, preview
from importers.choices import NOTE, Choices, SheetChoice
from importers.reading import read
from tenant.errors import Refusal
from tenant.models import HeadingAlias, ImportLayout, Owner
from tenant.rules.terms import Role
from workbooks import builders
from workbooks.builders import phone_of
from workbooks.pure import ROSTER, spelled

ODD = ["号数", "客", "手提", "宠物"]
MAPPED = Choices(
    sheets={"表": SheetChoice(header_row=1, columns={"A": "room", "B": "owners", "C": "phones", "D": NOTE})},
    rooms={"N-N-N": "building-floor-room"},
)


def odd():
    return builders.workbook(ODD, ["3-15-01", "王小明", phone_of(1), "猫"], title="表")


@pytest.fixture
def north(database, cast):
    with database.session(cast.north.scope(), cast.north.actor(Role.OFFICE_ADMIN)) as session:
        yield session


def read_in(session, office, content=None, choices=None):
    taught = layouts.vocabulary(session, office, ROSTER)
    return read(content or odd(), "名册.xlsx", ROSTER, choices=choices or Choices(), vocabulary=taught)


def test_what_was_remembered_is_used_for_the_next_file(north, cast):
    assert not read_in(north, cast.north.office).is_ready
    layouts.remember(north, cast.north.office, ROSTER, read_in(north, cast.north.office, choices=MAPPED))
    [record] = spelled(read_in(north, cast.north.office))
    assert (record.key.number, record.note) == ("3-1501", "宠物：猫")


def test_a_layout_is_kept_once_and_the_last_word_counts(north, cast):
    layouts.remember(north, cast.north.office, ROSTER, read_in(north, cast.north.office, choices=MAPPED))
    other = Choices(sheets={"表": SheetChoice(header_row=1, columns={"A": "room", "B": "owners", "C": None})})
    layouts.remember(north, cast.north.office, ROSTER, read_in(north, cast.north.office, choices=other))
    [kept] = north.scalars(select(ImportLayout))
    assert kept.mapping["columns"]["C"] is None
    assert "phones" not in spelled(read_in(north, cast.north.office))[0].source.values


def test_a_layout_holds_no_value_of_any_cell(north, cast):
    layouts.remember(north, cast.north.office, ROSTER, read_in(north, cast.north.office, choices=MAPPED))
    [kept] = north.scalars(select(ImportLayout))
    held = f"{kept.sheet} {kept.headings} {kept.mapping}"
    assert "号数、客、手提、宠物" in held
    assert not any(value in held for value in ("王小明", phone_of(1), "猫", "3-15-01"))


def test_what_one_office_taught_says_nothing_to_another(database, cast):
    with database.session(cast.north.scope(), cast.north.actor(Role.OFFICE_ADMIN)) as session:
        layouts.remember(session, cast.north.office, ROSTER, read_in(session, cast.north.office, choices=MAPPED))
        layouts.learn(session, cast.north.office, ROSTER, "手提", "phones")
        session.commit()
    with database.session(cast.south.scope(), cast.south.actor(Role.OFFICE_ADMIN)) as session:
        taught = layouts.vocabulary(session, cast.south.office, ROSTER)
        assert (taught.aliases, taught.layouts) == ({}, {})
    with database.session(cast.north.scope(), cast.north.actor(Role.OFFICE_ADMIN)) as session:
        for row in (*session.scalars(select(HeadingAlias)), *session.scalars(select(ImportLayout))):
            session.delete(row)
        session.commit()


def test_what_is_taught_after_a_preview_changes_nothing_of_its_writing(north, cast):
    content = builders.workbook(["房号", "业主姓名", "手提"], ["1-1-101", "王小明", phone_of(1)], title="表")
    batch = preview(north, cast.north.office, "roster", "名册.xlsx", content)
    layouts.learn(north, cast.north.office, ROSTER, "手提", "phones")
    north.add(Owner(office_id=cast.north.id, name="李小红"))  # the office has changed: the file is read anew
    north.flush()
    apply(north, batch.id)
    assert batch.counts["rows"]["conflict"] == 0
    assert north.scalar(select(Owner.phone).where(Owner.name == "王小明")) is None
    [again] = spelled(read_in(north, cast.north.office, content))
    assert again.owners[0].phones[0][0] == phone_of(1)


def test_a_word_once_learnt_is_known_however_it_is_punctuated(north, cast):
    layouts.learn(north, cast.north.office, ROSTER, "手提", "more_phones")
    layouts.learn(north, cast.north.office, ROSTER, " * 手提：", "phones")
    assert [(row.heading, row.identifier) for row in north.scalars(select(HeadingAlias))] == [("手提", "phones")]
    content = builders.workbook(["房号", "业主姓名", "手提（必填）"], ["1-1-101", "王小明", phone_of(1)], title="表")
    [record] = spelled(read_in(north, cast.north.office, content))
    assert record.owners[0].phones[0][0] == phone_of(1)


@pytest.mark.parametrize(
    ("heading", "identifier", "code"),
    [("手提", "salary", "column_unknown"), ("手提", NOTE, "column_unknown"), (" ＊：", "phones", "heading_empty")],
)
def test_what_means_nothing_is_not_learnt(north, cast, heading, identifier, code):
    with pytest.raises(Refusal) as refused:
        layouts.learn(north, cast.north.office, ROSTER, heading, identifier)
    assert refused.value.code == code
    assert north.scalars(select(HeadingAlias)).all() == []


def test_a_second_row_for_one_heading_is_refused(north, cast):
    layouts.learn(north, cast.north.office, ROSTER, "手提", "phones")
    second = HeadingAlias(office_id=cast.north.office.id, kind="roster", heading="手提：", identifier="note")
    with pytest.raises(Refusal) as refused:
        layouts.require_heading(north, second)
    assert refused.value.code == "heading_known"


BARE = Choices(sheets={"表": SheetChoice(header_row=0, columns={"A": "room", "B": "owners", "C": None})})


def bare(*names):
    rows = [[f"3-15-{n:02d}", name, phone_of(n)] for n, name in enumerate(names, 1)]
    return builders.workbook(*rows, title="表")


def test_a_table_without_headings_is_known_again_by_what_its_columns_look_like(north, cast):
    office = cast.north.office
    layouts.remember(north, office, ROSTER, read_in(north, office, bare("王小明"), BARE))
    reading = read_in(north, office, bare("李小红", "张大山"))
    assert [record.owners[0].name for record in spelled(reading)] == ["李小红", "张大山"]
    assert all("phones" not in record.source.values for record in spelled(reading))
    other = builders.workbook(["王小明", "3-15-01", phone_of(1)], title="表")
    assert not read_in(north, office, other).is_ready


def test_a_table_that_looks_like_nothing_is_not_remembered(north, cast):
    choices = Choices(sheets={"表": SheetChoice(header_row=0, columns={"A": "room", "B": "owners"})})
    content = builders.workbook(["甲-1", "Ann"], title="表")
    layouts.remember(north, cast.north.office, ROSTER, read_in(north, cast.north.office, content, choices))
    assert north.scalars(select(ImportLayout)).all() == []
