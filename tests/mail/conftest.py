"""An SMTP server of our own that takes, defers, refuses, hangs up or says nothing, as it is told for each mail."""

import socketserver
import threading
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

REPLIES = {"defer": b"451 4.3.0 come back later\r\n", "refuse": b"550 5.1.1 no such person\r\n"}


@dataclass
class Sink:
    """What the server does with the coming mails, one word each (``take`` when there are none left), and what it took.

    A word is ``act@phase``: ``defer``, ``refuse``, ``drop`` (hang up) or ``hang`` (say nothing), at ``mail``, ``rcpt``,
    ``data`` (the question) or ``content`` (the answer to the message itself); or ``lose``: take it and hang up.
    """

    port: int = 0
    plan: list[str] = field(default_factory=list)
    taken: list[bytes] = field(default_factory=list)
    connections: int = 0
    pause: float = 0.0
    """Seconds between taking a mail and saying so."""
    over: threading.Event = field(default_factory=threading.Event)

    def messages(self):
        """What was taken, parsed."""
        return [message_from_bytes(content, policy=default) for content in self.taken]


class _Talk(socketserver.StreamRequestHandler):
    def handle(self):
        sink = self.server.sink
        sink.connections += 1
        self.say(b"220 sink\r\n")
        act, phase = "take", ""
        while line := self.rfile.readline():
            verb = line[:4].upper().strip()
            if verb == b"MAIL":
                act, _, phase = (sink.plan.pop(0) if sink.plan else "take").partition("@")
            if verb == b"QUIT":
                self.say(b"221 bye\r\n")
                return
            step = verb.decode().lower()
            if phase == step and not self.upset(act):
                return
            if phase == step:
                continue
            if verb == b"DATA":
                self.say(b"354 go on\r\n")
                content = self.content()
                if phase == "content":
                    if not self.upset(act):
                        return
                    continue
                sink.taken.append(content)
                sink.over.wait(sink.pause)
                if act == "lose":
                    return
            self.say(b"250 ok\r\n")

    def upset(self, act):
        """Do what was planned; tell whether the talk goes on."""
        if act in REPLIES:
            self.say(REPLIES[act])
            return True
        if act == "hang":
            self.server.sink.over.wait(10)
        return False

    def content(self):
        lines = []
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        return b"".join(lines)

    def say(self, reply):
        self.wfile.write(reply)


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
    carrier = SmtpTransport(f"smtp://127.0.0.1:{sink.port}", hello="wuguan.invalid", reply_seconds=0.5)
    yield carrier
    carrier.close()


@pytest.fixture
def settings(tmp_path):
    """Settings at home in a folder that goes with the test."""
    return Settings.from_environment({"WUGUAN_HOME": str(tmp_path)})


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


@pytest.fixture
def announce(capsys):
    """Print a count where whoever runs the suite sees it."""

    def say(sentence):
        with capsys.disabled():
            print(f"\n{sentence}")  # noqa: T201 - counts are to be read

    return say
