"""``wuguan`` without the second that Python takes to import it: a process of its own for every command, forked warm.

One warm process for each process of the suite has imported what the commands import, and holds neither a thread nor a
connection. A command runs in a fork of it, with arguments, environment, folder and streams of its own, to the end that
an interpreter comes to. Tests of the start itself, of what goes on and of what is killed start the program cold.
"""

import atexit
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from functools import cache
from pathlib import Path
from select import select

ROOT = Path(__file__).parents[1]
READ_AT_START = ("PYTHON", "LC_", "LANG", "TZ", "LD_")
"""Beginnings of settings that an interpreter reads once, when it starts."""
PREPARED = (
    "admin.app",
    "admin.cli",
    "admin.doctor",
    "importers.apply",
    "importers.sheets.kinds",
    "tasks.sweeps",
    "tasks.worker",
    "tenant.migrations",
)
PIECE = 1 << 16


def run(arguments, env, timeout):
    """Run ``wuguan`` with these arguments to its end as :func:`subprocess.run` would; raises TimeoutExpired."""
    assert read_at_start(env) == read_at_start(os.environ), "a fork has its parent's language and time zone"
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, socket.socket(socket.AF_UNIX) as line:
        line.settimeout(timeout)
        line.connect(_warmed())
        order = {"arguments": [str(part) for part in arguments], "env": env, "cwd": str(Path.cwd())}
        with Path(os.devnull).open("rb") as nothing:
            socket.send_fds(line, [b"\n"], [nothing.fileno(), out.fileno(), err.fileno()])
        line.sendall(json.dumps(order).encode() + b"\n")
        with line.makefile() as answers:
            code = _told(answers, arguments, timeout)
        said = [_read(stream) for stream in (out, err)]
    return subprocess.CompletedProcess(arguments, code, *said)


def _told(answers, arguments, timeout):
    """Return the exit code of a command, told after its process number; end it when it takes too long."""
    process = int(answers.readline())
    try:
        return int(answers.readline())
    except TimeoutError:
        os.kill(process, signal.SIGKILL)
        raise subprocess.TimeoutExpired(arguments, timeout) from None


def _read(stream):
    stream.seek(0)
    return stream.read().decode()


def read_at_start(env):
    """Return what of an environment a fork of a warm process would not heed."""
    return {name: value for name, value in env.items() if name.startswith(READ_AT_START)}


@cache
def _warmed():
    """Start the warm process and return where it listens; it ends with us."""
    folder = tempfile.TemporaryDirectory(prefix="wuguan-warm-")
    place = str(Path(folder.name) / "socket")
    process = subprocess.Popen(  # noqa: S603 - our own script
        [sys.executable, __file__, place], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    )

    def end():
        process.stdin.close()
        process.wait()
        folder.cleanup()

    atexit.register(end)
    assert process.stdout.readline() == b"warm\n"
    process.stdout.close()
    return place


# ---- the warm process itself
def serve(place):
    """Fork a command for everybody who calls; return in the fork alone, ready to run, or when our parent is gone."""
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(place)
        door.listen(64)
        print("warm", flush=True)  # noqa: T201 - our parent waits for the word
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the keepers
        while sys.stdin not in select([door, sys.stdin], [], [])[0]:
            assert threading.active_count() == 1, "threads do not survive a fork"
            line, _ = door.accept()
            with line:
                if not os.fork() and keep(line):
                    return True
    return False


def keep(line):
    """Fork the command, wait for it and tell its fate; return in the fork alone, when it is what was ordered."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, streams, _, _ = socket.recv_fds(line, 1, 3)
    with line.makefile() as orders:
        order = json.loads(orders.readline())
    child = os.fork()
    if not child:
        become(order, streams)
        return True
    with suppress(OSError):  # who asked lost patience
        line.sendall(f"{child}\n".encode())
        line.sendall(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n".encode())
    os._exit(0)


def become(order, streams):
    """Take on what a command is started with."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    sys.argv = ["wuguan", *order["arguments"]]


def main(place):
    """Import what commands import, then serve them."""
    sys.path[0] = ""
    for name in PREPARED:
        importlib.import_module(name)
    importlib.import_module("sqlalchemy.orm").configure_mappers()
    gc.collect()
    gc.freeze()
    if serve(place):
        sys.modules["admin.cli"].main()


if __name__ == "__main__":
    main(*sys.argv[1:])
