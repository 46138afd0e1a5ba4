"""Files in a folder of this machine, or of one that several machines share."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from tenant.files.store import CHUNK, FileGone, Stored, StoreDown, checked


class Folder:
    """A store in ``root``; the first two signs of a key name the folder in it, so that no folder grows too long."""

    def __init__(self, root: Path) -> None:
        """Keep where; the folder is made with its first file."""
        self.root = root
        self.place = str(root)

    def put(self, key: str, content: bytes, media_type: str) -> None:  # noqa: ARG002 - a folder keeps no types
        """Keep ``content`` under ``key``: written beside its name, forced to the disk, then named."""
        path = self._path(key)
        unfinished = path.with_name(f"{key}.part")
        with self._answering():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
            _force(path.parent)

    def read(self, key: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Return the bytes of a file in pieces."""
        with self._answering():
            try:
                file = self._path(key).open("rb")
            except FileNotFoundError:
                raise FileGone(key) from None
        left = float("inf") if stop is None else stop - start

        def pieces() -> Iterator[bytes]:
            rest = left
            with file:
                file.seek(start)
                while rest > 0 and (piece := file.read(int(min(CHUNK, rest)))):
                    rest -= len(piece)
                    yield piece

        return pieces()

    def remove(self, key: str) -> None:
        """Remove a file."""
        with self._answering():
            self._path(key).unlink(missing_ok=True)

    def listed(self) -> Iterator[Stored]:
        """Yield everything in the folder that has a name as we give them."""
        with self._answering():
            for folder in sorted(self.root.iterdir()) if self.root.exists() else ():
                for path in sorted(folder.iterdir()) if folder.is_dir() else ():
                    with suppress(FileGone, FileNotFoundError):
                        yield Stored(checked(path.name), datetime.fromtimestamp(path.stat().st_mtime, UTC))

    def _path(self, key: str) -> Path:
        return self.root / checked(key)[:2] / key

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreDown(f"附件目录 {self.root} 无法读写（{error.strerror}）。") from error


def _force(folder: Path) -> None:
    """Force the names of a folder to the disk: a file without a name is no file after a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
