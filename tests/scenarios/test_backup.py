"""From a backup to a deployment that serves again: whole, proved, and with its mail stopped until a person looked."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

import pictures
from audit.models import AuditEntry
from deployed import (
    DEPLOY,
    OWN,
    WUGUAN,
    call,
    environment,
    escalate,
    fresh_database,
    opened,
    own_server,
    peopled,
    plain,
    register,
)
from tasks import sweeps
from tenant import clock, embedded
from tenant.db import Database
from tenant.files import open_store, prepared
from tenant.models import Attachment, Mail, Ticket
from tenant.rules.terms import MailState
from tenant.services import attachments
from tenant.settings import Settings
from tenant.unscoped import Reason, across_offices

embedded_alone = pytest.mark.parametrize("backed_up", ["embedded"], indirect=True)
SERVERS = ["embedded", "own"] if os.environ.get(OWN) or os.environ.get("CI") else ["embedded"]


@dataclass
class Place:
    """Where a deployment lives, and what it was when it was backed up."""

    kind: str
    folder: Path
    env: dict[str, str]
    tickets: list[str] = field(default_factory=list)
    mails: int = 0
    photo: bytes = b""

    def script(self, name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a script of deploy/ with this deployment's settings."""
        return call(DEPLOY / name, *arguments, env=self.env)

    def wuguan(self, *arguments: str) -> Any:
        """Run a command and return its JSON; it must succeed."""
        done = call(WUGUAN, *arguments, "--json", env=self.env)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def sent(self) -> int:
        """Send what may go now and return how many mails that were."""
        with opened(self.env) as database:
            settings = Settings.from_environment(self.env)
            return sweeps.run_mail(database, clock.now(), settings=settings).mails

    def mail_in(self, state: MailState) -> set[str]:
        """Return the Message-IDs of the mails in a state."""
        with opened(self.env) as database, across_offices(database, Reason.CLAIMING) as session:
            return set(session.scalars(select(Mail.message_id).where(Mail.state == state)))

    def hung(self) -> list[bytes]:
        """Return the files of all matters, read from the store by their rows."""
        store = open_store(Settings.from_environment(self.env))
        with opened(self.env) as database, across_offices(database, Reason.CLAIMING) as session:
            return [b"".join(store.read(key)) for key in session.scalars(select(Attachment.key))]

    def recorded(self, verb: str) -> list[AuditEntry]:
        """Return what stands on the record under a verb, oldest first."""
        with opened(self.env) as database, across_offices(database, Reason.CLAIMING) as session:
            return list(session.scalars(select(AuditEntry).where(AuditEntry.verb == verb).order_by(AuditEntry.id)))

    @property
    def backups(self) -> list[Path]:
        """The finished backups, oldest first."""
        return sorted((self.folder / "backups").glob("wuguan-*"))


def a_place(kind: str, folder: Path, stack: ExitStack) -> Place:
    """Return a new and empty place of this kind."""
    home = Path(tempfile.mkdtemp(dir=folder)) / "home"
    env = environment(WUGUAN_HOME=str(home))
    if kind == "embedded":
        stack.callback(embedded.start(home / "postgres").stop)  # held, or each command would start and stop it
    else:
        address = plain(stack.enter_context(fresh_database(own_server())))
        env |= {"DATABASE_URL": address, "WUGUAN_OWNER_DATABASE_URL": address}
    return Place(kind, folder, env)


def hang(database: Database, env: dict[str, str]) -> bytes:
    """Hang a photo on a matter, beside one that a killed upload left half written; return what is kept of it."""
    store = open_store(Settings.from_environment(env))
    made = prepared("现场.jpg", pictures.photo(), 10**7)
    with across_offices(database, Reason.CLAIMING) as session:
        ticket_id = session.scalars(select(Ticket.id).limit(1)).one()
        attachments.attach(session, store, ticket_id, made)
        session.commit()
    (store.root / "ab").mkdir(exist_ok=True)
    (store.root / "ab" / f"ab{'c' * 41}.part").write_bytes(b"half")
    return made.content


@pytest.fixture(scope="module", params=SERVERS)
def backed_up(request: pytest.FixtureRequest) -> Iterator[Place]:
    """A deployment with an escalated request, backed up before its mails went out and another request came in."""
    folder = Path(tempfile.mkdtemp(prefix="wuguan-backup-"))
    with ExitStack() as stack:
        place = a_place(request.param, folder, stack)
        cast = peopled(place.env)
        with opened(place.env) as database:
            place.tickets.append(register(database, cast))
            place.mails = escalate(database, place.env)
            place.photo = hang(database, place.env)
            done = place.script("backup.sh", folder / "backups")
            assert done.returncode == 0, done.stderr
            register(database, cast)
        assert place.mails > 1
        yield place
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def empty(backed_up: Place) -> Iterator[Place]:
    """A new and empty place of the same kind."""
    with ExitStack() as stack:
        yield a_place(backed_up.kind, backed_up.folder, stack)


def test_a_restored_deployment_is_whole_and_sends_nothing_before_a_person_lets_it(
    backed_up: Place, empty: Place
) -> None:
    assert backed_up.sent() == backed_up.mails, "sent after the backup"
    (backup,) = backed_up.backups
    done = empty.script("restore.sh", backup)  # proves the record too
    assert done.returncode == 0, done.stderr
    assert "审计记录完整" in done.stdout
    assert "wuguan mail resume" in done.stdout
    assert empty.recorded("escalation.create")
    assert empty.hung() == [backed_up.photo]
    assert [entry.after["number"] for entry in empty.recorded("ticket.create")] == backed_up.tickets
    (restored,) = empty.recorded("database.restored")
    assert restored.after == {"file": "database.dump"}
    assert empty.sent() == 0
    waiting = empty.wuguan("mail", "list", "--state", "queued")["mails"]
    gone = backed_up.wuguan("mail", "list", "--state", "sent")["mails"]
    assert {mail["message_id"] for mail in waiting} == {mail["message_id"] for mail in gone}, (
        "by these a person can tell"
    )
    assert len(waiting) == backed_up.mails
    assert empty.wuguan("mail", "resume") == {"stopped_at": None}
    assert empty.sent() == backed_up.mails, "without a look they go out again"
    done = empty.script("restore.sh", backup)
    assert done.returncode == 1
    assert "恢复只写入空的数据库" in done.stderr
    assert len(empty.recorded("database.restored")) == 1


@embedded_alone
def test_a_backup_that_was_altered_or_is_not_whole_is_refused(backed_up: Place, empty: Place) -> None:
    copy = Path(tempfile.mkdtemp(dir=backed_up.folder)) / "copy"
    shutil.copytree(backed_up.backups[0], copy)
    with (copy / "database.dump").open("r+b") as file:
        file.seek(-100, os.SEEK_END)
        file.write(b"\0" * 50)
    done = empty.script("restore.sh", copy)
    assert done.returncode == 1
    assert "可能损坏或被改动" in done.stderr
    (copy / "database.dump").unlink()
    assert "不是完整的备份" in empty.script("restore.sh", copy).stderr


@embedded_alone
def test_backups_beyond_the_number_to_keep_go_oldest_first(backed_up: Place) -> None:
    folder = Path(tempfile.mkdtemp(dir=backed_up.folder))
    for day in ("20260101T000000Z", "20260102T000000Z"):
        (folder / f"wuguan-{day}").mkdir()
    (folder / "something-else").mkdir()
    done = backed_up.script("backup.sh", "--keep", "2", folder)
    assert done.returncode == 0, done.stderr
    left = sorted(path.name for path in folder.iterdir())
    assert left[:2] == ["something-else", "wuguan-20260102T000000Z"]
    assert len(left) == 3
    made = folder / left[2]
    assert (made / "secret-key").exists() == (Path(backed_up.env["WUGUAN_HOME"]) / "secret-key").exists()
    assert (made / "files.tar").exists()
    assert made.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in made.iterdir())


@embedded_alone
def test_a_login_that_row_security_binds_cannot_make_a_backup_of_the_half(backed_up: Place) -> None:
    with opened(backed_up.env) as database:
        addresses = database.addresses
        weak = addresses.owner.set(username="wuguan_owner")  # owns the tables, and is bound all the same
        env = backed_up.env | {"DATABASE_URL": plain(addresses.app), "WUGUAN_OWNER_DATABASE_URL": plain(weak)}
        target = backed_up.folder / "weak.dump"
        done = call(WUGUAN, "db", "dump", target, env=env)
    assert done.returncode == 1
    assert "WUGUAN_OWNER_DATABASE_URL" in done.stderr
    assert not target.exists()


@embedded_alone
def test_a_file_that_is_no_dump_leaves_the_database_empty(backed_up: Place, empty: Place) -> None:
    nonsense = backed_up.folder / "nonsense.dump"
    nonsense.write_text("这不是备份")
    done = call(WUGUAN, "db", "restore", nonsense, "--json", env=empty.env)
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["code"] == "program_failed"
    assert "Traceback" not in done.stderr
    assert empty.wuguan("db", "current")["revision"] is None
