"""Telephone and identity numbers are masked until somebody who may asks; each asking is on the record (B-O5)."""

import pytest

import make
from cast import Cast
from tenant.rules.terms import Role
from tenant.unscoped import Reason, across_offices

PHONE, NUMBER, ADDRESS = "19987654321", "110101199001011237", "隐路 1 号院 2 栋"


@pytest.fixture(scope="module")
def owner(database, cast: Cast):
    """An owner of the north with numbers to hide."""
    with across_offices(database, Reason.SETTING_UP) as session:
        made = make.owner(
            session, cast.north.id, name="秦隐", phone=PHONE, id_number=NUMBER, address="隐路 1 号院 2 栋"
        )
        session.commit()
        return made


def hidden(page: str) -> bool:
    """Tell whether a page keeps the numbers to itself."""
    return PHONE not in page and NUMBER not in page and ADDRESS not in page


def test_no_list_page_history_or_file_shows_them(sign_in, cast: Cast, owner):
    admin = sign_in(cast.north.people[Role.OFFICE_ADMIN].staff)
    for way in (
        "/owners/", "/owners/?search=秦隐", f"/owners/details/?id={owner.id}", f"/owners/history/?id={owner.id}",
        "/owners/export/csv/", "/ownerships/ajax/lookup/?name=owner&query=秦隐",
    ):  # fmt: skip
        page = admin.get(way).get_data(as_text=True)
        assert "秦隐" in page or "history" in way, way
        assert hidden(page), way


def test_who_may_reveal_sees_them_once_and_it_is_put_on_the_record(sign_in, cast: Cast, owner, record):
    desk = sign_in(cast.north.people[Role.FRONT_DESK].staff)
    answer = desk.post("/owners/reveal/", {"id": owner.id})
    page = answer.get_data(as_text=True)
    assert (answer.status_code, PHONE in page, NUMBER in page) == (200, True, True)
    entry = record("record.revealed")[0]
    assert (entry.subject_kind, entry.subject_id, entry.office_id) == ("owner", owner.id, cast.north.id)
    assert entry.actor_name == cast.north.people[Role.FRONT_DESK].staff.name
    assert PHONE not in str(entry.after)
    assert hidden(desk.get(f"/owners/details/?id={owner.id}").get_data(as_text=True))


def test_reading_is_not_enough_to_reveal(sign_in, cast: Cast, owner):
    helper = sign_in(cast.north.people[Role.ENGINEERING_ASSISTANT].staff)
    assert helper.get(f"/owners/details/?id={owner.id}").status_code == 200
    assert helper.post("/owners/reveal/", {"id": owner.id}).status_code == 403


def test_revealing_needs_a_form_not_an_address(sign_in, cast: Cast, owner):
    desk = sign_in(cast.north.people[Role.FRONT_DESK].staff)
    assert desk.get(f"/owners/reveal/?id={owner.id}").status_code == 405


def test_a_foreign_owner_is_revealed_to_nobody(sign_in, cast: Cast, owner):
    desk = sign_in(cast.south.people[Role.FRONT_DESK].staff)
    answers = [desk.post("/owners/reveal/", {"id": row_id}).status_code for row_id in (owner.id, 999_999)]
    assert answers == [404, 404]


def test_opening_the_form_that_shows_them_is_put_on_the_record(sign_in, cast: Cast, owner, record):
    admin = sign_in(cast.north.people[Role.OFFICE_ADMIN].staff)
    before = len(record("record.revealed"))
    assert PHONE in admin.get(f"/owners/edit/?id={owner.id}").get_data(as_text=True)
    assert len(record("record.revealed")) == before + 1
