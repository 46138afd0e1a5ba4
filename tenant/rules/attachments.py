"""What may hang on a matter: which formats, how large a picture, and what a file is called (A-C9, A-W9)."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tenant.rules.terms import AttachmentKind

MOST_PIXELS: Final = 64_000_000
"""A picture of more is refused before it is unpacked: few bytes can promise a room full of pixels."""
LONGEST_EDGE: Final = 2560
"""Pixels of the longer edge that a picture keeps: a meter can be read on it, and a day's photos stay small."""
THUMBNAIL_EDGE: Final = 320
MEGABYTE: Final = 1024 * 1024
LONGEST_NAME: Final = 200
AT_ONCE: Final = 20
"""Files that one form may bring."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format that is taken: what it is for people, what it is served as, and the endings its names may have.

    The first ending is the one given to a name that has none of them.
    """

    kind: AttachmentKind
    media_type: str
    endings: tuple[str, ...]


PICTURE: Final = Format(AttachmentKind.PHOTO, "image/jpeg", ("jpg", "jpeg"))
"""What every picture becomes, whatever it came as."""
_MP4: Final = Format(AttachmentKind.RECORDING, "audio/mp4", ("m4a", "mp4"))
FORMATS: Final[Mapping[str, Format]] = {
    "image/jpeg": PICTURE,
    "image/png": PICTURE,
    "image/webp": PICTURE,
    "image/gif": PICTURE,
    "image/bmp": PICTURE,
    "image/heic": PICTURE,
    "image/heif": PICTURE,
    "application/pdf": Format(AttachmentKind.DOCUMENT, "application/pdf", ("pdf",)),
    "audio/mpeg": Format(AttachmentKind.RECORDING, "audio/mpeg", ("mp3",)),
    "audio/mp4": _MP4,
    "video/mp4": Format(AttachmentKind.RECORDING, "video/mp4", ("mp4", "m4a")),
    "video/3gpp": Format(AttachmentKind.RECORDING, "video/3gpp", ("3gp", "amr")),
    "audio/amr": Format(AttachmentKind.RECORDING, "audio/amr", ("amr",)),
    "audio/aac": Format(AttachmentKind.RECORDING, "audio/aac", ("aac", "m4a")),
    "audio/ogg": Format(AttachmentKind.RECORDING, "audio/ogg", ("ogg", "oga", "opus")),
    "audio/x-wav": Format(AttachmentKind.RECORDING, "audio/wav", ("wav",)),
}
"""By what the content says it is: pictures of cameras, phones and chats, what phones record with, scans and letters."""
TAKEN: Final = "照片（JPG、PNG、HEIC 等）、录音（MP3、M4A、AMR、WAV 等）和 PDF"
_OF_PICTURES: Final = frozenset({"jpg", "jpeg", "png", "webp", "gif", "bmp", "heic", "heif", "tif", "tiff", "avif"})


def kept_name(name: str, form: Format) -> str:
    """Return what a file is called from now on: the last part of ``name``, printable, with an ending that is true.

    A picture that came as ``.heic`` ends with ``.jpg``; whatever calls itself otherwise than it is gets the true
    ending behind its own. At most 200 signs; a name of which nothing is left becomes the kind in words.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    plain = " ".join("".join(sign if _is_plain(sign) else " " for sign in last).split()).strip(". ")
    stem, dot, ending = plain.rpartition(".")
    is_own = ending.lower() in form.endings
    is_redrawn = form.kind is AttachmentKind.PHOTO and ending.lower() in _OF_PICTURES
    if not dot or not (is_own or is_redrawn):
        stem, ending = plain, form.endings[0]
    elif not is_own:
        ending = form.endings[0]
    return f"{stem[: LONGEST_NAME - len(ending) - 1].rstrip('. ') or form.kind.label}.{ending.lower()}"


def _is_plain(sign: str) -> bool:
    """Tell whether a sign shows itself: no control sign, none that turns the direction of what follows."""
    return unicodedata.category(sign) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} and sign not in '<>:"|?*'
