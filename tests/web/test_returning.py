"""A verb leads back to where it was said, offers what the record suggests, and none that makes no sense any more."""

import json
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from lxml import html

from cast import Cast
from desk import HOUR, at_desk, request
from tenant import clock
from tenant.models import Topic
from tenant.rules.terms import PauseReason, RequestCategory, Role
from tenant.services import daily_log, pauses, requests


@pytest.fixture
def desk(sign_in, cast: Cast):
    """The front desk of the north."""
    return sign_in(cast.north.people[Role.FRONT_DESK].staff)


@pytest.fixture
def order(database, cast: Cast):
    """An order of the north sent a while ago, and its request: their ids."""
    with at_desk(database, cast.north, at=clock.now() - HOUR) as session:
        sent = requests.dispatch(session, request(session, cast.north).id, cast.north.engineering.id)
        session.commit()
        return sent.id, sent.request_id


def links(browser, path):
    """Return the verbs a page offers: label → address of its form."""
    page = html.fromstring(browser.get(path).get_data(as_text=True))
    return {link.text_content().strip(): link.get("href") for link in page.xpath("//main//a[contains(@href, '/act/')]")}


def test_a_verb_said_on_a_records_page_leads_back_to_that_page(desk, order):
    there = f"/work_orders/details/?id={order[0]}"
    way = links(desk, f"{there}&url=/work_orders/")["签收"]
    answer = desk.post(way)
    assert answer.status_code == 302
    back = urlsplit(answer.location)
    assert (back.path, parse_qs(back.query)["id"]) == ("/work_orders/details/", [str(order[0])])
    assert "已签收" in desk.get(answer.location).get_data(as_text=True)


def test_a_verb_said_in_a_list_leads_back_to_the_list_as_it_was(desk, order):
    found = links(desk, "/work_orders/?search=BS&page_size=200")
    way = next(address for label, address in found.items() if label == "签收")
    assert desk.post(way).location == "/work_orders/?search=BS&page_size=200"


def test_who_said_a_verb_that_took_the_record_off_its_page_goes_on_in_the_list(database, desk, cast):
    with at_desk(database, cast.north, at=clock.now() - HOUR) as session:
        entry = daily_log.write(session, office_id=cast.north.id, content="夜间来电", at=clock.now() - 2 * HOUR)
        entry.put_off, entry.settled_at = True, None
        session.commit()
        there = f"/handover/details/?id={entry.id}"
    answer = desk.post(links(desk, there)["直接办结"], {"answer": "已回电"})
    assert (answer.status_code, answer.location) == (302, "/handover/")


def test_an_order_that_waits_on_site_is_not_arrived_at_again_a_w5(database, cast, desk, order):
    there = f"/work_orders/details/?id={order[0]}"
    assert "登记到场" in links(desk, there)
    with at_desk(database, cast.north, at=clock.now() - timedelta(minutes=30)) as session:
        requests.arrive(session, order[0])
        ticket_id = requests.find(session, requests.ServiceRequest, order[1], field="request").ticket_id
        until = clock.now() + 5 * HOUR
        pauses.pause(session, ticket_id, PauseReason.MATERIAL, until, work_order_id=order[0])
        session.commit()
    offered = links(desk, there)
    assert "恢复办理" in offered
    assert "登记到场" not in offered


def test_dispatching_offers_the_department_of_the_topic_a_w3(database, cast, desk):
    with at_desk(database, cast.north, at=clock.now()) as session:
        topic = Topic(
            office_id=cast.north.id,
            name="水电急修",
            category=RequestCategory.REPAIR,
            department_id=cast.north.engineering.id,
        )
        session.add(topic)
        session.flush()
        made = request(session, cast.north, topic_id=topic.id).id
        session.commit()
    assert offered(desk, made) == (str(cast.north.engineering.id), cast.north.engineering.name)
    with at_desk(database, cast.north, at=clock.now()) as session:
        plain = request(session, cast.north).id
        session.commit()
    assert offered(desk, plain) == (None, None)


def offered(browser, request_id):
    """Return the department that the form for dispatching a request holds beforehand: its id and its name."""
    page = html.fromstring(browser.get(f"/requests/act/dispatch/?id={request_id}").get_data(as_text=True))
    (field,) = page.xpath("//input[@name='department']")
    known = json.loads(field.get("data-json") or "null")
    return field.get("value"), known[1] if known else None
