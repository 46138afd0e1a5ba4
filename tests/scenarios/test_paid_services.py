"""A paid service: priced item by item, agreed, paid, and only then carried out (A-W8)."""

from decimal import Decimal

import pytest
from sqlalchemy import select

import make
from desk import HOUR, MINUTE, at_desk, request
from tenant import clock
from tenant.errors import NotFound, Refusal
from tenant.models import Allocation, Charge, ChargeType
from tenant.rules.terms import ChargeBasis, PaymentMethod, RequestCategory
from tenant.services import links, payments, quotes, requests, tickets

NOON = make.NOON


def refusal(act, *arguments, **named) -> Refusal:
    with pytest.raises(Refusal) as caught:
        act(*arguments, **named)
    return caught.value


def asked(session, house, **fields):
    return request(session, house, category=RequestCategory.PAID_SERVICE, content="安装吊灯", **fields)


def agreed(session, house, *prices, **fields):
    filed = asked(session, house, **fields)
    for price in prices or ("80",):
        quotes.add_line(session, filed.id, "安装", Decimal(1), Decimal(price))
    return quotes.agree(session, filed.id)


def pay(session, house, amount):
    return payments.receive(session, house.owner.id, Decimal(amount), PaymentMethod.CASH)


def test_a_w8_from_the_first_item_to_the_order(session, house):
    filed = asked(session, house)
    first = quotes.add_line(session, filed.id, "安装", Decimal("2"), Decimal("33.33"))
    assert first.amount == Decimal("66.66")
    half = quotes.add_line(session, filed.id, "电线", Decimal("1.5"), Decimal("0.33"))
    assert half.amount == Decimal("0.50"), "rounded to 分, half away from zero"
    not_yet = refusal(requests.dispatch, session, filed.id, house.engineering.id)
    assert (not_yet.code, "确认报价" in not_yet.message) == ("not_quoted", True)
    quotes.agree(session, filed.id)
    charge = session.get_one(Charge, filed.charge_id)
    assert (charge.amount, charge.owner_id, charge.unit_id) == (Decimal("67.16"), house.owner.id, house.unit.id)
    assert charge.charge_type.name == "特约服务"
    pay(session, house, "67.15")
    short = refusal(requests.dispatch, session, filed.id, house.engineering.id)
    assert (short.code, short.value) == ("not_paid", "0.01")
    pay(session, house, "0.01")
    assert requests.dispatch(session, filed.id, house.engineering.id).number


def test_a_w8_another_request_is_not_asked_for_money(session, house):
    filed = request(session, house)
    assert requests.dispatch(session, filed.id, house.engineering.id)
    assert refusal(quotes.add_line, session, filed.id, "安装", Decimal(1), Decimal(1)).code == "no_paid_service"
    assert refusal(quotes.agree, session, filed.id).code == "no_paid_service"


def test_a_w8_a_voided_receipt_pays_nothing(session, house):
    filed = agreed(session, house)
    receipt = pay(session, house, "80")
    payments.void(session, receipt.id, "开错")
    assert refusal(requests.dispatch, session, filed.id, house.engineering.id).code == "not_paid"


def test_a_w8_a_changed_quote_is_to_be_agreed_anew_and_never_owed_twice(session, house):
    filed = agreed(session, house, "80")
    old = filed.charge_id
    line = quotes.add_line(session, filed.id, "拆旧灯", Decimal(1), Decimal("20"))
    assert (filed.quoted_at, filed.charge_id) == (None, None)
    assert session.get(Charge, old) is None
    assert refusal(requests.dispatch, session, filed.id, house.engineering.id).code == "not_quoted"
    quotes.agree(session, filed.id)
    assert session.get_one(Charge, filed.charge_id).amount == Decimal("100.00")
    quotes.remove_line(session, line.id)
    quotes.agree(session, filed.id)
    owed = session.scalars(select(Charge.amount).where(Charge.unit_id == house.unit.id)).all()
    assert owed == [Decimal("80.00")]


def test_a_w8_what_is_paid_is_neither_changed_nor_given_up(session, house):
    filed = agreed(session, house, "80")
    receipt = pay(session, house, "30")
    change = refusal(quotes.add_line, session, filed.id, "加灯", Decimal(1), Decimal(1))
    assert (change.code, change.value) == ("paid_already", "30.00")
    assert refusal(tickets.invalidate, session, filed.ticket_id, "不装了").code == "paid_already"
    payments.void(session, receipt.id, "退款")
    tickets.invalidate(session, filed.ticket_id, "不装了")
    assert (filed.charge_id, session.scalars(select(Charge)).all()) == (None, [])
    assert session.scalars(select(Allocation)).all() == []


def test_a_w8_given_up_or_reported_twice_nothing_is_owed(session, house):
    first, second = agreed(session, house), agreed(session, house)
    links.merge(session, second.ticket_id, first.ticket_id)
    assert len(session.scalars(select(Charge)).all()) == 1
    tickets.invalidate(session, first.ticket_id, "不装了")
    assert session.scalars(select(Charge)).all() == []


def test_a_w8_once_somebody_was_sent_the_quote_stands(session, house):
    """Whoever is sent for nothing, or for less, would do for nothing what is added."""
    filed = agreed(session, house, "0")
    order = requests.dispatch(session, filed.id, house.engineering.id)
    (line,) = quotes.lines_of(session, filed)
    more = refusal(quotes.add_line, session, filed.id, "加灯", Decimal(1), Decimal("80"))
    assert (more.code, more.field, "另行登记" in more.message) == ("dispatched", "item", True)
    assert refusal(quotes.remove_line, session, line.id).code == "dispatched"
    requests.cancel_order(session, order.id, "客户要加灯")
    quotes.add_line(session, filed.id, "加灯", Decimal(1), Decimal("80"))
    assert refusal(requests.dispatch, session, filed.id, house.engineering.id).code == "not_quoted"


def test_a_w8_nobody_is_sent_instead_for_what_is_no_longer_paid(session, house):
    filed = agreed(session, house)
    receipt = pay(session, house, "80")
    order = requests.dispatch(session, filed.id, house.engineering.id)
    payments.void(session, receipt.id, "开错")
    again = refusal(requests.redispatch, session, order.id, house.engineering.id, reason="改派")
    assert (again.code, again.value) == ("not_paid", "80.00")
    pay(session, house, "80")
    assert requests.redispatch(session, order.id, house.engineering.id, reason="改派").follows_id == order.id


def test_a_w8_what_is_done_at_the_desk_leaves_no_price_behind(session, house):
    """Somebody who declines at the desk is not reminded of the price of what was never done."""
    asked_only = asked(session, house)
    quotes.add_line(session, asked_only.id, "安装", Decimal(1), Decimal("80"))
    assert requests.answer(session, asked_only.id, outcome="客户嫌贵").quoted_at is None
    filed = agreed(session, house, "80")
    owes = refusal(requests.answer, session, filed.id, outcome="不装了")
    assert (owes.code, owes.value, "作为无效结束" in owes.message) == ("not_paid", "80.00", True)
    tickets.invalidate(session, filed.ticket_id, "不装了")
    assert session.scalars(select(Charge)).all() == []


def test_a_w8_what_is_paid_for_is_not_done_by_what_is_done_for_others(session, house):
    burst, filed = request(session, house), agreed(session, house)
    found = refusal(links.answer_with, session, filed.ticket_id, burst.ticket_id)
    assert (found.code, found.field) == ("paid_service", "target")


def test_a_w8_several_on_one_day_are_each_charged(session, house):
    for price in ("10", "20", "30"):
        agreed(session, house, price)
    rows = session.scalars(select(Charge).order_by(Charge.id)).all()
    assert [row.amount for row in rows] == [Decimal("10.00"), Decimal("20.00"), Decimal("30.00")]
    assert {row.due_on.isoformat() for row in rows} == {"2026-03-02"}
    assert len(session.scalars(select(ChargeType).where(ChargeType.name == quotes.CHARGED_AS)).all()) == 1


def test_a_w8_the_offices_own_charge_type_of_that_name_is_taken(session, house):
    own = make.charge_type(session, house.id, name="特约服务", basis=ChargeBasis.FIXED, price=Decimal(5))
    assert session.get_one(Charge, agreed(session, house).charge_id).charge_type_id == own.id


def test_a_w8_a_service_for_nothing_is_agreed_and_carried_out(session, house):
    filed = agreed(session, house, "0")
    assert filed.charge_id is None
    assert requests.dispatch(session, filed.id, house.engineering.id)


def test_a_w8_money_paid_in_advance_pays_it_at_once(session, house):
    earlier = agreed(session, house, "50")
    receipt = pay(session, house, "50")
    for row in session.scalars(select(Allocation).where(Allocation.payment_id == receipt.id)):
        session.delete(row)
    session.flush()
    filed = agreed(session, house, "50")
    assert requests.dispatch(session, filed.id, house.engineering.id)
    assert quotes.agreements.unpaid_of(session, earlier) == Decimal("50.00")


def test_a_w8_where_nobody_pays_it_is_refused_with_the_way_out(session, house):
    nobody = asked(session, house, unit_id=make.unit(session, house.id).id)
    public = asked(session, house, unit_id=None, location="大堂")
    for filed, code, way in ((nobody, "payer_missing", "登记产权和缴费人"), (public, "public_area", "公共设施")):
        quotes.add_line(session, filed.id, "安装", Decimal(1), Decimal("80"))
        answer = refusal(quotes.agree, session, filed.id)
        assert (answer.code, way in answer.message) == (code, True)


@pytest.mark.parametrize(
    ("quantity", "price", "field"),
    [
        ("0", "1", "quantity"),
        ("-1", "1", "quantity"),
        ("0.001", "1", "quantity"),
        ("1", "-0.01", "price"),
        ("1", "0.001", "price"),
        ("99999999", "99999999", "price"),
    ],
)
def test_a_w8_numbers_that_cannot_be_are_refused_at_their_field(session, house, quantity, price, field):
    filed = asked(session, house)
    answer = refusal(quotes.add_line, session, filed.id, "安装", Decimal(quantity), Decimal(price))
    assert answer.field == field
    assert refusal(quotes.add_line, session, filed.id, " ", Decimal(1), Decimal(1)).field == "item"
    assert refusal(quotes.agree, session, filed.id).code == "no_lines"


def test_a_w8_agreed_once_between_the_receipt_and_now(session, house):
    filed = asked(session, house)
    quotes.add_line(session, filed.id, "安装", Decimal(1), Decimal("80"))
    assert refusal(quotes.agree, session, filed.id, at=NOON - MINUTE).code == "too_early"
    assert refusal(quotes.agree, session, filed.id, at=NOON + MINUTE).code == "in_the_future"
    with clock.at(NOON + HOUR):
        quotes.agree(session, filed.id, at=NOON + MINUTE)
        assert filed.quoted_at == NOON + MINUTE
        assert refusal(quotes.agree, session, filed.id).code == "agreed"


def test_a_w8_another_offices_quote_is_not_there(database, cast, session):
    with at_desk(database, cast.south) as other:
        filed = asked(other, cast.south)
        line = quotes.add_line(other, filed.id, "安装", Decimal(1), Decimal("80"))
        other.commit()
    for act in (
        lambda: quotes.add_line(session, filed.id, "安装", Decimal(1), Decimal(1)),
        lambda: quotes.agree(session, filed.id),
        lambda: quotes.remove_line(session, line.id),
    ):
        with pytest.raises(NotFound):
            act()
