"""The store of files beside the rows: killed anywhere, no row is without its file, and no file stays without a row."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select

import pictures
from admin.cli import wuguan
from desk import at_desk, request
from kills import a_seed
from tasks import sweeps
from tasks.actors import DUTIES, Works
from tasks.timetable import TIMETABLE
from tenant import clock
from tenant.files import new_key, open_store, prepared
from tenant.files.folder import Folder
from tenant.models import Attachment
from tenant.services import attachments
from tenant.unscoped import Reason, across_offices

UPLOADING = Path(__file__).parent / "uploading.py"
DAY = timedelta(hours=24, minutes=1)
POINTS = ("half", "one", "both", "flushed", "committing", "committed")
RANDOM_KILLS = 25


@pytest.fixture
def store(settings) -> Folder:
    """The store of the settings."""
    return open_store(settings)


@pytest.fixture
def rows(database):
    """Read the files of a ticket."""

    def read(ticket_id):
        with across_offices(database, Reason.REVIEWING) as session:
            return list(session.scalars(select(Attachment).where(Attachment.ticket_id == ticket_id)))

    return read


@pytest.fixture
def ticket_id(database, cast):
    """A request of the north."""
    with at_desk(database, cast.north) as session:
        row = request(session, cast.north)
        session.commit()
        return row.ticket_id


def hang(database, house, ticket_id, store, content) -> Attachment:
    """Hang a photo on a ticket."""
    with at_desk(database, house) as session:
        row, _ = attachments.attach(session, store, ticket_id, prepared("现场.jpg", content, 10**7))
        session.commit()
        return row


def names(store) -> set[str]:
    """Return what lies in the store."""
    return {found.key for found in store.listed()}


def whole(store, key, digest) -> bool:
    """Tell whether the store has the file as the row describes it."""
    return hashlib.sha256(b"".join(store.read(key))).hexdigest() == digest


@pytest.fixture
def uploads(database, cast, ticket_id, store):
    """Start uploads in processes of their own: ``uploads(point)`` returns the process number, ``uploads()`` its end."""
    tests = UPLOADING.parents[1]
    environment = os.environ | {"PYTHONPATH": f"{tests}{os.pathsep}{tests.parent}"}
    seeds = iter(range(0, 10**6, 1000))
    order = {
        "url": database.addresses.app.render_as_string(hide_password=False),
        "folder": str(store.root),
        "office": cast.north.id,
        "ticket": ticket_id,
    }
    with subprocess.Popen(  # noqa: S603 - our own script
        [sys.executable, str(UPLOADING)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:

        def ask(point="waiting for its end"):
            line = json.dumps(order | {"point": point, "seed": next(seeds)})
            process.stdin.write("\n" if point == "waiting for its end" else f"{line}\n")
            process.stdin.flush()
            return int(process.stdout.readline())

        yield ask
        process.stdin.close()


def test_killed_anywhere_no_row_is_without_its_file_and_a_day_later_no_file_without_a_row(
    database, store, rows, ticket_id, uploads
):
    for point in POINTS:
        uploads(point)
        assert uploads() == signal.SIGKILL, point
    chance = random.Random(a_seed())  # noqa: S311 - when to kill is no secret
    for _ in range(RANDOM_KILLS):
        worker = uploads(None)
        time.sleep(chance.uniform(0.02, 0.4))
        os.kill(worker, signal.SIGKILL)
        assert uploads() == signal.SIGKILL
    kept = rows(ticket_id)
    assert kept, "some were committed before the kill"
    assert [row.id for row in kept if not whole(store, row.key, row.digest)] == []
    named = {row.key for row in kept} | {row.thumbnail_key for row in kept}
    orphans = names(store) - named
    assert len(orphans) >= 4, "half a file, one file, two files: what the kills left behind"
    assert any(key.endswith(".part") for key in orphans)

    soon = sweeps.run_files(database, clock.now(), store=store)
    assert (soon.seen, soon.orphans, names(store)) == (len(named | orphans), 0, named | orphans)
    later = sweeps.run_files(database, clock.now() + DAY, store=store)
    assert (later.orphans, later.held_back, names(store)) == (len(orphans), 0, named)


def test_what_was_taken_off_is_deleted_by_the_next_sweep_and_not_before_the_commit(
    database, cast, store, rows, ticket_id
):
    row = hang(database, cast.north, ticket_id, store, pictures.photo())
    other = hang(database, cast.north, ticket_id, store, pictures.photo(100, 90))
    with at_desk(database, cast.north) as session:
        attachments.remove(session, row.id, "传错")
        session.flush()
        assert sweeps.run_files(database, clock.now() + DAY, store=store).removed == 0
        session.rollback()
    assert whole(store, row.key, row.digest)
    with at_desk(database, cast.north) as session:
        attachments.remove(session, row.id, "传错")
        session.commit()
    report = sweeps.run_files(database, clock.now(), store=store)
    assert (report.removed, names(store)) == (2, {other.key, other.thumbnail_key})
    assert sweeps.run_files(database, clock.now(), store=store).removed == 0
    (gone,) = [found for found in rows(ticket_id) if found.removed_at]
    assert gone.removed_why == "传错"


def test_a_file_that_hangs_on_a_matter_is_kept_however_old_it_is(database, cast, store, ticket_id):
    row = hang(database, cast.north, ticket_id, store, pictures.photo())
    sweeps.run_files(database, clock.now() + timedelta(days=4000), store=store)
    assert whole(store, row.key, row.digest)


def test_the_store_of_another_database_is_left_alone(database, cast, store, ticket_id, caplog):
    hang(database, cast.north, ticket_id, store, pictures.photo())
    for _ in range(60):
        store.put(new_key(), b"of another database", "text/plain")
    report = sweeps.run_files(database, clock.now() + DAY, store=store)
    assert (report.seen, report.orphans, report.held_back) == (62, 0, 60)
    assert len(names(store)) == 62
    assert "60 of 62 files" in caplog.text


def test_the_night_and_the_command_sweep_the_store_that_the_settings_name(database, settings, tmp_path):
    assert [entry.wakes for entry in TIMETABLE if entry.name == "files"] == ["sweep_files"]
    store = open_store(settings)
    store.put(new_key(), b"left behind", "text/plain")
    (lost,) = (tmp_path / "files").glob("*/*")
    DUTIES["sweep_files"].function(Works(database, settings))
    assert lost.exists()
    os.utime(lost, (time.time() - 90000, time.time() - 90000))
    DUTIES["sweep_files"].function(Works(database, settings))
    assert not lost.exists()
    app, owner = (
        address.render_as_string(hide_password=False) for address in (database.addresses.app, database.addresses.owner)
    )
    environment = {"DATABASE_URL": app, "WUGUAN_OWNER_DATABASE_URL": owner, "WUGUAN_HOME": str(tmp_path)}
    answer = CliRunner().invoke(wuguan, ["sweep", "files", "--json"], env=environment, catch_exceptions=False)
    assert json.loads(answer.output) | {"at": ""} == {"at": "", "seen": 0, "orphans": 0, "removed": 0, "held_back": 0}
