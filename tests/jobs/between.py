"""A wire between us and a broker that the tests can cut, take away, or leave hanging."""

import contextlib
import socket
import threading
from urllib.parse import urlsplit, urlunsplit


class Wire:
    """Carries what is sent to its own port to the server of an address, as long as it is up."""

    def __init__(self, url):
        """Lay the wire; it is up."""
        parts = urlsplit(url)
        self.target = parts.hostname, parts.port
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        user = parts.netloc.rpartition("@")[0]
        self.url = urlunsplit(parts._replace(netloc=f"{user + '@' if user else ''}127.0.0.1:{self.port}"))
        self.lock = threading.Lock()
        self.ends = set()
        self.is_up, self.is_dumb, self.is_over = True, False, False
        self.carried = 0
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def cut(self):
        """End every connection there is, as a server does that is restarted."""
        with self.lock:
            ends, self.ends = self.ends, set()
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def down(self):
        """Take the server away: connections end, new ones are ended at once."""
        self.is_up = False
        self.cut()

    def hang(self):
        """Let the server answer nothing: connections are taken and nothing comes of them."""
        self.is_dumb = True
        self.cut()

    def up(self):
        """Bring the server back."""
        self.is_up, self.is_dumb = True, False
        self.cut()

    def close(self):
        """Take the wire away."""
        self.is_over = True
        self.down()
        self.socket.close()
        self.thread.join(30)

    def _accept(self):
        self.socket.settimeout(0.2)
        while not self.is_over:
            try:
                near, _ = self.socket.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            if not self.is_up:
                near.close()
                continue
            self._keep(near)
            if self.is_dumb:
                continue
            try:
                far = socket.create_connection(self.target, timeout=10)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            self._keep(far)
            for here, there in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(here, there), daemon=True).start()

    def _keep(self, end):
        with self.lock:
            self.ends.add(end)

    def _carry(self, here, there):
        with contextlib.suppress(OSError):
            while received := here.recv(65536):
                there.sendall(received)
                self.carried += len(received)
        for end in (here, there):
            with self.lock:
                self.ends.discard(end)
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
