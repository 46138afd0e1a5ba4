"""HEIF pictures unpacked in a process of their own: its decoder dies of some broken files, and its process with it.

Run as a program it reads a file from its input and writes the picture, upright and no longer than is kept, to its
output: the measures on a line, then the pixels.
"""

import subprocess
import sys
from typing import Final

from PIL import Image

BROKEN, TOO_LARGE = 3, 4
"""What the program ends with instead of a picture."""
PATIENCE: Final = 60.0
"""Seconds after which a picture counts as broken."""
BOX: Final = b"ftyp"


class TooLarge(Exception):
    """The picture has more pixels than are taken."""


def is_heif(content: bytes) -> bool:
    """Tell whether a picture comes in the box that HEIF pictures come in."""
    return content[4:8] == BOX


def unpacked(content: bytes) -> Image.Image:
    """Return the picture. Raises ValueError for what cannot be read, whatever the decoder does, and TooLarge."""
    command = [sys.executable, "-m", __name__]
    try:
        done = subprocess.run(command, input=content, capture_output=True, timeout=PATIENCE, check=False)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        message = "the decoder did not come to an end"
        raise ValueError(message) from error
    if done.returncode == TOO_LARGE:
        raise TooLarge
    if done.returncode:
        message = f"the decoder ended with {done.returncode}"
        raise ValueError(message)
    measures, _, pixels = done.stdout.partition(b"\n")
    width, height = (int(number) for number in measures.split())
    return Image.frombytes("RGB", (width, height), pixels)


def main() -> int:
    """Unpack what comes in; return what the program ends with."""
    import pi_heif  # noqa: PLC0415 - nowhere but in a process of its own

    from tenant.files import pictures  # noqa: PLC0415 - it asks for what stands above

    pi_heif.register_heif_opener(thumbnails=False)
    try:
        picture = pictures.seen(sys.stdin.buffer.read(), ("HEIF",))
    except TooLarge:
        return TOO_LARGE
    except pictures.BROKEN:
        return BROKEN
    sys.stdout.buffer.write(b"%d %d\n" % picture.size + picture.tobytes())
    return 0


if __name__ == "__main__":
    from tenant.files.apart import main as unpack  # not the copy that runs: what it raises is known by the other

    sys.exit(unpack())
