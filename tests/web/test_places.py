"""Spaces, vehicles and meters on the screen: let and ended, read and put right, found by plate, refused in words."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from cast import Cast
from tenant import clock
from tenant.journal import CLOCKWORK
from tenant.models import Meter, MeterReading, ParkingLease, ParkingSpace, Vehicle
from tenant.rules.terms import MeterKind, Role
from tenant.scoping import Scope
from tenant.unscoped import Reason, across_offices

TODAY = clock.today()
UNACCEPTABLE = 422


@pytest.fixture
def desk(sign_in, cast: Cast):
    """The front desk of the north."""
    return sign_in(cast.north.people[Role.FRONT_DESK].staff)


@pytest.fixture
def cashier(sign_in, cast: Cast):
    """The finance assistant of the north."""
    return sign_in(cast.north.people[Role.FINANCE_ASSISTANT].staff)


@pytest.fixture(scope="module")
def place(database, cast: Cast):
    """A space, a vehicle and a water meter of the north, and a vehicle and a meter of the south."""
    with across_offices(database, Reason.SETTING_UP) as session:
        rows = {
            "space": ParkingSpace(office_id=cast.north.id, number="B1-001"),
            "vehicle": Vehicle(
                office_id=cast.north.id, plate="粤B7K012", unit_id=cast.north.unit.id, holder_name="张三"
            ),
            "meter": Meter(office_id=cast.north.id, kind=MeterKind.WATER, number="W7701"),
            "theirs": Vehicle(office_id=cast.south.id, plate="粤B7K999"),
            "their_meter": Meter(office_id=cast.south.id, kind=MeterKind.WATER, number="W7702"),
        }
        session.add_all(rows.values())
        session.commit()
        return {name: row.id for name, row in rows.items()}


def rows_of(database, model):
    with database.session(Scope.everywhere(), CLOCKWORK) as session:
        return list(session.scalars(select(model).order_by(model.id)))


def test_a_space_is_let_ended_and_let_again(desk, place, database):
    form = {"parking_space": place["space"], "lessee_name": "张三", "vehicle": place["vehicle"]}
    first = {**form, "from_on": "2026-01-01", "monthly_rent": "300"}
    assert desk.post("/parking_leases/new/", first).status_code == 302
    again = desk.post("/parking_leases/new/", {**form, "lessee_name": "李四", "from_on": "2026-03-01"})
    assert again.status_code == UNACCEPTABLE
    assert "租给「张三」" in again.get_data(as_text=True)
    [lease] = rows_of(database, ParkingLease)
    assert desk.post(f"/parking_leases/act/end/?id={lease.id}", {"to_on": "2026-02-28"}).status_code == 302
    assert (
        desk.post("/parking_leases/new/", {**form, "lessee_name": "李四", "from_on": "2026-03-01"}).status_code == 302
    )
    assert [row.lessee_name for row in rows_of(database, ParkingLease)] == ["张三", "李四"]
    _refuses_another_s_time(desk, lease)


def _refuses_another_s_time(desk, first):
    """Move the end of a lease into the next one's time."""
    page = desk.get(f"/parking_leases/edit/?id={first.id}").get_data(as_text=True)
    edition = page.split('name="edition" type="hidden" value="')[1].split('"')[0]
    answer = desk.post(
        f"/parking_leases/edit/?id={first.id}",
        {"lessee_name": "张三", "from_on": "2026-01-01", "to_on": "2026-03-31", "edition": edition},
    )
    assert answer.status_code == UNACCEPTABLE
    assert "租期重叠" in answer.get_data(as_text=True)


def test_a_vehicle_of_another_office_cannot_be_named(desk, place):
    form = {"parking_space": place["space"], "lessee_name": "王五", "vehicle": place["theirs"], "from_on": "2020-01-01"}
    answer = desk.post("/parking_leases/new/", form)
    assert answer.status_code == UNACCEPTABLE
    assert "不在本管理处" in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("path", "form", "said"),
    [
        ("vehicles", {"plate": "粤BO2345"}, "字母 I 和 O"),
        ("vehicles", {"plate": "粤b·7k012"}, "已存在"),
        ("parking_spaces", {"number": "见附表；1", "kind": "common"}, "不是车位号"),
        ("parking_spaces", {"number": "b1—001", "kind": "common"}, "已存在"),
    ],
)
def test_plates_and_numbers_are_read_as_people_write_them(desk, place, path, form, said):
    answer = desk.post(f"/{path}/new/", form)
    assert answer.status_code == UNACCEPTABLE
    assert said in answer.get_data(as_text=True)


def test_a_meter_is_read_and_never_backwards(cashier, place, database):
    day = TODAY - timedelta(days=40)
    form = {"meter": place["meter"], "read_on": day.isoformat(), "shown": "100"}
    assert cashier.post("/meter_readings/new/", form).status_code == 302
    later = {**form, "read_on": (day + timedelta(days=30)).isoformat()}
    answer = cashier.post("/meter_readings/new/", {**later, "shown": "90"})
    assert answer.status_code == UNACCEPTABLE
    assert "表不会倒走" in answer.get_data(as_text=True)
    assert cashier.post("/meter_readings/new/", {**later, "shown": "112.5"}).status_code == 302
    page = cashier.get("/meter_readings/").get_data(as_text=True)
    assert '<span class="number">12.5</span>' in page
    last = rows_of(database, MeterReading)[-1]
    assert cashier.post(f"/meter_readings/act/correct/?id={last.id}", {"shown": "115"}).status_code == 302
    assert '<span class="number">15</span>' in cashier.get("/meter_readings/").get_data(as_text=True)


def test_a_meter_of_another_office_cannot_be_read(cashier, place):
    form = {"meter": place["their_meter"], "read_on": TODAY.isoformat(), "shown": "1"}
    assert cashier.post("/meter_readings/new/", form).status_code == UNACCEPTABLE


def test_who_may_only_look_reads_no_meter(desk):
    assert desk.get("/meter_readings/").status_code == 200
    assert desk.get("/meter_readings/new/").status_code == 403


@pytest.mark.parametrize("words", ["粤B·7K012", "粤b7k012", "7K012", "b1-001", "W7701"])
def test_what_is_on_the_car_the_ground_or_the_meter_is_found(desk, place, words):
    answer = desk.post("/search", {"q": words})
    assert answer.status_code == 302
    assert "/details/" in answer.headers["Location"]


def test_nothing_of_another_office_is_found(desk, place):
    for words in ("粤B7K999", "W7702"):
        assert desk.post("/search", {"q": words}).status_code == 200


def test_the_page_of_a_unit_shows_its_vehicles(desk, place, cast: Cast):
    assert "粤B7K012" in desk.get(f"/units/details/?id={cast.north.unit.id}").get_data(as_text=True)
