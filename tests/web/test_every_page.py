"""Every page of every view opens for who may open it, and a search or filter by any column is a query that runs."""

import pytest
from flask import Flask

import make
from cast import Cast
from tenant.rules.terms import Act, Role
from tenant.unscoped import Reason, across_offices

ORDINARY = "甲"
SAMPLES = {"datepicker": "2026-03-02", None: "1"}


def views(app: Flask):
    """Return every view of an entity."""
    return [view for view in app.extensions["admin"][0]._views if hasattr(view, "area")]


@pytest.fixture(scope="module")
def chair(sign_in, cast: Cast, database):
    """Somebody who holds every role of the group and of the north, so that every page can be opened once."""
    with across_offices(database, Reason.SETTING_UP) as session:
        person = make.staff(session, login="chair", name="总管")
        for role in Role:
            if role.signs_in:
                make.posting(session, person, role, None)
        session.commit()
    return sign_in(person)


def test_every_list_opens_with_every_search_sort_and_filter(app, chair, cast: Cast):
    for view in views(app):
        for office in (None, cast.north.id):
            chair.enter(office)
            ways = [f"/{view.path}/", f"/{view.path}/?search=甲&page=3"]
            ways += [f"/{view.path}/?sort={number}&desc=1" for number, _ in enumerate(view._list_columns)]
            for key, (_, found) in (view._filter_args or {}).items():
                value = found.options[0][0] if found.options else SAMPLES.get(found.data_type, "1")
                ways.append(f"/{view.path}/?flt0_{key}={value}")
            for way in ways:
                answer = chair.get(way)
                assert answer.status_code == 200, (way, answer.get_data(as_text=True)[:500])


def test_every_form_opens_in_its_place(app, chair, cast: Cast):
    for view in views(app):
        if Act.CREATE in view.acts:
            chair.enter(None if view.is_group_only else cast.north.id)
            answer = chair.get(f"/{view.path}/new/")
            assert answer.status_code == 200, (view.path, answer.get_data(as_text=True)[:500])


def test_every_export_holds_what_the_screen_shows(app, chair, cast: Cast):
    for view in views(app):
        if Act.EXPORT in view.acts:
            for kind in view.export_types:
                assert chair.get(f"/{view.path}/export/{kind}/").status_code == 200, view.path
