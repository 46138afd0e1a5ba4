"""Taking back an import minds what came after it: later readings, voided payments, keys that changed hands."""

import datetime as dt
from decimal import Decimal

import pytest
from sqlalchemy import select

import make
from importers import trails, undo
from importers.apply import apply, preview
from importers.writing import Trail
from tenant.models import Charge, Meter, MeterReading, Owner, ParkingSpace, Payment
from tenant.rules.terms import PaymentMethod, Role
from tenant.services import payments
from workbooks import builders

HEAD = ["房号", "表号", "表计种类", "倍率", "本期读数", "抄表日期"]


@pytest.fixture
def north(database, cast):
    """A session of the northern office's admin, which commits as days go by."""
    with database.session(cast.north.scope(), cast.north.actor(Role.OFFICE_ADMIN)) as session:
        yield session


def written(session, cast, kind, head, *rows):
    """Import a sheet and let a day go by; return its batch."""
    batch = apply(session, preview(session, cast.north.office, kind, "表.xlsx", builders.workbook(head, *rows)).id)
    session.commit()
    return batch


def read_later(session, cast, meter, day, shown):
    """Enter a reading at the desk, in a transaction of its own."""
    session.add(MeterReading(office_id=cast.north.id, meter_id=meter.id, read_on=day, shown=Decimal(shown)))
    session.commit()


@pytest.fixture
def metered(north, cast):
    """A unit, and the number of a water meter there, read in August and put right by an import in September."""
    number = f"W{north.scalar(select(Meter.id).order_by(Meter.id.desc()).limit(1)) or 0}"
    make.unit(north, cast.north.id, number=f"5-1-{number[1:]}01")
    row = [f"5-1-{number[1:]}01", number, "水表", 1]
    written(north, cast, "meters", HEAD, [*row, 100, "2026-08-31"])
    return row


def test_a_reading_put_right_goes_back_while_nobody_has_read_the_meter_since(north, cast, metered):
    batch = written(north, cast, "meters", HEAD, [*metered, 120, "2026-08-31"])
    assert undo.foresee(north, batch.id).counts["抄表记录"] == {"removed": 0, "restored": 1, "kept": 0}


def test_a_reading_put_right_stays_once_the_meter_was_read_on(north, cast, metered):
    batch = written(north, cast, "meters", HEAD, [*metered, 120, "2026-08-31"])
    meter = north.scalar(select(Meter).where(Meter.number == metered[1]))
    read_later(north, cast, meter, dt.date(2026, 9, 30), 130)
    foreseen = undo.foresee(north, batch.id)
    assert foreseen.counts["抄表记录"] == {"removed": 0, "restored": 0, "kept": 1}
    assert [row["why"] for row in foreseen.kept] == ["导入之后又登记了新的抄表记录"]


def test_a_factor_put_right_stays_only_where_the_meter_was_read_since(north, cast, metered):
    batch = written(north, cast, "meters", HEAD, [*metered[:3], 20, None, None])
    assert undo.foresee(north, batch.id).is_exact, "what was read before the import does not hold it"
    read_later(
        north,
        cast,
        north.scalar(select(Meter).where(Meter.number == metered[1])),
        dt.date(2026, 9, 30),
        130,
    )
    assert undo.foresee(north, batch.id).counts["表计"] == {"removed": 0, "restored": 0, "kept": 1}


@pytest.mark.parametrize(("is_void", "goes_back"), [(True, True), (False, False)])
def test_a_charge_put_right_stays_only_for_a_payment_that_counts(north, cast, is_void, goes_back):
    number = f"6-1-{101 + is_void}"
    unit = make.unit(north, cast.north.id, number=number)
    make.ownership(north, unit, make.owner(north, cast.north.id, name="何欠"))
    head = ["房号", "收费项目", "费用期间", "应收金额"]
    written(north, cast, "arrears", head, [number, "物业服务费", "2026-01", 300])
    batch = written(north, cast, "arrears", head, [number, "物业服务费", "2026-01", 310])
    charge = north.scalar(select(Charge).where(Charge.unit_id == unit.id))
    paid = payments.receive(north, charge.owner_id, Decimal(310), PaymentMethod.CASH, paid_on=dt.date(2026, 2, 1))
    if is_void:
        void(north, cast, paid)
    north.commit()
    assert undo.foresee(north, batch.id).is_exact is goes_back
    undo.undo(north, batch.id)
    north.refresh(charge)
    assert charge.amount == (300 if goes_back else 310)


def void(session, cast, paid):
    """Void a receipt as a second person does."""
    payment = session.get_one(Payment, paid.id)
    payment.voided_at, payment.void_reason = dt.datetime(2026, 2, 2, tzinfo=dt.UTC), "收错了"
    payment.voided_by_id = cast.north.people[Role.DIRECTOR].id
    session.flush()


def test_rows_that_have_changed_keys_with_each_other_get_them_back(north, cast):
    """Neither can have its own back while the other holds it: one has to step aside."""
    ids = [builders.id_of(71), builders.id_of(72)]
    owners = [make.owner(north, cast.north.id, name=f"换证{place}", id_number=one) for place, one in enumerate(ids)]
    spaces = [ParkingSpace(office_id=cast.north.id, number=f"B9-{place}") for place in range(3)]
    north.add_all(spaces)
    north.flush()
    batch = written(north, cast, "roster", ["房号", "业主姓名"], ["5-9-101", "随便"])
    trace = [Trail("owner", own.id, own.version, {"id_number": ids[1 - place]}) for place, own in enumerate(owners)]
    trace += [
        Trail("parking_space", one.id, one.version, {"number": f"B9-{(place + 1) % 3}"})
        for place, one in enumerate(spaces)
    ]
    batch.trace = trails.packed(trace)
    north.flush()
    assert undo.foresee(north, batch.id).is_exact
    moved = trails.moves(undo.undo(north, batch.id).trace)
    north.expire_all()
    held = north.scalars(select(Owner.id_number).where(Owner.id.in_([own.id for own in owners])).order_by(Owner.id))
    assert list(held) == ids[::-1]
    assert [one.number for one in spaces] == ["B9-1", "B9-2", "B9-0"]
    assert {(row_id, later) for row_id, _, later in moved["parking_space"]} == {(one.id, one.version) for one in spaces}
