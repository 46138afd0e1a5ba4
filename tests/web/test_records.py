"""Records through the one view: listed, made, changed, removed; never another office's."""

import pytest

from cast import Cast
from tenant.rules.terms import Role


@pytest.fixture
def admin(sign_in, cast: Cast):
    """The office admin of the north."""
    return sign_in(cast.north.people[Role.OFFICE_ADMIN].staff)


def test_a_list_shows_the_offices_own_rows(admin, cast: Cast):
    page = admin.get("/units/")
    assert page.status_code == 200
    assert cast.north.unit.number in page.get_data(as_text=True)


@pytest.mark.parametrize("path", ["owners", "units", "buildings", "sections", "estates", "ownerships", "occupants"])
def test_every_list_and_form_opens(admin, path):
    for way in (f"/{path}/", f"/{path}/new/", f"/{path}/export/csv/", f"/{path}/export/xlsx/"):
        assert admin.get(way).status_code == 200, way


def test_a_record_shows_its_page_its_form_and_its_history(admin, cast: Cast):
    for path, row in (("units", cast.north.unit), ("owners", cast.north.owner)):
        for way in ("details", "edit", "history", "delete"):
            assert admin.get(f"/{path}/{way}/?id={row.id}").status_code == 200, (path, way)
