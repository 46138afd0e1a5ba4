"""What a person does with a notice that waits (B-F2 to B-F4)."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

import make
from asked import asked
from desk import at_desk, sweep_dunning
from tenant.errors import NotFound, Refusal
from tenant.models import DunningNotice
from tenant.rules.terms import DunningLevel, DunningNoticeState, PaymentMethod, Role
from tenant.services import dunning, notices, payments

AT = datetime(2026, 8, 1, 9, 0, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.fixture(autouse=True, scope="module")
def noise(database, cast):
    """The other office's owner owes, too, and has a notice of their own."""
    with at_desk(database, cast.south, AT) as session:
        make.charge(session, cast.south.unit, cast.south.owner, date(2026, 1, 31))
        sweep_dunning(session, cast.south, AT)
        session.commit()


@pytest.fixture
def session(database, cast):
    with at_desk(database, cast.north, AT, Role.FINANCE_ASSISTANT) as opened:
        yield opened


@pytest.fixture
def letter(session, cast):
    make.unit(session, cast.north.id, area=Decimal(100_000))
    make.charge(session, cast.north.unit, cast.north.owner, date(2026, 1, 31))
    taken = sweep_dunning(session, cast.north, AT)
    return next(notice.notice_id for notice in taken if notice.level is DunningLevel.LETTER)


def test_a_notice_is_sent_and_then_signed_for(session, letter):
    assert notices.send(session, letter).state is DunningNoticeState.SENT
    assert notices.sign(session, letter).state is DunningNoticeState.SIGNED


def test_a_notice_for_a_debt_that_was_paid_is_not_sent(session, cast, letter):
    payments.receive(session, cast.north.owner.id, Decimal(100), PaymentMethod.CASH)
    with pytest.raises(Refusal) as refused:
        notices.send(session, letter)
    assert refused.value.code == "nothing_owed"
    assert session.get(DunningNotice, letter).state is DunningNoticeState.PLANNED


def test_a_withdrawn_notice_says_why_and_does_not_come_back(session, cast, letter):
    with pytest.raises(Refusal) as refused:
        notices.withdraw(session, letter, "")
    assert refused.value.field == "reason"
    notices.withdraw(session, letter, "已签还款计划")
    assert sweep_dunning(session, cast.north, AT) == []


def test_steps_out_of_turn_are_refused(session, letter):
    with pytest.raises(Refusal) as refused:
        notices.sign(session, letter)
    assert refused.value.code == "wrong_state"
    notices.send(session, letter)
    for act in (notices.send, lambda s, number: notices.withdraw(s, number, "迟了")):
        with pytest.raises(Refusal) as refused:
            act(session, letter)
        assert refused.value.code == "wrong_state"


def test_a_foreign_notice_is_a_missing_one(database, cast, session):
    with at_desk(database, cast.south, AT) as other:
        foreign = other.query(DunningNotice).first().id
    for notice_id in (foreign, 987654321):
        with pytest.raises(NotFound):
            notices.send(session, notice_id)


def test_thirty_owners_are_planned_for_with_the_statements_of_three(database, cast):
    counts = []
    for owners in (3, 30):
        with at_desk(database, cast.north, AT) as session:
            kind = make.charge_type(session, cast.north.id)
            for number in range(owners):
                owner, first = make.owner(session, cast.north.id), date(2020, 1, 1) + timedelta(days=number)
                make.charge(session, cast.north.unit, owner, date(2026, 7, 1), charge_type=kind, period_from=first)
            with asked(database) as statements:
                dunning.plan_steps(session, cast.north.id, AT)
            counts.append(len(statements))
    assert counts[0] == counts[1]
