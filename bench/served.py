"""The program as its users run it: a command of its own process, started, waited for and stopped as a person would."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from time import perf_counter, sleep
from typing import Final

PATIENCE: Final = 900.0
WUGUAN: Final = str(Path(sys.executable).with_name("wuguan"))


@dataclass(frozen=True, slots=True)
class Served:
    """A program that answers: its port, its process, the seconds from its start to its first answer."""

    port: int
    pid: int
    seconds: float


def environment(home: Path) -> dict[str, str]:
    """Return what the program finds around it: nothing set but where its home is."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("WUGUAN_", "DATABASE_URL"))}
    return kept | {"WUGUAN_HOME": str(home)}


def timed(command: list[str], around: dict[str, str]) -> float:
    """Run a command to its good end and return its seconds."""
    start = perf_counter()
    done = subprocess.run(command, env=around, check=False, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr
    return perf_counter() - start


@contextmanager
def serving(command: list[str], around: dict[str, str]) -> Iterator[Served]:
    """Start a command that serves pages, wait for its first answer, and stop it as a person would: with Ctrl-C."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start = perf_counter()
    with subprocess.Popen([*command, "--port", str(port)], env=around, stdout=subprocess.DEVNULL) as program:
        try:
            _wait_for_answer(port, program)
            yield Served(port, program.pid, perf_counter() - start)
        finally:
            program.send_signal(signal.SIGINT)
            program.wait(timeout=60)


def _wait_for_answer(port: int, program: subprocess.Popen[bytes]) -> None:
    while program.poll() is None:
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request("GET", "/sign-in")
            assert connection.getresponse().status == 200
        except ConnectionRefusedError:
            sleep(0.02)
        else:
            return
        finally:
            connection.close()
    message = f"the program ended with {program.returncode} before it answered"
    raise RuntimeError(message)
