"""Trying a draft in the browser: started, followed, read beside what holds, and back to the draft (A-W4, A-O2)."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from desk import MINUTE, at_desk, call, complaint, request
from tasks.actors import Works, perform
from tenant import clock
from tenant.models import Job, OfficeClockPolicy
from tenant.rules.terms import ClockKind, ClockMeasure, Role, TicketKind
from tenant.services import replays
from tenant.settings import Settings
from tenant.unscoped import Reason, across_offices

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module", autouse=True)
def _past(database, cast):
    """A morning of the north: requests answered early, late and very late, and complaints that nobody signed for."""
    then = clock.now() - timedelta(days=9)
    for minutes in (4, 18, 25, 50, 90, 400):
        with at_desk(database, cast.north, at=then) as session:
            matter = request(session, cast.north, urgent=minutes == 25)
            with clock.at(then + minutes * MINUTE):
                call(session, matter.ticket_id)
            complaint(session, cast.north)
            session.commit()


@pytest.fixture
def trial(database, cast):
    """The address of the trial of a draft: a longer first reply, with a warning."""
    with database.session(cast.north.scope(), cast.north.actor(Role.DIRECTOR)) as session:
        row = OfficeClockPolicy(
            office_id=cast.north.id,
            ticket=TicketKind.REQUEST,
            clock=ClockKind.FIRST_REPLY,
            measure=ClockMeasure.MINUTES,
            amount=30,
            warning=10,
            effective_on=clock.today("Asia/Shanghai") + timedelta(days=7),
            why="试行半小时首次答复",
        )
        session.add(row)
        session.commit()
        return f"/limits/office/{row.id}/replay"


def work(database):
    """Let a worker do what waits."""
    with across_offices(database, Reason.CLAIMING) as session:
        (job_id,) = session.scalars(select(Job.id).where(Job.kind == replays.JOB, Job.ended_at.is_(None)))
    perform(Works(database, Settings.from_environment({})), "run_job", {"job_id": job_id})


def test_a_director_tries_a_draft_and_reads_what_it_changes(visit, database, trial):
    director = visit("north-director")
    director.open(trial)
    assert director.sees("还没有试算过")
    with director.page.expect_navigation():
        director.page.get_by_role("button", name="开始试算").click()
    assert director.page.locator("[data-working]").count() == 1
    director.page.reload()
    assert director.page.locator("[data-working]").count() == 1, "the card survives a reload"
    work(database)
    director.page.get_by_text("按时限", exact=True).wait_for()
    row = director.page.get_by_role("row", name="报事 · 首次答复")
    assert "有变化" in row.inner_text()
    for words in ("当时实际 0", "通知谁", "邮件最多的事项", "试算不知道的"):
        assert director.sees(words), words
    director.shoot("replay")
    assert director.overflow() <= 0
    director.page.evaluate("scrollTo(0, 700)")
    director.shoot("replay-below")
    with director.page.expect_navigation():
        director.page.get_by_role("link", name="回到草稿，启用或修改").click()
    assert director.sees("启用")
