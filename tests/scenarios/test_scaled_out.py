"""Two processes of pages and two of work on one PostgreSQL and one Redis: all is done, once, whichever of them dies."""

import json
import os
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from cast import Cast
from deployed import PATIENCE, WUGUAN, Crew, Instance, environment, free_port, opened, peopled, plain, register, serving
from tenant import clock
from tenant.db import Database
from tenant.models import Escalation, Mail
from tenant.rules.terms import MailState
from tenant.unscoped import Reason, across_offices

pytestmark = pytest.mark.broker

LONG_AGO = timedelta(hours=3)
KINDS = ("web", "web", "worker", "worker", "scheduler")
ARGUMENTS = {"web": ["--port", "0"], "worker": ["--no-scheduler"], "scheduler": []}


@pytest.fixture
def settings(database: Database, tmp_path: Path) -> dict[str, str]:
    """The settings all processes share, as on one machine or on several."""
    return environment(
        WUGUAN_HOME=str(tmp_path),
        DATABASE_URL=plain(database.addresses.app),
        WUGUAN_OWNER_DATABASE_URL=plain(database.addresses.owner),
        BROKER_URL=os.environ["WUGUAN_TEST_REDIS_URL"],
        WUGUAN_SECRET_KEY="the same for all of them",
    )


@pytest.fixture
def crew(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crew]:
    """Programs that end with the test."""
    hired = Crew(tmp_path_factory.mktemp("logs"))
    yield hired
    hired.dismiss()


def ready(place: str) -> Any:
    """Return the parts of /readyz where the process says it is ready, None otherwise."""
    try:
        with urllib.request.urlopen(f"http://{place}/readyz", timeout=10) as answer:
            return json.load(answer)
    except (urllib.error.URLError, OSError):
        return None


def standing(settings: dict[str, str]) -> tuple[int, int, set[MailState]]:
    """Return how many escalations there are, how many mails, and in which states these are."""
    with opened(settings) as database, across_offices(database, Reason.CLAIMING) as session:
        raised = session.scalar(select(func.count(Escalation.id))) or 0
        mails = session.scalars(select(Mail.state)).all()
    return raised, len(mails), set(mails)


def settled(settings: dict[str, str], more_than: int) -> tuple[int, int, set[MailState]] | None:
    """Return the standing once more escalations than before are raised and all their mails are sent."""
    raised, mails, states = standing(settings)
    return (raised, mails, states) if raised > more_than and mails and states == {MailState.SENT} else None


def overdue(settings: dict[str, str], cast: Cast) -> None:
    """Register a request whose clocks ran out long ago."""
    with opened(settings) as database:
        register(database, cast, clock.now() - LONG_AGO)


def test_several_processes_share_the_work_and_outlive_each_other(
    settings: dict[str, str], crew: Crew, tmp_path: Path
) -> None:
    cast = peopled(settings)
    places: dict[str, Instance] = {}
    kinds: dict[str, list[Instance]] = {kind: [] for kind in KINDS}
    for kind in KINDS:
        place = f"127.0.0.1:{free_port()}"
        places[place] = crew.start(WUGUAN, kind, *ARGUMENTS[kind], env=serving(settings) | {"WUGUAN_METRICS": place})
        kinds[kind].append(places[place])
    for place in places:
        crew.until(lambda place=place: ready(place), what=f"{place} to be ready", patience=2 * PATIENCE)
    alive = {part["kind"]: part["alive"] for part in ready(next(iter(places)))["beats"]}
    assert alive == {"web": 2, "worker": 2, "scheduler": 1}

    overdue(settings, cast)
    first = crew.until(lambda: settled(settings, 0), what="the first request to go up the line", patience=3 * PATIENCE)

    for kind in ("web", "worker"):
        kinds[kind][0].process.send_signal(signal.SIGKILL)
        kinds[kind][0].process.wait(timeout=PATIENCE)
    overdue(settings, cast)
    second = crew.until(
        lambda: settled(settings, first[0]), what="the second request with half of them dead", patience=3 * PATIENCE
    )
    assert second[:2] == (2 * first[0], 2 * first[1]), "twice the same is twice as much, and nothing is doubled"
    collected = list((tmp_path / "mailbox").rglob("*.eml"))
    assert len(collected) == second[1]

    for instance in [kinds["web"][1], kinds["worker"][1], kinds["scheduler"][0]]:
        assert instance.stop(2 * PATIENCE) == 0, instance.said
