"""The program running as its users run it: several processes, killed, stopped, watched, on real servers."""

import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import delete, func, select

import make
from admin.commands import serving
from admin.commands.supervising import PROGRAM
from audit.capture import Capture
from cast import Cast, hire_cast
from desk import at_desk, request
from importers import batches
from jobs.asking import ask_import, at_office, job_of
from tasks import actors
from tasks.actors import Works
from tasks.broker import make_broker
from tasks.schedule import RELAY_SECONDS
from tenant import clock, migrations
from tenant.db import Database, locate
from tenant.models import Beat, Escalation, Mail, Office, OutboxMessage, Owner
from tenant.rules.terms import BeatKind, JobState, MailClass, MailState
from tenant.scoping import PERMIT
from tenant.services import health, mails
from tenant.settings import Settings
from tenant.unscoped import Reason, across_offices
from waiting import wait_until

if TYPE_CHECKING:
    from conftest import Program

PATIENCE = 90
GRACE = 60
HOUR = timedelta(hours=1)
LOWEST = 19
PHONE, ID_NUMBER, ADDRESS = "13912345678", "11010519491231002X", "zhang.san@secret.invalid"


@dataclass(frozen=True)
class World:
    """A home with a database in it, and the cast in the database."""

    wuguan: "Program"
    database: Database
    cast: Cast

    def look(self, statement: Any) -> list[Any]:
        """Return what a query of the whole group finds."""
        with across_offices(self.database, Reason.WATCHING) as session:
            return list(session.scalars(statement))

    def overdue(self) -> int:
        """Register a request an hour ago that nobody has looked at, and return its ticket."""
        with at_desk(self.database, self.cast.north, clock.now() - HOUR) as session:
            ticket_id: int = request(session, self.cast.north, content=f"{PHONE} 漏水").ticket_id
            session.commit()
        return ticket_id

    def is_escalated(self, ticket_id: int) -> bool:
        """Tell whether somebody up the line was told of a ticket."""
        return bool(self.look(select(Escalation.id).where(Escalation.ticket_id == ticket_id)))

    def seen(self) -> health.Health:
        """Return how the clockwork stands."""
        with across_offices(self.database, Reason.WATCHING) as session:
            return health.look(session)


@pytest.fixture(scope="module")
def world(wuguan: "Program") -> Iterator[World]:
    """The program's home with an office and its people."""
    addresses = locate(Settings(home=wuguan.home))
    migrations.upgrade(addresses)
    database = Database(addresses, Capture(), pool_size=3)
    yield World(wuguan, database, hire_cast(database))
    database.engine.dispose()
    assert addresses.server is not None
    addresses.server.stop()


@dataclass
class Running:
    """A command that goes on, with what it says and what it logs apart."""

    process: "subprocess.Popen[str]"
    out: Path
    err: Path

    def said(self, pattern: str) -> str:
        """Wait for the first group of ``pattern`` in what was said or logged."""

        def look() -> str | None:
            assert self.process.poll() is None, self.err.read_text()
            found = re.search(pattern, self.out.read_text() + self.err.read_text())
            return found[1] if found else None

        found = wait_until(look)
        assert found is not None
        return found

    def children(self) -> set[int]:
        """Return the living processes it has started."""
        family = psutil.Process(self.process.pid).children()
        return {one.pid for one in family if one.status() != psutil.STATUS_ZOMBIE}

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to stop and return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(GRACE)


@contextmanager
def started(world: World, *arguments: str, **environment: str) -> Iterator[Running]:
    """A command running; killed at the end if it is still there."""
    folder = Path(tempfile.mkdtemp(prefix="wuguan-running-"))
    out, err = folder / "out", folder / "err"
    with out.open("w") as to_out, err.open("w") as to_err:
        process = subprocess.Popen(  # noqa: S603 - our own program
            [*PROGRAM, *arguments], env=world.wuguan.environment(**environment), stdout=to_out, stderr=to_err, text=True
        )
    try:
        yield Running(process, out, err)
    finally:
        if process.poll() is None:
            family = psutil.Process(process.pid).children(recursive=True)
            process.kill()
            process.wait(GRACE)
            for one in family:
                if "postgres" not in one.name():
                    one.kill()


def fetched(address: str) -> tuple[int, str]:
    """Return status and body of an address, 0 where nobody answers."""
    try:
        with urllib.request.urlopen(address, timeout=30) as answer:  # noqa: S310 - our own program
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError:
        return 0, ""


def alive(world: World, kind: BeatKind) -> set[int]:
    """Return the processes of a kind that beat within the last seconds."""
    recent = [Beat.kind == kind, Beat.stopped_at.is_(None), Beat.beat_at > func.now() - timedelta(seconds=20)]
    return set(world.look(select(Beat.pid).where(*recent)))


def bury(world: World) -> None:
    """Forget those that were killed before: they would be counted on for a minute."""
    with across_offices(world.database, Reason.WATCHING) as session:
        session.execute(delete(Beat), execution_options={**PERMIT, "synchronize_session": False})
        session.commit()


def test_of_three_workers_one_is_killed_and_replaced_while_its_siblings_go_on(world: World) -> None:
    with started(world, "worker", "--processes", "3") as running:
        first = wait_until(
            lambda: (pids := running.children()) and len(pids) == 3 and alive(world, BeatKind.WORKER) >= pids and pids
        )
        victim = min(first)
        os.kill(victim, signal.SIGKILL)
        second = wait_until(lambda: (pids := running.children()) and len(pids) == 3 and victim not in pids and pids)
        assert first - {victim} < second
        [newcomer] = second - first
        wait_until(lambda: newcomer in alive(world, BeatKind.WORKER))
        ticket_id = world.overdue()
        wait_until(lambda: world.is_escalated(ticket_id))
        assert running.children() == second
        begun = time.monotonic()
        assert running.stop() == 0, running.err.read_text()
        assert time.monotonic() - begun < GRACE
        assert not [pid for pid in second if psutil.pid_exists(pid)]
    assert "SIGKILL" in running.err.read_text()
    stopped = set(world.look(select(Beat.pid).where(Beat.stopped_at.is_not(None))))
    assert second <= stopped
    assert victim not in stopped


def test_children_whose_parent_is_killed_end_by_themselves(world: World) -> None:
    with started(world, "worker", "--processes", "2") as running:
        children = wait_until(lambda: (pids := running.children()) and alive(world, BeatKind.WORKER) >= pids and pids)
        running.process.kill()
        running.process.wait(GRACE)
        wait_until(lambda: not [pid for pid in children if psutil.pid_exists(pid)])


def test_a_worker_of_the_mail_sends_and_leaves_the_rest(world: World) -> None:
    bury(world)
    ticket_id = world.overdue()
    with across_offices(world.database, Reason.CLAIMING) as session:
        draft = mails.MailDraft(
            office_id=world.cast.north.id,
            dedup_key="of the mail",
            mail_class=next(iter(MailClass)),
            recipient_name="同事",
            recipient_address="colleague@wuguan.invalid",
            subject="升级",
            text_body="请查看",
            subject_kind="ticket",
            subject_id=ticket_id,
        )
        queued = mails.queue(session, draft)
        session.commit()
    assert queued is not None
    with started(world, "worker", "--queues", "mail") as running:
        sent = select(Mail.id).where(Mail.id == queued.id, Mail.state == MailState.SENT)
        wait_until(lambda: world.look(sent))
        woken = select(OutboxMessage.id).where(OutboxMessage.actor == "sweep_escalations")
        wait_until(lambda: world.look(woken.where(OutboxMessage.relayed_at.is_(None))))
        time.sleep(2 * RELAY_SECONDS)
        assert not world.is_escalated(ticket_id)
        assert world.seen().unattended == ("sweeps",)
        assert running.stop() == 0
    with started(world, "worker") as running:
        wait_until(lambda: world.is_escalated(ticket_id))
        assert running.stop(signal.SIGINT) == 0


def test_pages_are_served_here_and_imports_written_by_a_process_beside_that_gives_way_and_comes_back(
    world: World,
) -> None:
    with at_office(world.database, world.cast) as session:
        office = session.get_one(Office, world.cast.north.id)
        roster = "楼栋,单元,房号,业主姓名\n77,1,101,旁边写入".encode()
        batch_id = batches.receive(session, office, "roster", "名册.csv", roster).id
        session.commit()
    bury(world)
    with started(world, "serve", "--port", "0") as running:
        address = running.said(r"已启动：(http://\S+:\d+)/")
        [first] = wait_until(lambda: alive(world, BeatKind.WORKER))
        assert running.children() == {first}
        queues = {beat.pid: beat.queues for beat in world.look(select(Beat).where(Beat.stopped_at.is_(None)))}
        assert queues == {running.process.pid: "sweeps,mail", first: "imports"}
        steps = [os.getpriority(os.PRIO_PROCESS, pid) for pid in (running.process.pid, first)]
        assert steps[0] < steps[1] == min(steps[0] + serving.GIVES_WAY, LOWEST)
        os.kill(first, signal.SIGKILL)
        job_id = ask_import(world.database, world.cast, batch_id)
        assert fetched(f"{address}/healthz")[0] == 200
        wait_until(lambda: job_of(world.database, job_id).state is JobState.DONE)
        [second] = running.children()
        assert second != first
        assert running.stop() == 0, running.err.read_text()
        assert not psutil.pid_exists(second)
    assert world.look(select(Owner.name).where(Owner.name == "旁边写入"))


def test_an_unknown_queue_is_a_sentence(world: World) -> None:
    for count in ("1", "2"):
        answer = world.wuguan("worker", "--queues", "mail,nonsense", "--processes", count)
        assert (answer.code, "nonsense" in answer.err) == (1, True)


@pytest.mark.broker
def test_a_scheduler_and_workers_without_one_do_the_walk_over_a_broker(world: World) -> None:
    broker_url = os.environ["WUGUAN_TEST_REDIS_URL"]
    settings = Settings(home=world.wuguan.home, broker_url=broker_url)
    broker = make_broker(settings)
    actors.declare(broker, Works(world.database, settings))
    for queue in broker.get_declared_queues():
        broker.flush(queue)
    broker.close()
    ticket_id = world.overdue()
    with started(world, "worker", "--no-scheduler", BROKER_URL=broker_url) as worker:
        wait_until(lambda: alive(world, BeatKind.WORKER) >= {worker.process.pid})
        with started(world, "scheduler", BROKER_URL=broker_url) as scheduler:
            wait_until(lambda: world.is_escalated(ticket_id))
            wait_until(lambda: alive(world, BeatKind.SCHEDULER) >= {scheduler.process.pid})
            assert scheduler.stop() == 0
        assert worker.stop() == 0


def test_readiness_is_lost_without_a_worker_and_comes_back_with_one(world: World) -> None:
    bury(world)
    with started(world, "web", "--port", "0") as web:
        address = web.said(r"(http://\S+:\d+)/")
        ticket_id = world.overdue()
        status, body = wait_until(lambda: (found := fetched(f"{address}/readyz"))[0] == 503 and found)
        assert "sweeps" in json.loads(body)["clockwork"]["unattended"]
        assert fetched(f"{address}/healthz")[0] == 200
        with started(world, "worker") as worker:
            wait_until(lambda: world.is_escalated(ticket_id))
            wait_until(lambda: fetched(f"{address}/readyz")[0] == 200)
            assert worker.stop() == 0
        assert web.stop() == 0
    assert status == 503


def test_figures_parse_and_the_log_holds_nobodys_numbers(world: World) -> None:
    with across_offices(world.database, Reason.CLAIMING) as session:
        owner = make.owner(session, world.cast.south.id, phone=PHONE, id_number=ID_NUMBER, email=ADDRESS)
        session.commit()
    assert owner.id
    ticket_id = world.overdue()
    settings = {
        "WUGUAN_METRICS": "127.0.0.1:0",
        "WUGUAN_LOG": "json",
        "WUGUAN_SMTP_URL": "smtp://127.0.0.1:1",
        "BROKER_URL": "redis://somebody:hidden-word@127.0.0.1:1/0",
    }
    with started(world, "serve", "--port", "0", **settings) as running:
        address = running.said(r"已启动：(http://\S+:\d+)/")
        private = running.said(r"(http://[\d.]+:\d+)/metrics")
        wait_until(lambda: world.is_escalated(ticket_id))
        fetched(f"{address}/sign-in?next=/owners/%3Fphone%3D{PHONE}")
        fetched(f"{address}/{ADDRESS}/{ID_NUMBER}")
        status, text = fetched(f"{private}/metrics")
        assert running.stop() == 0
    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert status == 200
    assert samples["wuguan_due_action_attempts_total", "done", "escalation"] >= 1
    assert samples["wuguan_due_action_lateness_seconds_count", "escalation"] >= 1
    assert samples["wuguan_processes", "alive", "serve"] >= 1
    assert any(name[0] == "wuguan_http_requests_total" and "/sign-in" in name for name in samples)
    lines = [json.loads(line) for line in running.err.read_text().splitlines()]
    assert {"admin.requests"} <= {line["logger"] for line in lines}
    assert all({"time", "level", "logger", "message", "process"} <= set(line) for line in lines)
    assert any(line.get("request_id") for line in lines)
    log = running.err.read_text() + text
    assert any("BROKER_URL" in line["message"] for line in lines), "a broker that does not answer is a sentence"
    for secret in (PHONE, ID_NUMBER, "zhang.san", "hidden-word"):
        assert secret not in log


@pytest.mark.parametrize("arguments", [("scheduler",), ("worker", "--processes", "2")])
def test_the_service_manager_hears_that_a_process_is_ready_alive_and_stopping(
    world: World, arguments: tuple[str, ...]
) -> None:
    folder = tempfile.mkdtemp(prefix="wuguan-notify-")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"{folder}/notify")
        manager.settimeout(PATIENCE)
        told = {"NOTIFY_SOCKET": f"{folder}/notify", "WATCHDOG_USEC": "400000"}
        with started(world, *arguments, **told) as running:
            assert manager.recv(64) == b"READY=1"
            assert manager.recv(64) == b"WATCHDOG=1"
            if len(arguments) > 1:
                children = wait_until(running.children)
                wait_until(lambda: alive(world, BeatKind.WORKER) >= children)
            running.process.send_signal(signal.SIGTERM)
            while (word := manager.recv(64)) != b"STOPPING=1":
                assert word == b"WATCHDOG=1", "only the first process speaks, and is ready once"
            assert running.process.wait(GRACE) == 0
