"""Two people at one import: nobody writes what another decided without having seen it, nobody's decision is lost."""

import re
from itertools import count

import pytest

from importers import batches
from importers.choices import Choices
from tenant.errors import Refusal
from tenant.models import ImportBatch
from tenant.rules.terms import ImportMode, ImportState, Role
from web.uploads import upload
from workbooks import builders

_buildings = count(700)


@pytest.fixture
def north(database, cast):
    with database.session(cast.north.scope(), cast.north.actor(Role.OFFICE_ADMIN)) as session:
        yield session


@pytest.fixture
def place(clerk):
    return upload(clerk, ["房号", "业主姓名"], [f"{next(_buildings)}-1-101", "于甲"])


def edition_of(clerk, place):
    shown = clerk.get(place).get_data(as_text=True)
    return re.search(r'name="edition" value="(\d+)"', shown)[1]


def test_what_somebody_decided_meanwhile_is_not_written_unseen(clerk, north, place):
    seen = edition_of(clerk, place)
    clerk.post(f"{place}/choices", {"mode": "replace", "missing": "end", "ends_on": "2026-01-31"})
    answer = clerk.post(f"{place}/apply", {"edition": seen, "url": place})
    assert answer.status_code == 302
    assert "有人刚改过" in clerk.get(place).get_data(as_text=True)
    assert north.get_one(ImportBatch, int(place.rsplit("/", 1)[1])).state is ImportState.PREVIEWED


def test_an_old_page_takes_back_no_choice_of_a_newer_one(clerk, north, place):
    seen = edition_of(clerk, place)
    clerk.post(f"{place}/choices", {"mode": "fill", "missing": "keep", "edition": seen})
    for form, way in (({"mode": "replace", "missing": "keep"}, "choices"), ({}, "edits/none")):
        assert clerk.post(f"{place}/{way}", form | {"edition": seen, "url": place}).status_code == 302
        assert "有人刚改过" in clerk.get(place).get_data(as_text=True)
    assert north.get_one(ImportBatch, int(place.rsplit("/", 1)[1])).choices["mode"] == "fill"


def test_work_is_stopped_by_those_who_may_begin_it(clerk, sign_in, cast, place):
    clerk.post(f"{place}/apply", {"edition": edition_of(clerk, place)})
    desk = sign_in(cast.north.people[Role.FRONT_DESK].staff)
    assert desk.post(f"{place}/stop").status_code == 403
    assert clerk.post(f"{place}/stop").status_code == 302


def test_what_was_looked_at_is_written_and_a_doubled_click_asks_once(clerk, north, place):
    seen = edition_of(clerk, place)
    for _ in range(2):
        assert clerk.post(f"{place}/apply", {"edition": seen, "url": place}).headers["Location"] == place
        assert "有人刚改过" not in clerk.get(place).get_data(as_text=True)
    assert north.get_one(ImportBatch, int(place.rsplit("/", 1)[1])).state is ImportState.APPLYING


def test_a_decision_on_what_is_no_longer_so_takes_nothing_back(north, cast):
    content = builders.workbook(["房号", "业主姓名"], [f"{next(_buildings)}-1-101", "于甲"])
    batch = batches.receive(north, cast.north.office, "roster", "名册.xlsx", content)
    seen = batch.version
    batches.decide(north, batch.id, Choices(mode=ImportMode.FILL), seen)
    with pytest.raises(Refusal) as refused:
        batches.decide(north, batch.id, Choices(), seen)
    assert refused.value.code == "decided_meanwhile"
    assert batch.choices["mode"] == "fill"
