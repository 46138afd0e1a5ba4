"""The nightly planner and the timetable as commands, and as the worker wakes them."""

import json

import pytest
from click.testing import CliRunner
from sqlalchemy import select, update

from admin.cli import wuguan
from audit.models import AuditEntry
from desk import MINUTE, at_desk, request
from make import NOON
from tasks import schedule
from tasks.actors import DUTIES, Works
from tenant import clock
from tenant.models import DueAction
from tenant.rules.terms import DueState
from tenant.scoping import PERMIT
from tenant.services import timetable
from tenant.unscoped import Reason, across_offices

AT = "2026-03-02T12:05"


@pytest.fixture
def run(database, tmp_path):
    """Run a command against the test's database: exit code and what it said."""
    app, owner = (
        address.render_as_string(hide_password=False) for address in (database.addresses.app, database.addresses.owner)
    )
    environment = {"DATABASE_URL": app, "WUGUAN_OWNER_DATABASE_URL": owner, "WUGUAN_HOME": str(tmp_path)}

    def command(*arguments):
        answer = CliRunner().invoke(wuguan, arguments, env=environment, catch_exceptions=False)
        return answer.exit_code, answer.output

    return command


@pytest.fixture
def lost(database, cast):
    """The ids of what was planned for a request of the northern office, cancelled by a hand that was none of ours."""
    with at_desk(database, cast.north) as session:
        request(session, cast.north)
        session.commit()
    with across_offices(database, Reason.CLAIMING) as session:
        losing = (
            update(DueAction)
            .where(DueAction.office_id == cast.north.id, DueAction.state == DueState.PENDING)
            .values(state=DueState.CANCELLED)
            .returning(DueAction.id)
        )
        ids = session.scalars(losing, execution_options={**PERMIT, "synchronize_session": False}).all()
        session.commit()
    return set(ids)


def pending(database):
    with across_offices(database, Reason.CLAIMING) as session:
        return set(session.scalars(select(DueAction.id).where(DueAction.state == DueState.PENDING)))


def test_the_command_says_what_it_had_to_mend_and_the_second_time_nothing(run, database, lost):
    assert lost
    code, output = run("sweep", "replan", "--at", AT, "--office", "south", "--json")
    assert (code, json.loads(output)["offices"]) == (0, 0)
    code, output = run("sweep", "replan", "--at", AT, "--json")
    assert code == 0
    assert json.loads(output) == {
        "at": "2026-03-02T04:05:00+00:00", "planned": len(lost), "cancelled": 0, "offices": 1
    }  # fmt: skip
    assert pending(database) == lost
    code, output = run("sweep", "replan", "--at", AT)
    assert (code, output.strip()) == (0, "核对：有出入的管理处 0，补上 0，取消 0。")
    with across_offices(database, Reason.CLAIMING) as session:
        acts = session.scalars(select(AuditEntry).where(AuditEntry.verb == "clockwork.mended")).all()
    assert [act.after["escalation"]["planned"] for act in acts] == [len(lost)]


def test_the_worker_s_actor_mends_too(database, settings, lost):
    with clock.at(NOON + 5 * MINUTE):
        DUTIES["replan"].function(Works(database, settings))
    assert pending(database) >= lost


def test_the_timetable_is_listed_with_what_came_last_and_comes_next(run, database, cast):
    with clock.at(NOON):
        schedule.fire_due(database)
    code, output = run("schedule", "list", "--json")
    assert code == 0
    listed = {entry["name"]: entry for entry in json.loads(output)["entries"]}
    assert list(listed) == [entry.name for entry in schedule.TIMETABLE]
    assert listed["escalations"]["when"] == "每 5 秒"
    assert listed["dunning"]["last_fire_at"] == "2026-03-02T01:00:00+00:00"
    assert listed["dunning"]["next_at"] > json.loads(output)["at"]
    assert listed["dunning"]["catch_up"] == "latest"
    code, output = run("schedule", "list", "--office", "north")
    assert code == 0
    of_offices = {entry.name for entry in schedule.TIMETABLE if entry.per_office}
    assert {line.split()[0] for line in output.splitlines()} == of_offices
    assert {"dunning", "dunning_noon", "dunning_evening", "duty_gaps", "reports"} <= of_offices
    assert "最近 2026-03-02 09:00:00" in output


def test_an_entry_switched_off_says_so(run, database, cast):
    with across_offices(database, Reason.SETTING_UP) as session:
        timetable.switch(session, None, "replan", on=False)
        session.commit()
    (line,) = (line for line in run("schedule", "list")[1].splitlines() if line.startswith("replan "))
    assert line.endswith("下次 无  已停用")
