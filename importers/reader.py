"""The child process in which a file is parsed: started, fed and listened to, ended with whatever it was asked for.

It answers in frames: a sign, a length, and JSON or a block of cells. It is hostile ground: how much it may say is
bounded, and nothing it says is executed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Timer
from typing import IO, TYPE_CHECKING, Any, Final, TypeAlias

from importers import refusals
from importers.blocks import CELLS, FRAME

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tenant.errors import Refusal

Answer: TypeAlias = "dict[str, Any] | bytes | None"
_ROOT: Final = Path(__file__).resolve().parent.parent


def answers(content: bytes, form: str, numbers: Sequence[int], wall: float, most: int) -> Iterator[Answer]:
    """Yield what a child says of a file: JSON decoded, blocks of cells as they are. Raises Refusal, and nothing else.

    `numbers` are its limits, `wall` the seconds it may take, `most` the bytes it may say.
    """
    with _child([*map(str, numbers), form], wall) as child:
        with suppress(BrokenPipeError, ConnectionResetError):
            _ends(child.stdin).write(content)
        with suppress(BrokenPipeError, ConnectionResetError):
            _ends(child.stdin).close()
        yield from _frames(_ends(child.stdout), most)
        if child.wait() != 0:
            raise _death(child.returncode)


@contextmanager
def _child(arguments: Sequence[str], wall: float) -> Iterator[subprocess.Popen[bytes]]:
    """Start a child and end it in any case, at the latest when its time is over.

    It gets no environment but the path to this package: a hostile file finds no secrets in it.
    """
    command = [sys.executable, "-P", "-X", "utf8", "-m", "importers._reader", *arguments]
    environment = {"PYTHONPATH": str(_ROOT), "PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"}
    pipe = subprocess.PIPE
    try:
        child = subprocess.Popen(  # noqa: S603  our own module, no shell, nothing of the user's on the line
            command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=environment, cwd=_ROOT
        )
    except (OSError, MemoryError):
        raise refusals.file("reader_unavailable") from None
    clock = Timer(wall, child.kill)
    clock.daemon = True
    clock.start()
    try:
        yield child
    finally:
        clock.cancel()
        child.kill()
        with suppress(OSError):
            _ends(child.stdin).close()
        _ends(child.stdout).close()
        child.wait()


def _ends(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise TypeError
    return pipe


def _frames(said: IO[bytes], most: int) -> Iterator[Answer]:
    """Yield the frames up to the end, or to where one is cut off: then the child's own end tells why."""
    while len(head := said.read(FRAME.size)) == FRAME.size:
        sign, length = FRAME.unpack(head)
        most -= length
        if most < 0:
            raise refusals.file("workbook_too_large")
        content = said.read(length)
        if len(content) < length:
            return
        if sign == CELLS:
            yield content
            continue
        line = _decoded(content)
        if isinstance(line, dict) and "refused" in line:
            raise refusals.file(str(line["refused"]))
        yield line


def _decoded(content: bytes) -> dict[str, Any] | None:
    try:
        line = json.loads(content)
    except (ValueError, RecursionError):
        raise refusals.file("reader_died") from None
    if line is not None and not isinstance(line, dict):
        raise refusals.file("reader_died")
    return line


def _death(code: int) -> Refusal:
    """Say why a child died, as far as its exit tells: killed for time, or out of memory."""
    too_slow = code in {-24, -9, 152, 137}
    return refusals.file("reader_too_slow" if too_slow else "reader_died")
