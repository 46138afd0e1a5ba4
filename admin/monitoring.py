"""The private address (``WUGUAN_METRICS``) of a process: ``/healthz``, ``/readyz`` and ``/metrics``, without a door.

A small server in a thread of its own, in every kind of process. It has no say in whether the process runs: where it
cannot listen that is logged, and the process goes on without it.
"""

import json
import logging
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Final

from admin import metrics
from admin.health import UNAVAILABLE, Watch, readiness

log = logging.getLogger(__name__)

JSON: Final = "application/json; charset=utf-8"
OK, UNKNOWN = 200, 404
PATIENCE: Final = 10.0
"""Seconds a monitor has for its question."""

Place = tuple[str, int]


@contextmanager
def answering(place: Place | None, watch: Watch) -> Iterator[Place | None]:
    """Answer at ``place`` while the block runs; gives where that is, None where nobody listens.

    Port 0 takes any that is free. An address that cannot be used is logged as a sentence and nothing more.
    """
    if place is None:
        yield None
        return
    try:
        server = _Server(place, watch)
    except OSError as error:
        log.warning(
            "指标地址 %s:%s 不能使用（%s）：继续运行，但不提供指标。请检查 WUGUAN_METRICS。", *place, error.strerror
        )
        yield None
        return
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    found = server.server_address
    log.info("metrics and health at http://%s:%s/metrics", place[0], found[1])
    try:
        yield place[0], int(found[1])
    finally:
        server.shutdown()
        server.server_close()


class _Server(socketserver.ThreadingMixIn, HTTPServer):
    """Each question in a thread of its own, so that a monitor that hangs holds up no other."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, place: Place, watch: Watch) -> None:
        self.watch = watch
        self.address_family = socket.AF_INET6 if ":" in place[0] else socket.AF_INET
        super().__init__(place, _Answering)

    def server_bind(self) -> None:
        """Bind without asking anybody for the machine's name, which may take long."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """Let a monitor that went away be no event."""
        log.debug("a question at the private address was not answered")


class _Answering(BaseHTTPRequestHandler):
    """One question."""

    timeout = PATIENCE
    server: _Server
    server_version = "wuguan"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer the three addresses there are."""
        path = self.path.partition("?")[0]
        if path == "/healthz":
            self._send(OK, JSON, json.dumps({"ok": True}).encode())
        elif path == "/readyz":
            found = readiness(self.server.watch)
            self._send(OK if found.ok else UNAVAILABLE, JSON, json.dumps(found.parts).encode())
        elif path == "/metrics":
            self._send(OK, metrics.CONTENT_TYPE, metrics.exposition(self.server.watch))
        else:
            self._send(UNKNOWN, JSON, json.dumps({"paths": ["/healthz", "/readyz", "/metrics"]}).encode())

    def _send(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Write no line for each time a monitor asks."""
