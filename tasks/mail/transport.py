"""How a mail leaves: over SMTP in phases, or into the built-in mailbox.

Until the server has asked for the content nothing can have gone out, so a failure there is tried again later. From the
first byte of the content to the server's answer nobody knows, so a connection that ends there makes the mail
``unknown``. An answer is an answer: 250 is sent, 4xx later again, 5xx refused for good.
"""

import os
import re
import smtplib
import ssl
import time
from datetime import timedelta
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from tasks.mail.message import Envelope, read_sender
from tenant.settings import Settings

OK, START_CONTENT, CLOSING, TEMPORARY, PERMANENT = 250, 354, 421, 400, 500
TAKEN = frozenset({250, 251, 252})
REPLY_SECONDS = 10
"""How long the server may take over one answer, and over its answer to the content."""
BEFORE_CONTENT_SECONDS = 25
"""After so long the content is not begun any more: the lease must outlast what is left."""
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
A_CONNECTION = 100
"""So many mails over one connection; some servers end longer ones."""


class TransportDown(Exception):
    """The server cannot be used at all; the mail was not offered to it."""


class Deferred(Exception):
    """The mail was not taken, for a reason that may pass."""


class Rejected(Exception):
    """The mail was not taken and never will be."""


class Uncertain(Exception):
    """The connection ended with the content under way: taken or not, nobody knows."""


class Transport(Protocol):
    """What sends a mail.

    ``lease`` is longer than any sending takes; ``repeatable`` tells that sending twice is the same as sending once.
    """

    lease: timedelta
    repeatable: bool

    def send(self, envelope: Envelope) -> None:
        """Send one mail; returns when it was taken. Raises one of the four exceptions above."""

    def close(self) -> None:
        """Let go of the connection."""


def transport_for(settings: Settings) -> Transport:
    """Return the transport the settings ask for: SMTP where there is an address, else the built-in mailbox."""
    if settings.smtp_url is None:
        return MailboxTransport(settings.home / "mailbox")
    return SmtpTransport(settings.smtp_url, hello=read_sender(settings.mail_from).domain)


class MailboxTransport:
    """Collects mails as files in a folder; nothing leaves the machine. A repeat overwrites its own file."""

    lease = timedelta(seconds=10)
    repeatable = True

    def __init__(self, folder: Path) -> None:
        """Collect in ``folder``, made when the first mail comes."""
        self.folder = folder

    def send(self, envelope: Envelope) -> None:
        """Write one ``.eml`` file, whole or not at all. Raises TransportDown when the folder cannot be written."""
        name = re.sub(r"[^A-Za-z0-9._-]", "_", envelope.message_id.strip("<>").partition("@")[0])
        unfinished = self.folder / f".{name}.part"
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with unfinished.open("wb") as file:
                file.write(envelope.content)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self.folder / f"{name}.eml")
        except OSError as error:
            raise TransportDown(f"无法写入邮箱目录：{error.strerror}") from error

    def close(self) -> None:
        """Nothing is held open."""


class SmtpTransport:
    """Sends over one SMTP connection, kept from mail to mail."""

    lease = timedelta(seconds=60)
    repeatable = False

    def __init__(self, url: str, *, hello: str, reply_seconds: float = REPLY_SECONDS) -> None:
        """Read ``smtp://`` or ``smtps://user:password@host:port``; nothing is connected yet.

        ``hello`` is the name we greet with; ``reply_seconds`` bounds each wait for the server.
        """
        parts = urlsplit(url)
        self._is_wrapped = parts.scheme == "smtps"
        self._host = parts.hostname or "localhost"
        self._port = parts.port or (465 if self._is_wrapped else 25)
        self._login = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        self._hello = hello
        self._reply_seconds = reply_seconds
        self._connection: smtplib.SMTP | None = None
        self._sent = 0

    def send(self, envelope: Envelope) -> None:
        """Send one mail, connecting where needed. Raises one of the module's exceptions."""
        started = time.monotonic()
        connection = self._ready()
        try:
            self._introduce(connection, envelope, started)
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise Deferred(f"发送正文前连接中断：{_describe(error)}") from error
        except (Deferred, Rejected, TransportDown):
            self._forget(connection)
            raise
        self._hand_over(connection, envelope)

    def close(self) -> None:
        """Take leave of the server; a connection that is broken already is only dropped."""
        connection, self._connection, self._sent = self._connection, None, 0
        if connection is not None:
            try:
                connection.quit()
            except (OSError, smtplib.SMTPException):
                connection.close()

    def _ready(self) -> smtplib.SMTP:
        """Return a connection that has just answered, a new one where the old has ended."""
        if self._sent >= A_CONNECTION:
            self.close()
        if self._connection is not None:
            try:
                if self._connection.rset()[0] == OK:
                    return self._connection
            except (OSError, smtplib.SMTPException):
                pass
            self.close()
        try:
            self._connection = self._connect()
        except (OSError, smtplib.SMTPException) as error:
            raise TransportDown(f"邮件服务器 {self._host}:{self._port} 无法使用：{_describe(error)}") from error
        return self._connection

    def _connect(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        place, wait, name = (self._host, self._port), self._reply_seconds, self._hello
        if self._is_wrapped:
            connection: smtplib.SMTP = smtplib.SMTP_SSL(*place, timeout=wait, local_hostname=name, context=context)
        else:
            connection = smtplib.SMTP(*place, timeout=wait, local_hostname=name)
        try:
            self._greet(connection, context)
        except BaseException:
            connection.close()
            raise
        return connection

    def _greet(self, connection: smtplib.SMTP, context: ssl.SSLContext) -> None:
        """Say hello, go over to TLS where the server offers it, and log in where there is a login."""
        connection.ehlo_or_helo_if_needed()
        is_private = self._is_wrapped or self._host in LOOPBACK
        if not self._is_wrapped and connection.has_extn("starttls"):
            connection.starttls(context=context)
            connection.ehlo()
            is_private = True
        if self._login is None:
            return
        if not is_private:
            raise smtplib.SMTPException("服务器不支持加密，不会在明文连接上发送口令")
        connection.login(*self._login)

    def _introduce(self, connection: smtplib.SMTP, envelope: Envelope, started: float) -> None:
        """Name both ends and ask to send; returns when the server waits for the content.

        A server that refuses the sender refuses us, not this mail: it is out of use until somebody mends the settings.
        """
        try:
            _expect(connection.mail(envelope.sender), {OK})
        except Rejected as error:
            raise TransportDown(f"邮件服务器不接受发件人 {envelope.sender}：{error}") from error
        _expect(connection.rcpt(envelope.recipient), TAKEN)
        if time.monotonic() - started > BEFORE_CONTENT_SECONDS:
            raise Deferred("邮件服务器响应过慢")
        _expect(connection.docmd("DATA"), {START_CONTENT})

    def _hand_over(self, connection: smtplib.SMTP, envelope: Envelope) -> None:
        """Send the content and read the verdict: from the first byte on, no answer means unknown."""
        content = re.sub(rb"(?m)^\.", b"..", envelope.content)
        if not content.endswith(b"\r\n"):
            content += b"\r\n"
        try:
            connection.send(content + b".\r\n")
            verdict = connection.getreply()
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise Uncertain(f"发送正文时连接中断：{_describe(error)}") from error
        self._sent += 1
        _expect(verdict, {OK})

    def _forget(self, connection: smtplib.SMTP) -> None:
        """Leave the refused mail behind, so that the next one begins afresh."""
        try:
            connection.rset()
        except (OSError, smtplib.SMTPException):
            self.close()


def _expect(reply: tuple[int, bytes], wanted: set[int] | frozenset[int]) -> None:
    """Raise Deferred or Rejected unless the server answered as wanted."""
    code, text = reply
    if code in wanted:
        return
    answer = f"{code} {text.decode('utf-8', 'replace')}"[:300]
    if code >= PERMANENT:
        raise Rejected(answer)
    raise Deferred(answer)


def _describe(error: Exception) -> str:
    """Return an error in one line, without what was sent."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {error.smtp_error!r}"[:300]
    return (str(error) or type(error).__name__)[:300]
