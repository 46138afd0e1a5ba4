"""A foreign id answers like a missing one, to the letter, at every address that takes an id; the person's own answers.

The addresses come from the route map and the rows from the tables' own description: a new view is under these claims
by being registered.
"""

import re

import pytest

import make
from admin.access import door_of
from cast import Cast
from furnish import Furniture, furnish
from tenant.models import Base, Walled
from tenant.rules.terms import Role
from tenant.unscoped import Reason, across_offices

NO_IDS = ("1,2", "-1", "0", "x", "1 OR 1=1", str(2**63), str(2**80), "", "１")
WAYS = {"details_view": "GET", "history_view": "GET", "edit_view": "GET", "delete_view": "GET"}


@pytest.fixture(scope="module")
def rows(database, cast: Cast) -> Furniture:
    """One row of every table in both offices."""
    return furnish(database, [cast.north.id, cast.south.id])


@pytest.fixture(scope="module")
def everyone(sign_in, cast: Cast, database):
    """A person who holds every office role in the north, and nothing elsewhere."""
    with across_offices(database, Reason.SETTING_UP) as session:
        person = make.staff(session, login="factotum", name="多面手")
        for role in (*cast.north.people, Role.AUDITOR, Role.SYSTEM_ADMIN, Role.GROUP_CENTRE):
            make.posting(session, person, role, cast.north.office)
        session.commit()
    return sign_in(person)


def plain(answer) -> str:
    """Return a page without what differs from one request to the next: also how late the clockwork is by now."""
    page = answer.get_data(as_text=True)
    page = re.sub(r'nonce="[^"]+"|name="csrf_token" value="[^"]+"|<span class="code">[^<]+</span>', "", page)
    page = re.sub(r"<p>后台(已延迟|没有在运行)[^<]*", "<p>", page)
    return re.sub(r"id=\d+|id%3D\d+", "id", page)


def with_an_id(app):
    """Yield every address of a view that takes the id of a row in an office, with the row's table."""
    for view in app.extensions["admin"][0]._views:
        if hasattr(view, "area") and issubclass(view.model, Walled):
            for method in WAYS:
                endpoint = f"{view.endpoint}.{method}"
                if endpoint in app.view_functions:
                    url = next(rule.rule for rule in app.url_map.iter_rules(endpoint))
                    yield view, endpoint, url, view.model.__tablename__


def test_own_rows_answer_and_foreign_ones_answer_like_missing_ones(app, everyone, cast: Cast, rows: Furniture):
    tried = 0
    for view, endpoint, url, table in with_an_id(app):
        if view.is_group_only and endpoint.endswith(("edit_view", "delete_view")):
            continue
        own, foreign = rows.ids[table, cast.north.id], rows.ids[table, cast.south.id]
        answers = {
            name: everyone.get(f"{url}?id={row_id}")
            for name, row_id in {"own": own, "foreign": foreign, "missing": 999_999_999}.items()
        }
        door = door_of(app.view_functions[endpoint])
        assert answers["own"].status_code == 200, (url, door, answers["own"].get_data(as_text=True)[:400])
        assert answers["foreign"].status_code == answers["missing"].status_code == 404, url
        assert plain(answers["foreign"]) == plain(answers["missing"]), url
        tried += 1
    assert tried > 60


@pytest.mark.parametrize("spelled", NO_IDS)
def test_what_is_no_id_names_nothing(everyone, spelled):
    for way in ("details", "edit", "history"):
        assert everyone.get(f"/units/{way}/", query_string={"id": spelled}).status_code == 404, (way, spelled)
    assert everyone.get("/units/details/").status_code == 404


def test_no_verb_reaches_a_foreign_row(app, everyone, cast: Cast, rows: Furniture):
    for view in app.extensions["admin"][0]._views:
        for verb in getattr(view, "verbs", ()):
            if view.is_group_only:
                continue
            table = view.model.__tablename__
            for method in ("get", "post"):
                answers = [
                    getattr(everyone, method)(f"/{view.path}/act/{verb.name}/?id={row_id}")
                    for row_id in (rows.ids[table, cast.south.id], 999_999_999)
                ]
                assert [answer.status_code for answer in answers] == [404, 404], (view.path, verb.name)
                assert plain(answers[0]) == plain(answers[1])


def test_no_lookup_offers_a_foreign_row(app, everyone, cast: Cast, rows: Furniture):
    for view in app.extensions["admin"][0]._views:
        for name, loader in getattr(view, "_form_ajax_refs", {}).items():
            if not issubclass(loader.model, Walled):
                continue
            offered = everyone.get(f"/{view.path}/ajax/lookup/?name={name}&query=&limit=100000").get_json()
            ids = {row_id for row_id, *_ in offered}
            table = loader.model.__tablename__
            assert rows.ids[table, cast.south.id] not in ids, (view.path, name)
            assert len(ids) <= 20


def test_a_form_refuses_a_foreign_reference_like_a_missing_one(everyone, cast: Cast, rows: Furniture):
    said = []
    for unit_id in (rows.ids["unit", cast.south.id], 999_999_999):
        answer = everyone.post(
            "/ownerships/new/", {"unit": unit_id, "owner": rows.ids["owner", cast.north.id], "share": "1"}
        )
        assert answer.status_code == 422
        page = answer.get_data(as_text=True)
        assert "不在本管理处" in page
        said.append(re.sub(r"\d+", "", plain(answer)))
    assert said[0] == said[1]


def test_removing_a_foreign_row_answers_like_removing_a_missing_one(everyone, cast: Cast, rows: Furniture, database):
    answers = [
        everyone.post("/units/delete/", {"id": row_id}) for row_id in (rows.ids["unit", cast.south.id], 999_999_999)
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert plain(answers[0]) == plain(answers[1])


def test_searches_and_filters_stay_inside(everyone, cast: Cast, database):
    with across_offices(database, Reason.SETTING_UP) as session:
        make.unit(session, cast.south.id, number="77-7-777")
        make.unit(session, cast.north.id, number="77-7-778")
        session.commit()
    for way in ("?search=77-7", "?flt0_number-has=77-7", "?flt0_floor-from=0&page_size=200", "export/csv/?search=77-7"):
        page = everyone.get(f"/units/{way}").get_data(as_text=True)
        assert "77-7-778" in page, way
        assert "77-7-777" not in page, way


def test_an_office_out_of_reach_cannot_be_entered(everyone, cast: Cast):
    for office_id in (cast.south.id, 999_999, "x", "1,2"):
        assert everyone.post("/office", {"office": office_id}).status_code == 404
    assert everyone.post("/office", {"office": cast.north.id}).status_code == 302


def test_headquarters_sees_all_offices_or_the_one_it_has_entered(sign_in, cast: Cast):
    centre = sign_in(cast.group[Role.GROUP_CENTRE].staff)
    page = centre.get("/units/?search=1-1-101").get_data(as_text=True)
    assert cast.north.office.name in page
    assert cast.south.office.name in page
    assert "管理处</th>" in page or ">管理处<" in page
    centre.enter(cast.south.id)
    assert centre.get(f"/units/details/?id={cast.north.unit.id}").status_code == 404
    assert centre.get(f"/units/details/?id={cast.south.unit.id}").status_code == 200


def test_every_table_of_an_office_has_been_under_these_claims(app):
    """Tables without a page of their own are named here, with the page that shows them."""
    shown = {view.model.__tablename__ for view in app.extensions["admin"][0]._views if hasattr(view, "area")}
    elsewhere = {"clock", "ticket", "number_series", "outbox_message", "policy_replay", "schedule", "schedule_fire"}
    tables = {mapper.local_table.name for mapper in Base.registry.mappers if issubclass(mapper.class_, Walled)}
    assert tables - shown - elsewhere == set()
