"""A month charged on the pages: prices published, the preview looked at, posted, taken back (B-F1)."""

from datetime import date
from decimal import Decimal

import pytest
from lxml import html
from sqlalchemy import select

import make
from cast import Cast
from tasks import jobs as running
from tasks.actors import Works
from tenant.journal import CLOCKWORK
from tenant.models import BillingRun, Charge, ChargeType, Job, Tariff
from tenant.rules.terms import BillingState, JobState, Role
from tenant.scoping import Scope
from tenant.settings import Settings


@pytest.fixture
def fee(database, cast: Cast):
    """An item of the north that runs charge, with its price."""
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        row = make.charge_type(session, cast.north.id, is_monthly=True, due_day=10)
        session.commit()
        return row


@pytest.fixture
def finance(cast: Cast, sign_in):
    return sign_in(cast.north.people[Role.FINANCE_ASSISTANT].staff)


def work(database):
    """Do what waits in the background."""
    with database.session(Scope.everywhere(), CLOCKWORK) as session:
        waiting = session.scalars(select(Job.id).where(Job.state == JobState.WAITING)).all()
    for job_id in waiting:
        running.run(Works(database, Settings.from_environment({})), job_id)


def run_of(database, cast, month):
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        return session.scalars(
            select(BillingRun).where(BillingRun.month == month).order_by(BillingRun.id.desc())
        ).first()


def begun(browser, database, cast, fee, day="2026-05-20"):
    """Begin to charge a month for one item and have its preview counted; return the run."""
    answer = browser.post("/billing_runs/new/", {"month": day, "item": fee.id, "due_on": ""})
    assert answer.status_code == 302, answer.get_data(as_text=True)[-3000:]
    work(database)
    return run_of(database, cast, date.fromisoformat(day).replace(day=1))


def act(browser, row, verb, **told):
    page = browser.get(f"/billing_runs/act/{verb}/?id={row.id}").get_data(as_text=True)
    held = {
        field.get("name"): field.get("value") or ""
        for field in html.fromstring(page).xpath("//form[@method='post']//input")
    }
    return browser.post(f"/billing_runs/act/{verb}/?id={row.id}", held | told)


def test_b_f1_a_month_is_previewed_posted_and_taken_back(database, cast, finance, fee, sign_in):
    run = begun(finance, database, cast, fee)
    assert (run.state, run.lines, run.total) == (BillingState.COUNTED, 1, Decimal("221.25"))
    page = finance.get(f"/billing_runs/details/?id={run.id}").get_data(as_text=True)
    assert fee.name in page
    assert "221.25" in page
    assert act(finance, run, "post").status_code == 302
    assert "正在入账" in finance.get(f"/billing_runs/details/?id={run.id}").get_data(as_text=True)
    assert finance.get(f"/billing_runs/progress/?id={run.id}").get_json()["finished"] is False
    work(database)
    assert finance.get(f"/billing_runs/progress/?id={run.id}").get_json()["finished"] is True
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        (charge,) = session.scalars(select(Charge).where(Charge.billing_run_id == run.id)).all()
        assert (charge.amount, charge.due_on) == (Decimal("221.25"), date(2026, 5, 10))
    assert act(finance, run, "undo", reason="单价有误").status_code == 403
    director = sign_in(cast.north.people[Role.DIRECTOR].staff)
    assert act(director, run, "undo", reason="单价有误").status_code == 302
    work(database)
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        assert session.scalars(select(Charge.id).where(Charge.billing_run_id == run.id)).all() == []
        assert session.get_one(BillingRun, run.id).state is BillingState.UNDONE


def test_what_changed_since_the_preview_is_counted_again_and_said(database, cast, finance, fee):
    run = begun(finance, database, cast, fee, "2026-06-01")
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        session.get_one(type(cast.north.unit), cast.north.unit.id).area = Decimal("100.00")
        session.commit()
    act(finance, run, "post")
    work(database)
    work(database)
    again = run_of(database, cast, date(2026, 6, 1))
    assert (again.state, again.total) == (BillingState.COUNTED, Decimal("250.00"))
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        assert session.scalars(select(Charge.id).where(Charge.billing_run_id == run.id)).all() == []
        session.get_one(type(cast.north.unit), cast.north.unit.id).area = Decimal("88.50")
        session.commit()


def test_the_reason_why_a_unit_cannot_be_charged_stands_beside_it(database, cast, finance, fee):
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        bare = make.unit(session, cast.north.id, number="9-9-909")
        session.commit()
    run = begun(finance, database, cast, fee, "2026-07-01")
    assert run.problems == 1
    page = html.fromstring(finance.get(f"/billing_runs/details/?id={run.id}").get_data(as_text=True))
    (address,) = page.xpath("//a[text()='不能计费的']/@href")
    lines = finance.get(address).get_data(as_text=True)
    assert "没有缴费人。请先登记产权和缴费人。" in lines
    assert bare.number in lines
    assert cast.north.unit.number not in lines
    (address,) = page.xpath("//a[text()='全部明细']/@href")
    assert cast.north.unit.number in finance.get(address).get_data(as_text=True)


def test_a_price_is_published_and_a_gap_refused_at_its_field(database, cast, finance):
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        item = make.charge_type(session, cast.north.id, name="电梯维护费")
        session.commit()
    form = {
        "charge_type": item.id,
        "price": "3.2",
        "from_on": "2026-09-01",
        "to_on": "2026-12-31",
        "basis": "业主大会决议",
    }
    assert finance.post("/tariffs/new/", form).status_code == 302
    answer = finance.post("/tariffs/new/", form | {"from_on": "2027-02-01", "to_on": ""})
    assert answer.status_code == 422
    assert "从 2027-01-01 到 2027-01-31 没有标准" in answer.get_data(as_text=True)
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        rows = session.scalars(select(Tariff.price).where(Tariff.charge_type_id == item.id).order_by(Tariff.from_on))
        assert list(rows) == [Decimal("2.5"), Decimal("3.2")]


def test_an_amount_of_a_broken_month_is_explained_by_its_days(database, cast, finance, fee):
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        unit = make.unit(session, cast.north.id, number="9-9-910", area=Decimal("100.00"))
        seller, buyer = make.owner(session, cast.north.id), make.owner(session, cast.north.id)
        make.ownership(session, unit, seller, from_on=date(2020, 1, 1), to_on=date(2026, 10, 10))
        make.ownership(session, unit, buyer, from_on=date(2026, 10, 11))
        session.commit()
    begun(finance, database, cast, fee, "2026-10-01")
    page = finance.get("/billing_lines/?search=9-9-910").get_data(as_text=True)
    assert "10-01 至 10-10：2.5 × 100.00 × 10/31 天" in page
    assert "10-11 至 10-31：2.5 × 100.00 × 21/31 天" in page


def test_a_second_run_of_a_month_is_refused_at_its_item(database, cast, finance, fee):
    run = begun(finance, database, cast, fee, "2026-11-01")
    answer = finance.post("/billing_runs/new/", {"month": "2026-11-30", "item": fee.id, "due_on": ""})
    assert answer.status_code == 422
    page = html.fromstring(answer.get_data(as_text=True))
    assert page.xpath("//*[contains(@class, 'field')][.//*[@name='item']]//*[contains(., '已有一批')]")
    assert act(finance, run, "cancel").status_code == 302
    told = finance.get(f"/billing_runs/details/?id={run.id}").get_data(as_text=True)
    assert "重新试算" not in told


def test_the_south_sees_no_run_and_no_price_of_the_north(database, cast, finance, fee, sign_in):
    run = begun(finance, database, cast, fee, "2026-08-01")
    theirs = sign_in(cast.south.people[Role.FINANCE_ASSISTANT].staff)
    for address in ("details", "progress", "act/post"):
        assert theirs.get(f"/billing_runs/{address}/?id={run.id}").status_code == 404
    assert fee.name not in theirs.get("/tariffs/").get_data(as_text=True)
    assert theirs.post("/billing_runs/new/", {"month": "2026-08-01", "item": fee.id}).status_code == 422
    with database.session(cast.south.scope(), CLOCKWORK) as session:
        assert session.scalars(select(ChargeType.id)).all() == []
