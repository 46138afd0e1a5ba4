"""An SMTP server of our own that takes, defers, refuses, hangs up or says nothing, as it is told for each mail.

It speaks TLS too, with whatever certificate it is given, and lets in whom it is told to.
"""

import socketserver
import ssl
import threading
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default
from itertools import count

import pytest

import make
from tasks.mail.transport import SmtpTransport
from tenant.journal import CLOCKWORK
from tenant.rules.terms import MailClass
from tenant.services import mails
from tenant.services.mails import MailDraft
from tenant.settings import Settings

_keys = count(1)

REPLIES = {
    "defer": b"451 4.3.0 come back later\r\n",
    "refuse": b"550 5.1.1 no such person\r\n",
    "tire": b"421 4.7.0 enough of you for now\r\n",
}
GREETINGS = {"EHLO": b"250-sink\r\n%s250 8BITMIME\r\n", "HELO": b"250 sink\r\n"}


@dataclass
class Sink:
    """What the server does with the coming mails, one word each (``take`` when there are none left), and what it took.

    A word is ``act@phase``: ``defer``, ``refuse``, ``tire`` (421, and hang up), ``drop`` (hang up), ``hang`` (say
    nothing) or ``drip`` (a letter now and then, and never an end), at ``mail``, ``rcpt``, ``data`` (the question) or
    ``content`` (the answer to the message itself); or ``lose``: take it and hang up. ``delay`` takes it and says so
    after a while.
    """

    port: int = 0
    plan: list[str] = field(default_factory=list)
    taken: list[bytes] = field(default_factory=list)
    connections: int = 0
    pause: float = 0.0
    """Seconds between taking a mail and saying so."""
    over: threading.Event = field(default_factory=threading.Event)
    took: Callable[[], object] = lambda: None
    """Called for each mail that was taken."""
    tls: ssl.SSLContext | None = None
    """The certificate it shows; None for a server without TLS."""
    is_wrapped: bool = False
    """TLS from the first byte on; else after STARTTLS."""
    keeps_its_promise: bool = True
    """Goes over to TLS when asked to, having offered it."""
    password: str = ""
    """Whom it lets in: nobody when empty."""
    seen: list[bytes] = field(default_factory=list)
    """Every line that came in the clear."""

    def messages(self):
        """What was taken, parsed."""
        return [message_from_bytes(content, policy=default) for content in self.taken]


class _Talk(socketserver.StreamRequestHandler):
    act, phase = "take", ""

    def handle(self):
        sink = self.server.sink
        sink.connections += 1
        if sink.is_wrapped:
            self.wrap()
        self.say(b"220 sink\r\n")
        while line := self.rfile.readline():
            if not isinstance(self.connection, ssl.SSLSocket):
                sink.seen.append(line)
            verb = line[:4].upper().strip()
            answers = self.meet if verb in {b"EHLO", b"HELO", b"STAR", b"AUTH", b"QUIT"} else self.carry
            if not answers(verb, line):
                return

    def carry(self, verb, _line):
        """Do with a mail what was planned for it; tell whether the talk goes on."""
        sink = self.server.sink
        if verb == b"MAIL":
            self.act, _, self.phase = (sink.plan.pop(0) if sink.plan else "take").partition("@")
        if self.phase == verb.decode().lower():
            return self.upset(self.act)
        if verb == b"DATA":
            self.say(b"354 go on\r\n")
            content = self.content()
            if self.phase == "content":
                return self.upset(self.act)
            sink.taken.append(content)
            sink.took()
            sink.over.wait(0.2 if self.act == "delay" else sink.pause)
            if self.act == "lose":
                return False
        self.say(b"250 ok\r\n")
        return True

    def meet(self, verb, line):
        """Greet, go over to TLS, let in, take leave; tell whether the talk goes on."""
        sink = self.server.sink
        if verb == b"EHLO":
            offers = b"250-STARTTLS\r\n" if sink.tls and not isinstance(self.connection, ssl.SSLSocket) else b""
            self.say(GREETINGS["EHLO"] % (offers + b"250-AUTH LOGIN PLAIN\r\n"))
        elif verb == b"HELO":
            self.say(GREETINGS["HELO"])
        elif verb == b"STAR" and sink.keeps_its_promise:
            self.say(b"220 go ahead\r\n")
            self.wrap()
        elif verb == b"STAR":
            self.say(b"454 4.7.0 not now\r\n")
        elif verb == b"AUTH":
            self.let_in(line)
        else:
            self.say(b"221 bye\r\n")
        return verb != b"QUIT"

    def wrap(self):
        self.rfile.close()
        self.connection = self.server.sink.tls.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")

    def let_in(self, line):
        given = line.split()[2:]
        if line.split()[1].upper() == b"LOGIN":
            self.say(b"334 UGFzc3dvcmQ6\r\n")
            given = [self.rfile.readline().strip()]
        says = b64decode(given[0]).rpartition(b"\0")[2].decode() if given else ""
        is_known = self.server.sink.password and says == self.server.sink.password
        self.say(b"235 welcome\r\n" if is_known else b"535 5.7.8 wrong password\r\n")

    def finish(self):
        super().finish()
        self.connection.close()

    def upset(self, act):
        """Do what was planned; tell whether the talk goes on."""
        if act in REPLIES:
            self.say(REPLIES[act])
            return act != "tire"
        if act == "hang":
            self.server.sink.over.wait(10)
        for _ in range(200 if act == "drip" else 0):
            self.say(b"2")
            if self.server.sink.over.wait(0.05):
                break
        return False

    def content(self):
        lines = []
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        return b"".join(lines)

    def say(self, reply):
        self.connection.sendall(reply)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that hung up is what the tests are about."""


@pytest.fixture
def sink():
    """The server, listening; it stops with the test."""
    with _Server(("127.0.0.1", 0), _Talk) as server:
        server.sink = Sink(port=server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server.sink
        server.sink.over.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def transport(sink):
    """A transport to the server, impatient so that silence is soon noticed."""
    carrier = SmtpTransport(f"smtp://127.0.0.1:{sink.port}", hello="wuguan.invalid", reply_seconds=1.5)
    yield carrier
    carrier.close()


@pytest.fixture
def settings(tmp_path):
    """Settings at home in a folder that goes with the test."""
    return Settings.from_environment({"WUGUAN_HOME": str(tmp_path), "WUGUAN_MAIL_PER_MINUTE": "100000"})


@pytest.fixture
def queue(database):
    """Queue mails of an office and return their ids: ``queue(house, 3, subject=…)``."""

    def queue_some(house, number=1, **changes):
        ids = []
        with database.session(house.scope(), CLOCKWORK) as session:
            for _ in range(number):
                key = f"test:{next(_keys)}"
                values = {
                    "office_id": house.id, "dedup_key": key, "mail_class": MailClass.NOTICE, "recipient_name": "林主任",
                    "recipient_address": "lin@wuguan.invalid", "subject": key, "text_body": "正文",
                    "subject_kind": "test", "subject_id": 1, "not_before": make.NOON,
                }  # fmt: skip
                ids.append(mails.queue(session, MailDraft(**values | changes)).id)
            session.commit()
        return ids

    return queue_some
