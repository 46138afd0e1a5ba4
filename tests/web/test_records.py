"""Records through the one view: made, changed, removed; a stale form changes nothing; nothing undeclared is taken."""

import pytest
from lxml import html
from sqlalchemy import select

import make
from asked import asked
from cast import Cast
from tenant.journal import CLOCKWORK
from tenant.models import Building, Owner, Unit
from tenant.rules.terms import OwnerKind, Role, UnitUsage
from tenant.scoping import Scope
from tenant.unscoped import Reason, across_offices


@pytest.fixture
def admin(sign_in, cast: Cast):
    """The office admin of the north."""
    return sign_in(cast.north.people[Role.OFFICE_ADMIN].staff)


@pytest.fixture
def unit(database, cast: Cast) -> Unit:
    """A unit of the north that nothing refers to."""
    with across_offices(database, Reason.SETTING_UP) as session:
        made = make.unit(session, cast.north.id)
        session.commit()
        return made


def fresh(database, model, row_id: int):
    """Return the row as it stands in the database now, None when it is gone."""
    with database.session(Scope.everywhere(), CLOCKWORK) as session:
        return session.get(model, row_id)


def filled(browser, way: str) -> dict[str, str]:
    """Return what the form at ``way`` would send back untouched."""
    page = html.fromstring(browser.get(way).get_data(as_text=True))
    (form,) = page.xpath("//form[.//input[@name='edition']]")
    return {name: value for name, value in form.form_values() if name != "csrf_token"}


def test_a_record_is_made_in_the_office_at_hand(admin, database, cast: Cast, record):
    answer = admin.post("/units/new/", {"number": "9-1-901", "room": "901", "usage": "shop", "area": "1,088.50"})
    assert answer.status_code == 302
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        row = session.scalars(select(Unit).where(Unit.number == "9-1-901")).one()
    assert (row.office_id, row.usage, str(row.area)) == (cast.north.id, UnitUsage.SHOP, "1088.50")
    entry = record("unit.create")[0]
    assert entry.actor_name == cast.north.people[Role.OFFICE_ADMIN].staff.name
    assert entry.request_id == answer.headers["X-Request-Id"]
    assert entry.address == "127.0.0.1"


def test_what_the_form_does_not_declare_is_not_taken(admin, database, cast: Cast, unit):
    form = filled(admin, f"/units/edit/?id={unit.id}")
    answer = admin.post(
        f"/units/edit/?id={unit.id}",
        form | {"room": "777", "office_id": cast.south.id, "version": "99", "id": "1", "created_at": "2000-01-01"},
    )
    assert answer.status_code == 302
    row = fresh(database, Unit, unit.id)
    assert (row.room, row.office_id, row.version) == ("777", cast.north.id, 2)
    made = admin.post("/estates/new/", {"name": "新苑", "office_id": cast.south.id, "version": "7"})
    assert made.status_code == 302
    assert "新苑" in admin.get("/estates/").get_data(as_text=True)


def test_a_form_filled_from_an_older_state_changes_nothing_and_shows_both(admin, sign_in, database, cast: Cast, unit):
    other = sign_in(cast.north.people[Role.OFFICE_ADMIN].staff)
    mine, theirs = (filled(browser, f"/units/edit/?id={unit.id}") for browser in (admin, other))
    assert other.post(f"/units/edit/?id={unit.id}", theirs | {"note": "先到者"}).status_code == 302
    answer = admin.post(f"/units/edit/?id={unit.id}", mine | {"note": "后到者"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "先到者" in page
    assert "后到者" in page
    assert cast.north.people[Role.OFFICE_ADMIN].staff.name in page
    assert fresh(database, Unit, unit.id).note == "先到者"


def test_a_form_without_its_edition_is_a_stale_one(admin, database, unit):
    form = filled(admin, f"/units/edit/?id={unit.id}")
    del form["edition"]
    assert admin.post(f"/units/edit/?id={unit.id}", form | {"note": "x"}).status_code == 409
    assert fresh(database, Unit, unit.id).note is None


def test_a_row_without_a_version_is_guarded_too(sign_in, cast: Cast):
    keeper = sign_in(cast.group[Role.SYSTEM_ADMIN].staff)
    way = f"/companies/edit/?id={cast.east.id}"
    first, second = filled(keeper, way), filled(keeper, way)
    assert keeper.post(way, first | {"name": "东区物业甲"}).status_code == 302
    assert keeper.post(way, second | {"name": "东区物业乙"}).status_code == 409


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"number": "", "room": "1"}, "请填写「房号」"),
        ({"number": "1-1-101", "room": "1"}, "「房号」已存在"),
        ({"number": "a", "room": "1", "area": "0"}, "面积必须大于 0"),
        ({"number": "a", "room": "1", "area": "12.345"}, "小数太多"),
        ({"number": "a", "room": "1", "area": "99999999999999"}, "太大"),
        ({"number": "a", "room": "1", "area": "abc"}, "不是数字"),
        ({"number": "a", "room": "1", "floor": "三"}, "不是整数"),
        ({"number": "a", "room": "1", "floor": "99999999999"}, "太大"),
        ({"number": "a", "room": "1", "usage": "castle"}, "请从列表中选择"),
        ({"number": "a", "room": "1", "handed_over_on": "昨天"}, "不是日期"),
        ({"number": "a", "room": "1", "handed_over_on": "0001-01-01"}, "年份不对"),
        ({"number": "a", "room": "1", "floor": "1_0"}, "不是整数"),
        ({"number": "a", "room": "1", "area": "NaN"}, "太大"),
        ({"number": "a", "room": "1", "area": "1e999999"}, "太大"),
        ({"number": "a\x00b", "room": "1"}, "控制字符"),
        ({"number": "x" * 41, "room": "1"}, "最多 40 个字"),
    ],
)
def test_what_cannot_be_kept_is_refused_at_its_field_and_never_in_sql(admin, form, says):
    answer = admin.post("/units/new/", form)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert says in page
    for word in ("INSERT", "psycopg", "uq_unit", "Traceback"):
        assert word not in page


def test_what_was_typed_stands_in_the_form_that_refused_it(admin):
    page = admin.post("/units/new/", {"number": "1-1-101", "room": "我写的"}).get_data(as_text=True)
    assert "我写的" in page


def test_the_same_number_in_another_office_is_no_double(admin, database, cast: Cast):
    with across_offices(database, Reason.SETTING_UP) as session:
        make.unit(session, cast.south.id, number="88-8-808")
        session.commit()
    assert admin.post("/units/new/", {"number": "88-8-808", "room": "808"}).status_code == 302


def test_removing_asks_first_and_then_removes(admin, database, unit):
    page = admin.get(f"/units/delete/?id={unit.id}").get_data(as_text=True)
    assert unit.number in page
    assert fresh(database, Unit, unit.id) is not None
    assert admin.post("/units/delete/", {"id": unit.id}).status_code == 302
    assert fresh(database, Unit, unit.id) is None


def test_a_record_in_use_is_not_removed_and_says_by_what(admin, database, cast: Cast):
    answer = admin.post("/units/delete/", {"id": cast.north.unit.id})
    assert answer.status_code == 409
    page = answer.get_data(as_text=True)
    assert "「产权」" in page
    assert "ownership" not in page.lower().replace("/ownerships", "")
    assert fresh(database, Unit, cast.north.unit.id) is not None


def test_a_reference_may_be_left_out_only_where_none_is_allowed(admin, cast: Cast):
    answer = admin.post("/ownerships/new/", {"unit": "", "owner": cast.north.owner.id, "share": "1"})
    assert answer.status_code == 422
    assert "请选择「房屋」" in answer.get_data(as_text=True)


def test_a_blank_reference_clears_it(admin, database, cast: Cast, unit):
    form = filled(admin, f"/units/edit/?id={unit.id}")
    assert form["building"] != ""
    assert admin.post(f"/units/edit/?id={unit.id}", form | {"building": ""}).status_code == 302
    assert fresh(database, Unit, unit.id).building_id is None


def test_a_missing_reference_is_not_taken_for_none(admin, database, unit):
    form = filled(admin, f"/units/edit/?id={unit.id}")
    assert admin.post(f"/units/edit/?id={unit.id}", form | {"building": "424242"}).status_code == 422
    assert fresh(database, Unit, unit.id).building_id == unit.building_id


def test_a_lookup_finds_by_words_and_gives_twenty_at_most(admin, database, cast: Cast):
    with across_offices(database, Reason.SETTING_UP) as session:
        for number in range(30):
            make.building(session, cast.north.id, name=f"查找{number}栋")
        session.commit()
    way = "/units/ajax/lookup/?name=building"
    for limit in ("20", "100000", "-1", "0", "x"):
        assert len(admin.get(f"{way}&query=查找&limit={limit}").get_json()) <= 20, limit
    assert [label for _, label in admin.get(f"{way}&query=查找29").get_json()] == ["查找29栋"]
    assert admin.get(f"{way}&query=%").get_json() == []
    assert admin.get("/units/ajax/lookup/?name=office").status_code == 404
    assert admin.get("/units/ajax/lookup/").status_code == 404


def test_no_address_edits_a_single_cell(app, admin):
    assert not [rule for rule in app.url_map.iter_rules() if "ajax/update" in rule.rule]
    assert admin.post("/units/ajax/update/", {"list_form_pk": "1", "note": "x"}).status_code == 404


def test_no_act_on_many_rows_is_open_that_nobody_declared(admin, database, unit):
    for name in ("delete", "nonsense", ""):
        assert admin.post("/units/action/", {"action": name, "rowid": unit.id}).status_code == 404
    assert fresh(database, Unit, unit.id) is not None


def test_making_needs_one_office(sign_in, database, cast: Cast):
    with across_offices(database, Reason.SETTING_UP) as session:
        person = make.staff(session, login="two-offices", name="双岗")
        for house in (cast.north, cast.south):
            make.posting(session, person, Role.OFFICE_ADMIN, house.office)
        session.commit()
    both = sign_in(person)
    page = both.get("/units/new/", follow_redirects=True).get_data(as_text=True)
    assert "先选定一个管理处" in page
    assert both.post("/units/new/", {"number": "5-5-505", "room": "505"}).status_code == 302
    assert (
        "5-5-505"
        not in both.get("/units/?search=5-5-505&flt0_number-has=5-5-505")
        .get_data(as_text=True)
        .replace('value="5-5-505"', "")
        .replace("查找：5-5-505", "")
        .replace("5-5-505</a>", "")
        .replace("5-5-505<a", "")
        .split("<tbody>")[1]
    )
    both.enter(cast.south.id)
    assert both.post("/units/new/", {"number": "5-5-505", "room": "505"}).status_code == 302
    with database.session(cast.south.scope(), CLOCKWORK) as session:
        assert session.scalars(select(Unit).where(Unit.number == "5-5-505")).one().office_id == cast.south.id


def test_in_all_offices_a_record_may_refer_only_within_its_own(sign_in, database, cast: Cast):
    with across_offices(database, Reason.SETTING_UP) as session:
        person = make.staff(session, login="both-again", name="双岗")
        for house in (cast.north, cast.south):
            make.posting(session, person, Role.OFFICE_ADMIN, house.office)
        own, foreign = make.unit(session, cast.north.id), make.building(session, cast.south.id)
        session.commit()
    both = sign_in(person)
    form = filled(both, f"/units/edit/?id={own.id}")
    answer = both.post(f"/units/edit/?id={own.id}", form | {"building": foreign.id})
    assert answer.status_code == 422
    assert fresh(database, Unit, own.id).building_id == own.building_id


def test_the_groups_records_are_not_made_from_inside_an_office(sign_in, cast: Cast):
    keeper = sign_in(cast.group[Role.SYSTEM_ADMIN].staff)
    keeper.enter(cast.north.id)
    answer = keeper.post("/companies/new/", {"code": "NEW", "name": "新公司"})
    assert answer.status_code == 422
    assert "全部管理处" in answer.get_data(as_text=True)
    keeper.enter(None)
    assert keeper.post("/companies/new/", {"code": "NEW", "name": "新公司"}).status_code == 302


def test_the_history_tells_each_change_in_words(admin, unit):
    form = filled(admin, f"/units/edit/?id={unit.id}")
    admin.post(f"/units/edit/?id={unit.id}", form | {"usage": "shop"})
    page = admin.get(f"/units/history/?id={unit.id}").get_data(as_text=True)
    for word in ("修改", "用途", "住宅", "商铺", "北苑管理处管理员"):
        assert word in page, word


def test_an_owner_of_many_names_keeps_every_field(admin, database, cast: Cast):
    form = {"name": "阮氏", "kind": "company", "phone": "19900000001", "id_number": "91110000", "note": "=1+1"}
    assert admin.post("/owners/new/", form).status_code == 302
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        row = session.scalars(select(Owner).where(Owner.name == "阮氏")).one()
    assert (row.kind, row.phone, row.note) == (OwnerKind.COMPANY, "19900000001", "=1+1")


def test_a_page_of_fifty_asks_no_more_often_than_a_page_of_one(admin, database, cast: Cast):
    def count(way: str) -> int:
        with asked(database) as statements:
            assert admin.get(way).status_code == 200
        return len(statements)

    with across_offices(database, Reason.SETTING_UP) as session:
        for _ in range(40):
            made, owner = make.unit(session, cast.north.id), make.owner(session, cast.north.id)
            make.ownership(session, made, owner)
        session.commit()
    assert fresh(database, Building, 1) is not None
    for path in ("units", "ownerships"):
        counts = [count(f"/{path}/?page_size={size}") for size in (20, 50)]
        assert counts[1] < 40, counts
