"""Waiting on the screen: offered where the table allows it, refused at its field, shown on the page (A-W5, B-W19)."""

from datetime import timedelta

import pytest
from lxml import html

import make
from cast import Cast
from desk import request
from tenant import clock
from tenant.rules.terms import Role
from tenant.services import requests


@pytest.fixture
def until():
    """Thirty hours from now, as a page takes it."""
    return (clock.now() + timedelta(hours=30)).isoformat()


@pytest.fixture
def order(database, cast: Cast):
    """An order on its way to the technician of the north, with the id of its request."""
    with database.session(cast.north.scope(), cast.north.actor(Role.FRONT_DESK)) as session:
        filed = request(session, cast.north)
        sent = requests.dispatch(session, filed.id, cast.north.engineering.id, cast.north.people[Role.TECHNICIAN].id)
        session.commit()
        return sent.id, filed.id


def offered(page, path):
    links = html.fromstring(page.get_data(as_text=True)).xpath("//a/@href")
    return {link.split("/act/")[1].split("/")[0] for link in links if f"/{path}/act/" in link}


def test_a_technician_lets_an_order_wait_and_go_on(sign_in, cast: Cast, order, until):
    order_id, request_id = order
    worker = sign_in(cast.north.people[Role.TECHNICIAN].staff)
    steps = {"receive", "accept", "set-out", "arrive", "complete"}
    assert offered(worker.get(f"/work_orders/details/?id={order_id}"), "work_orders") == steps | {"pause"}
    way = f"/work_orders/act/pause/?id={order_id}"
    early = worker.post(way, {"reason": "owner", "until_at": make.NOON.isoformat()})
    assert early.status_code == 422
    assert "已经过去" in early.get_data(as_text=True)
    assert worker.post(way, {"reason": "", "until_at": until}).status_code == 422
    assert worker.post(way, {"reason": "material", "until_at": until, "note": "等配件"}).status_code == 302
    page = worker.get(f"/work_orders/details/?id={order_id}")
    assert offered(page, "work_orders") == {"arrive", "complete", "resume"}
    assert "等待中" in page.get_data(as_text=True)
    matter = sign_in(cast.north.people[Role.FRONT_DESK].staff).get(f"/requests/details/?id={request_id}")
    shown = matter.get_data(as_text=True)
    assert all(words in shown for words in ("1 次，共不到 1 分钟，现在等材料", "等配件", "因等待停算", "等待到期"))
    assert {"resume", "contact", "promise"} <= offered(matter, "requests")
    assert "dispatch" not in offered(matter, "requests")
    assert worker.post(f"/work_orders/act/resume/?id={order_id}").status_code == 302
    assert offered(worker.get(f"/work_orders/details/?id={order_id}"), "work_orders") == steps | {"pause"}
    assert "等材料" in worker.get("/pauses/").get_data(as_text=True)


def test_the_desk_gives_an_order_to_another_and_files_the_signed_copy(sign_in, cast: Cast, order):
    order_id, _ = order
    desk = sign_in(cast.north.people[Role.FRONT_DESK].staff)
    way = f"/work_orders/act/redispatch/?id={order_id}"
    form = {"department": cast.north.engineering.id, "technician": "", "reason": ""}
    assert desk.post(way, form).status_code == 422
    assert desk.post(way, form | {"reason": "另有急修"}).status_code == 302
    assert "另有急修" in desk.get(f"/work_orders/details/?id={order_id}").get_data(as_text=True)
    again = desk.post(way, form | {"reason": "再派"})
    assert again.status_code == 422
    assert "现在是「已改派」" in again.get_data(as_text=True)
    follower = max(
        int(link.split("id=")[1].split("&")[0])
        for link in html.fromstring(desk.get("/work_orders/").get_data(as_text=True)).xpath("//a/@href")
        if "/work_orders/details/" in link
    )
    for verb, told in (("receive", {}), ("complete", {"outcome": "换阀"}), ("sign", {}), ("file", {})):
        assert desk.post(f"/work_orders/act/{verb}/?id={follower}", told).status_code == 302, verb
    page = desk.get(f"/work_orders/details/?id={follower}")
    facts = html.fromstring(page.get_data(as_text=True)).xpath("//dt[.='接续']/following-sibling::dd[1]")
    assert [fact.text_content().strip()[-2:] for fact in facts] == ["-1"]
    assert offered(page, "work_orders") == set()
    assert "已归档" in page.get_data(as_text=True)


def test_a_technician_sees_no_pause_of_others(database, sign_in, cast: Cast, order, until):
    order_id, _ = order
    worker = sign_in(cast.north.people[Role.TECHNICIAN].staff)
    with database.session(cast.north.scope(), cast.north.actor(Role.FRONT_DESK)) as session:
        filed = request(session, cast.north, content="别人的报事")
        session.commit()
    desk = sign_in(cast.north.people[Role.FRONT_DESK].staff)
    answer = desk.post(f"/requests/act/pause/?id={filed.id}", {"reason": "third_party", "until_at": until})
    assert answer.status_code == 302
    assert "等第三方" in desk.get("/pauses/").get_data(as_text=True)
    assert "等第三方" not in worker.get("/pauses/").get_data(as_text=True).split("<tbody")[-1]
    assert worker.get(f"/work_orders/details/?id={order_id}").status_code == 200
