"""Every page of every view opens over rows of every table, in words, and asks no more for many rows than for few."""

import re

import pytest
from flask import Flask

import make
from asked import asked
from cast import Cast
from furnish import furnish, furnish_office
from tenant.journal import CLOCKWORK
from tenant.rules.terms import Act, Role
from tenant.unscoped import Reason, across_offices

SAMPLES = {"datepicker": "2026-03-02", None: "1"}
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def views(app: Flask):
    """Return every view of an entity."""
    return [view for view in app.extensions["admin"][0]._views if hasattr(view, "area")]


@pytest.fixture(scope="module")
def rows(database, cast: Cast):
    """One row of every table in both offices."""
    return furnish(database, [cast.north.id, cast.south.id])


@pytest.fixture(scope="module")
def chair(sign_in, cast: Cast, database, rows):
    """Somebody who holds every role of the group, so that every page can be opened once."""
    with across_offices(database, Reason.SETTING_UP) as session:
        person = make.staff(session, login="chair", name="总管")
        for role in Role:
            if role.signs_in:
                make.posting(session, person, role, None)
        session.commit()
    return sign_in(person)


def test_every_list_opens_with_every_search_sort_and_filter(app, chair, cast: Cast):
    chair.enter(cast.north.id)
    for view in views(app):
        ways = [f"/{view.path}/", f"/{view.path}/?search=甲&page=3", f"/{view.path}/?search=%25_\\"]
        ways += [f"/{view.path}/?sort={number}&desc=1" for number, _ in enumerate(view._list_columns)]
        for key, (_, found) in (view._filter_args or {}).items():
            value = found.options[0][0] if found.options else SAMPLES.get(found.data_type, "1")
            ways.append(f"/{view.path}/?flt0_{key}={value}")
        for way in ways:
            answer = chair.get(way)
            assert answer.status_code == 200, (way, answer.get_data(as_text=True)[:500])


def test_every_list_opens_across_offices_and_says_whose_each_row_is(app, chair, cast: Cast):
    chair.enter(None)
    for view in views(app):
        page = chair.get(f"/{view.path}/").get_data(as_text=True)
        assert "office_id" not in view.model.__table__.c or cast.south.office.name in page, view.path


def test_a_filter_value_that_is_none_is_said_so_and_narrows_nothing(app, chair):
    for view in views(app):
        query = "&".join(f"flt{number}_{key}=a%00b" for number, key in enumerate(view._filter_args or {}))
        answer = chair.get(f"/{view.path}/?{query}")
        assert answer.status_code == 200, (view.path, query)


def test_an_address_with_nonsense_in_it_is_no_error(chair):
    for query in (
        "page=x",
        "page=-5",
        "page=99999999999999",
        "sort=99",
        "sort=-1",
        "page_size=100000",
        "desc=x",
        "flt0_x=1",
    ):
        assert chair.get(f"/units/?{query}").status_code == 200, query


def test_a_bound_beyond_all_bounds_is_ignored_and_said_so(chair):
    for value in ("1e400", "1e999999", "-1e99", "NaN", "Infinity"):
        page = chair.get(f"/units/?flt0_area-from={value}")
        assert (page.status_code, "无法识别" in page.get_data(as_text=True)) == (200, True), value
    for value in ("0001-01-01", "9999-12-31", "2026-02-30", "heute"):
        for path, column in (("requests", "ticket.received_at"), ("charges", "due_on")):
            for bound in ("from", "to"):
                assert chair.get(f"/{path}/?flt0_{column}-{bound}={value}").status_code == 200, (path, bound, value)


def test_every_form_opens_in_its_place(app, chair, cast: Cast):
    for view in views(app):
        if Act.CREATE in view.acts:
            chair.enter(None if view.is_group_only else cast.north.id)
            answer = chair.get(f"/{view.path}/new/")
            assert answer.status_code == 200, (view.path, answer.get_data(as_text=True)[:500])


def test_every_export_is_made(app, chair):
    for view in views(app):
        if Act.EXPORT in view.acts:
            for kind in view.export_types:
                assert chair.get(f"/{view.path}/export/{kind}/").status_code == 200, view.path


def test_every_column_field_and_filter_is_called_in_chinese(app):
    for view in views(app):
        labels = [label for _, label in (*view._list_columns, *view._details_columns)]
        labels += [str(found.name) for found in view._filters or ()]
        for form in (view._create_form_class, view._edit_form_class):
            labels += [
                unbound.args[0] if isinstance(unbound.args[0], str) else unbound.args[1]
                for name, unbound in vars(form).items()
                if hasattr(unbound, "field_class") and name != "edition"
            ]
        assert [label for label in labels if not CHINESE.search(label)] == [], view.path
        assert CHINESE.search(str(view.name))
        assert view.purpose.endswith("。"), view.path


def test_many_rows_are_asked_for_as_few_times_as_few(app, chair, database, cast: Cast, rows):
    """A relation that is not loaded with the page asks once a row."""

    def statements_of(path):
        with asked(database) as statements:
            chair.get(f"/{path}/")
        return len(statements)

    chair.enter(cast.north.id)
    few, many = {}, {}
    for found in (few, many):
        for view in views(app):
            found[view.path] = statements_of(view.path)
        if found is few:
            with database.session(cast.north.scope(), CLOCKWORK) as session:
                for _ in range(6):
                    furnish_office(session, cast.north.id, rows)
                session.commit()
    more = [path for path in few if many[path] > few[path]]  # once a while a page renews what it knows of the person
    assert {path: (few[path], again) for path in more if (again := statements_of(path)) > few[path]} == {}
