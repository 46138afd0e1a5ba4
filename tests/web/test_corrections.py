"""Putting a matter right on its page: prefilled, refused at the field, told who was quicker (A-W2, A-C1)."""

import pytest
from lxml import html
from sqlalchemy import select

from desk import at_desk, complaint, request
from tenant import clock
from tenant.models import Complaint, ServiceRequest
from tenant.rules.terms import RequestCategory, Role
from tenant.services import requests, tickets
from tenant.unscoped import Reason, across_offices


@pytest.fixture
def filed(database, cast):
    """A request of the north's, made now."""
    with at_desk(database, cast.north, clock.now()) as session:
        row = request(session, cast.north, reporter_name="王建国", reporter_phone="19912345678", location="厨房")
        session.commit()
        return row.id


@pytest.fixture
def look(database):
    def read(model, row_id):
        with across_offices(database, Reason.REVIEWING) as session:
            row = session.scalars(select(model).where(model.id == row_id)).one()
            return row, row.ticket

    return read


@pytest.fixture(scope="module")
def desk(sign_in, cast):
    return sign_in(cast.north.people[Role.FRONT_DESK].staff)


def form_of(browser, address):
    """Return what the form at an address is filled with."""
    page = html.fromstring(browser.get(address).get_data(as_text=True))
    (form,) = [found for found in page.forms if "content" in found.fields]
    return {name: (form.fields[name] or "").lstrip("\n") for name in form.fields if name not in {"csrf_token", "url"}}


def test_the_form_holds_what_was_written_and_no_time_that_carries_a_clock(desk, filed):
    found = form_of(desk, f"/requests/edit/?id={filed}")
    assert (found["content"], found["location"], found["reporter_name"]) == ("厨房水管漏水", "厨房", "王建国")
    assert not {"received_at", "promised_at", "category", "urgent"} & set(found)


def test_it_is_saved_recorded_and_nothing_else_is_written(desk, filed, look, record):
    address = f"/requests/edit/?id={filed}"
    before = look(ServiceRequest, filed)[1]
    answer = desk.post(
        address, form_of(desk, address) | {"content": "卫生间漏水", "received_at": "2020-01-01T00:00", "urgent": "y"}
    )
    assert answer.status_code == 302
    row, ticket = look(ServiceRequest, filed)
    assert (ticket.content, ticket.location, ticket.reporter_phone) == ("卫生间漏水", "厨房", "19912345678")
    assert (ticket.received_at, row.urgent) == (before.received_at, False)
    assert record("ticket.update")[0].after["content"] == "卫生间漏水"


def test_two_who_edit_at_once_see_each_other_and_nothing_is_lost(desk, director, filed, look):
    address = f"/requests/edit/?id={filed}"
    mine, theirs = form_of(desk, address), form_of(director, address)
    assert director.post(address, theirs | {"content": "主任改的"}).status_code == 302
    answer = desk.post(address, mine | {"content": "前台改的"})
    assert answer.status_code == 409
    page = answer.get_data(as_text=True)
    assert "主任改的" in page
    assert "前台改的" in page
    assert look(ServiceRequest, filed)[1].content == "主任改的"


def test_what_else_happens_to_the_matter_meanwhile_is_no_conflict(database, cast, desk, filed, look):
    address = f"/requests/edit/?id={filed}"
    mine = form_of(desk, address)
    with at_desk(database, cast.north, clock.now()) as session:
        requests.dispatch(session, filed, cast.north.engineering.id)
        session.commit()
    assert desk.post(address, mine | {"location": "主卫"}).status_code == 302
    assert look(ServiceRequest, filed)[1].location == "主卫"


def test_an_empty_content_and_what_is_over_are_refused_in_words(database, cast, desk, filed, look):
    address = f"/requests/edit/?id={filed}"
    mine = form_of(desk, address)
    answer = desk.post(address, mine | {"content": " "})
    assert (answer.status_code, "请填写「内容」" in answer.get_data(as_text=True)) == (422, True)
    with at_desk(database, cast.north, clock.now()) as session:
        tickets.invalidate(session, look(ServiceRequest, filed)[0].ticket_id, "误登")
        session.commit()
    answer = desk.post(address, mine | {"location": "主卫"})
    assert answer.status_code == 422
    assert "不能再修改" in answer.get_data(as_text=True)


def test_who_may_not_see_numbers_in_full_changes_the_rest_and_leaves_them(sign_in, cast, filed, look, monkeypatch):
    monkeypatch.setattr("admin.office_view.OfficeView.may_reveal", lambda _view: False)
    desk = sign_in(cast.north.people[Role.FRONT_DESK].staff)
    address = f"/requests/edit/?id={filed}"
    mine = form_of(desk, address)
    assert "reporter_phone" not in mine
    assert desk.post(address, mine | {"location": "主卫", "reporter_phone": "1"}).status_code == 302
    ticket = look(ServiceRequest, filed)[1]
    assert (ticket.location, ticket.reporter_phone) == ("主卫", "19912345678")


def test_a_complaint_says_besides_what_is_asked_and_of_whom(database, cast, desk, look):
    with at_desk(database, cast.north, clock.now()) as session:
        row = complaint(session, cast.north, demand="道歉", about="李工")
        session.commit()
    address = f"/complaints/edit/?id={row.id}"
    found = form_of(desk, address)
    assert (found["demand"], found["about"]) == ("道歉", "李工")
    assert desk.post(address, found | {"demand": "书面答复"}).status_code == 302
    assert look(Complaint, row.id)[0].demand == "书面答复"


def test_category_and_urgency_are_changed_by_a_verb_with_its_reason_on_the_record(desk, filed, look, record):
    address = f"/requests/act/reclassify/?id={filed}"
    assert "请填写「原因」" in desk.post(address, {"urgency": "urgent", "category": "", "reason": ""}).get_data(
        as_text=True
    )
    assert desk.post(address, {"urgency": "urgent", "category": "", "reason": "水已漫到楼下"}).status_code == 302
    row, _ = look(ServiceRequest, filed)
    assert (row.urgent, row.category) == (True, RequestCategory.REPAIR)
    assert record("service_request.update")[0].reason == "水已漫到楼下"


def test_another_office_and_who_only_does_the_work_put_nothing_right(sign_in, stranger, cast, filed):
    other = sign_in(cast.south.people[Role.FRONT_DESK].staff)
    assert other.get(f"/requests/edit/?id={filed}").status_code == 404
    technician = sign_in(cast.north.people[Role.TECHNICIAN].staff)
    assert technician.get(f"/requests/edit/?id={filed}").status_code == 403
    assert stranger.get(f"/requests/act/reclassify/?id={filed}").status_code in {403, 404}
