"""The pages where an office keeps its own words for columns, and the layouts that were remembered of its files."""

import pytest
from lxml import html
from sqlalchemy import select

from cast import Cast
from importers.choices import NOTE
from tenant import clock
from tenant.models import HeadingAlias, ImportLayout
from tenant.rules.terms import Role


@pytest.fixture
def admin(sign_in, cast: Cast):
    return sign_in(cast.north.people[Role.OFFICE_ADMIN].staff)


@pytest.fixture
def words(database, cast: Cast):
    """Return what the office has taught, as pairs."""

    def kept():
        with database.session(cast.north.scope(), cast.north.actor(Role.OFFICE_ADMIN)) as session:
            return [(row.kind, row.heading, row.identifier) for row in session.scalars(select(HeadingAlias))]

    yield kept
    with database.session(cast.north.scope(), cast.north.actor(Role.OFFICE_ADMIN)) as session:
        for row in session.scalars(select(HeadingAlias)):
            session.delete(row)
        session.commit()


@pytest.fixture
def layout(database, cast: Cast):
    with database.session(cast.north.scope(), cast.north.actor(Role.OFFICE_ADMIN)) as session:
        row = ImportLayout(
            office_id=cast.north.id,
            kind="roster",
            fingerprint="f" * 64,
            sheet="一期",
            headings="号数、客、<宠物>",
            mapping={"columns": {"A": "room", "B": "owners", "C": NOTE, "AA": None}, "rooms": {}},
            used_at=clock.now(),
        )
        session.add(row)
        session.commit()
    return row


def said(answer):
    return " ".join(html.fromstring(answer.get_data(as_text=True)).text_content().split())


def test_a_word_is_added_changed_and_removed(admin, words, database, cast):
    made = admin.post("/heading_aliases/new/", {"kind": "roster", "heading": "手提", "identifier": "phones"})
    assert made.status_code == 302
    assert words() == [("roster", "手提", "phones")]
    page = said(admin.get("/heading_aliases/"))
    assert "业主名册" in page
    assert "联系电话" in page
    with database.session(cast.north.scope(), cast.north.actor(Role.OFFICE_ADMIN)) as session:
        row = session.scalars(select(HeadingAlias)).one()
    form = {"kind": "roster", "heading": "手提", "identifier": "more_phones", "edition": str(row.version)}
    assert admin.post(f"/heading_aliases/edit/?id={row.id}", form).status_code == 302
    assert words() == [("roster", "手提", "more_phones")]
    assert admin.post("/heading_aliases/delete/", {"id": row.id}).status_code == 302
    assert words() == []


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"kind": "roster", "heading": "手提", "identifier": "shown"}, "请从业主名册的列里选择"),
        ({"kind": "roster", "heading": " ：* ", "identifier": "phones"}, "没有可以记住的文字"),
        ({"kind": "roster", "heading": "", "identifier": "phones"}, "请填写「表格里的列名」"),
        ({"kind": "salaries", "heading": "手提", "identifier": "phones"}, "请从列表中选择"),
        ({"kind": "roster", "heading": "手提", "identifier": "salary"}, "请从列表中选择"),
        ({"kind": "roster", "heading": "长" * 41, "identifier": "phones"}, "最多 40 个字"),
    ],
)
def test_what_means_nothing_is_refused_in_words(admin, words, form, sentence):
    answer = admin.post("/heading_aliases/new/", form)
    assert answer.status_code == 422
    assert sentence in said(answer)
    assert words() == []


def test_one_heading_is_explained_once(admin, words):
    admin.post("/heading_aliases/new/", {"kind": "roster", "heading": "手提", "identifier": "phones"})
    again = admin.post("/heading_aliases/new/", {"kind": "roster", "heading": "手提：", "identifier": "note"})
    assert again.status_code == 422
    assert "已经在列名对照里了" in said(again)
    assert len(words()) == 1


def test_who_only_looks_changes_no_word(sign_in, cast, words):
    desk = sign_in(cast.north.people[Role.DIRECTOR].staff)
    assert desk.get("/heading_aliases/").status_code == 200
    form = {"kind": "roster", "heading": "手提", "identifier": "phones"}
    assert desk.post("/heading_aliases/new/", form).status_code == 403
    assert words() == []


def test_a_layout_says_what_it_remembers_and_can_be_forgotten(admin, layout, database, cast):
    page = said(admin.get(f"/import_layouts/details/?id={layout.id}"))
    for line in ("A 列 → 房号", "B 列 → 业主姓名", "C 列 → 保留到备注", "AA 列 → 不读取", "<宠物>"):
        assert line in page
    assert admin.post("/import_layouts/delete/", {"id": layout.id}).status_code == 302
    with database.session(cast.north.scope(), cast.north.actor(Role.OFFICE_ADMIN)) as session:
        assert session.scalars(select(ImportLayout)).all() == []


def test_another_offices_words_and_layouts_are_not_there(sign_in, cast, layout, database):
    stranger = sign_in(cast.south.people[Role.OFFICE_ADMIN].staff)
    for path in ("details/", "delete/"):
        assert stranger.get(f"/import_layouts/{path}?id={layout.id}").status_code == 404
    assert "号数" not in said(stranger.get("/import_layouts/"))
    with database.session(cast.north.scope(), cast.north.actor(Role.OFFICE_ADMIN)) as session:
        session.delete(session.get_one(ImportLayout, layout.id))
        session.commit()
