"""The program as its users start it: a process of its own, in a home of its own."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

import warm
from cast import Cast, House
from desk import at_desk
from tenant import embedded
from tenant.db import Database

PROGRAM = [sys.executable, "-c", "from admin.cli import main; main()"]


@dataclass(frozen=True)
class Answer:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The answer of a command with ``--json``."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Program:
    """``wuguan`` in one home."""

    home: Path

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment the program runs in: nothing of this machine's settings."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("WUGUAN_", "DATABASE_", "BROKER_"))
        }
        return kept | {"WUGUAN_HOME": str(self.home)} | more

    def __call__(self, *arguments: str, **environment: str) -> Answer:
        """Run one command to its end, in a process that need not import the program first."""
        done = warm.run(arguments, self.environment(**environment), timeout=120)
        return Answer(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start a command that goes on."""
        return subprocess.Popen(  # noqa: S603 - our own program
            [*PROGRAM, *arguments],
            env=self.environment(**environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


@pytest.fixture(scope="module")
def wuguan() -> Iterator[Program]:
    """The program in a new home, its embedded server kept running between commands."""
    home = Path(tempfile.mkdtemp(prefix="wuguan-home-"))
    server = embedded.start(home / "postgres")
    yield Program(home)
    server.stop()
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def house(cast: Cast) -> House:
    """The office that acts, the north; the south stands beside it."""
    return cast.north


@pytest.fixture
def session(database: Database, house: House) -> Iterator[Session]:
    """A session of the desk's at noon, rolled back at its end."""
    with at_desk(database, house) as opened:
        yield opened
