"""The store of files: keys that say nothing, whole files or none, the same for a folder and for a bucket."""

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from tenant.settings import Settings

KEY: Final = re.compile(r"[A-Za-z0-9_-]{32,64}(\.part)?")
CHUNK: Final = 256 * 1024
"""Bytes read at once."""


class StoreDown(Exception):
    """The store does not answer, or does not let us in; the message says so in Chinese, with no secret in it."""


class FileGone(Exception):
    """The store has no file under this key."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A file in the store: its key, and when it was written, in UTC."""

    key: str
    at: datetime


class Store(Protocol):
    """Where files are. Every act raises StoreDown where the store does not answer.

    ``place`` says where it is, for people who run it; it holds no secret.
    """

    place: str

    def put(self, key: str, content: bytes, media_type: str) -> None:
        """Keep ``content`` under ``key``: when this returns it is there whole, killed before that it is not there."""

    def read(self, key: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Return the bytes from ``start`` to ``stop`` (None: the end) in pieces; raises FileGone before the first."""

    def remove(self, key: str) -> None:
        """Remove a file; one that is not there is removed already."""

    def listed(self) -> Iterator[Stored]:
        """Yield everything in the store, what a killed process left half written too."""


def new_key() -> str:
    """Return a key that nobody can guess and that says nothing: 32 random bytes as 43 signs for addresses."""
    return secrets.token_urlsafe(32)


def checked(key: str) -> str:
    """Return ``key``; raises FileGone for what is no key, before it is part of a path or an address."""
    if KEY.fullmatch(key) is None:
        raise FileGone(key[:64])
    return key


def open_store(settings: "Settings") -> Store:
    """Return the store that the settings name; nothing is asked of it yet."""
    from tenant.files.folder import Folder  # noqa: PLC0415 - the two kinds are made of what stands above

    if settings.files is None or isinstance(settings.files, Path):
        return Folder(settings.files or settings.home / "files")
    from tenant.files.bucket import BucketStore  # noqa: PLC0415 - its client takes half a second to import

    return BucketStore(settings.files)
