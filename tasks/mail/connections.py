"""Connections to mail servers: whom we trust, and how long we wait, whatever the server says meanwhile."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Protocol

from tenant.errors import SettingsError

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class Connected(Protocol):
    """What talks over a socket: smtplib's and imaplib's connections do."""

    @property
    def sock(self) -> socket.socket | None:
        """Return the socket, None before there is one."""


def trusting(ca_file: Path | None) -> ssl.SSLContext:
    """Return what verifies a server: the system's certificates, and those in ``ca_file``. Raises SettingsError."""
    context = ssl.create_default_context()
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except (OSError, ssl.SSLError) as error:
            raise SettingsError(
                code="bad_ca_file",
                message=(
                    f"环境变量 WUGUAN_SMTP_CA_FILE 指的文件「{ca_file}」中没有可用的证书。请给出 PEM 格式的证书文件。"
                ),
                field="WUGUAN_SMTP_CA_FILE",
                value=str(ca_file),
            ) from error
    return context


@contextmanager
def cut_off(connection: Connected, seconds: float) -> Iterator[None]:
    """End the connection when the block takes longer than ``seconds``, whatever the server says meanwhile.

    The time-out of a socket runs anew with each byte; this one does not.
    """

    def cut() -> None:
        held = getattr(connection, "sock", None)  # imaplib has the attribute only once it is connected
        if held is not None:
            with suppress(OSError):
                socket.socket.shutdown(held, socket.SHUT_RDWR)  # past TLS, which would wait for the other side

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
