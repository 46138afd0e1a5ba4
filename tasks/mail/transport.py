"""How a mail leaves: over SMTP in phases, or into the built-in mailbox.

Until the server has asked for the content nothing can have gone out, so a failure there is tried again later. From the
first byte of the content to the server's answer nobody knows, so a connection that ends there makes the mail
``unknown``. An answer is an answer: 250 is sent, 4xx later again, 5xx refused for good.

Each phase is cut off when its seconds are over, also where the server says something now and then; together they are
shorter than the lease. Where TLS is spoken the server's certificate and name are verified; nothing goes in the clear
once TLS was offered, and no password does except on this machine itself.
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

from tasks.mail.connections import LOOPBACK, cut_off, trusting
from tasks.mail.message import Envelope, read_sender
from tenant.settings import Settings

GREETING, OK, START_CONTENT, CLOSING, PERMANENT = 220, 250, 354, 421, 500
TAKEN = frozenset({250, 251, 252})
REFUSALS = range(400, 600)
REPLY_SECONDS = 10
"""How long the server may be silent."""
BEFORE_CONTENT_SECONDS = 25
"""After so long the content is not begun any more: the lease must outlast what is left."""
CONTENT_SECONDS = 30
"""How long asking for the content, sending it and waiting for the verdict may take together."""
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

    ``lease`` is longer than any sending takes; ``repeatable`` tells that sending twice is the same as sending once;
    ``paced`` that what goes to one domain is held to so many a minute.
    """

    lease: timedelta
    repeatable: bool
    paced: bool

    def send(self, envelope: Envelope) -> None:
        """Send one mail; returns when it was taken. Raises one of the four exceptions above."""

    def close(self) -> None:
        """Let go of the connection."""


def transport_for(settings: Settings) -> Transport:
    """Return the transport the settings ask for: SMTP where there is an address, else the built-in mailbox.

    Nothing is connected yet. Raises SettingsError for a sender without an address and a file without certificates.
    """
    if settings.smtp_url is None:
        return MailboxTransport(settings.home / "mailbox")
    hello = read_sender(settings.mail_from).domain
    return SmtpTransport(settings.smtp_url, hello=hello, ca_file=settings.smtp_ca_file)


class MailboxTransport:
    """Collects mails as files in a folder; nothing leaves the machine. A repeat overwrites its own file."""

    lease = timedelta(seconds=10)
    repeatable = True
    paced = False

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


class _Answered(Exception):
    """What the server said instead of what was hoped for."""

    def __init__(self, code: int, text: bytes) -> None:
        super().__init__(f"{code} {text.decode('utf-8', 'replace')}"[:300])
        self.code = code


class _Connection(smtplib.SMTP):
    """A connection that exists before it is made, so that it can be cut off while it is."""

    def __init__(self, host: str, wait: float, name: str) -> None:
        super().__init__(timeout=wait, local_hostname=name)
        self._host = host  # the name that STARTTLS verifies


class _WrappedConnection(smtplib.SMTP_SSL):
    """The same with TLS from the first byte on."""

    def __init__(self, host: str, wait: float, name: str, context: ssl.SSLContext) -> None:
        super().__init__(timeout=wait, local_hostname=name, context=context)
        self._host = host


class SmtpTransport:
    """Sends over one SMTP connection, kept from mail to mail."""

    lease = timedelta(seconds=60)
    repeatable = False
    paced = True

    def __init__(
        self, url: str, *, hello: str, reply_seconds: float = REPLY_SECONDS, ca_file: Path | None = None
    ) -> None:
        """Read ``smtp://`` or ``smtps://user:password@host:port``; nothing is connected yet.

        ``hello`` is the name we greet with; ``reply_seconds`` bounds each wait for the server; ``ca_file`` holds
        certificates that are trusted besides the system's. Raises SettingsError where it holds none.
        """
        parts = urlsplit(url)
        self._is_wrapped = parts.scheme == "smtps"
        self._host = parts.hostname or "localhost"
        self._port = parts.port or (465 if self._is_wrapped else 25)
        self._login = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        self._hello = hello
        self._reply_seconds = reply_seconds
        self._context = trusting(ca_file)
        self._connection: smtplib.SMTP | None = None
        self._sent = 0

    def send(self, envelope: Envelope) -> None:
        """Send one mail, connecting where needed. Raises one of the module's exceptions."""
        started = time.monotonic()
        try:
            self._begin(envelope, started)
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            raise Deferred(f"发送正文前连接中断：{_describe(error)}") from error
        self._hand_over(envelope)

    def close(self) -> None:
        """Take leave of the server; a connection that is broken already is only dropped."""
        connection, self._connection, self._sent = self._connection, None, 0
        if connection is not None:
            try:
                with cut_off(connection, self._reply_seconds):
                    connection.quit()
            except (OSError, smtplib.SMTPException):
                connection.close()

    def _begin(self, envelope: Envelope, started: float) -> None:
        """Name both ends; a kept connection that the server has had enough of is made anew, once."""
        was_kept = self._connection is not None
        connection = self._ready()
        try:
            with cut_off(connection, BEFORE_CONTENT_SECONDS):
                self._introduce(connection, envelope)
        except _Answered as answer:
            self._forget(connection, answer)
            if answer.code == CLOSING and was_kept:
                return self._begin(envelope, started)
            raise _refused(answer) from answer
        except TransportDown:
            self.close()
            raise
        if time.monotonic() - started > BEFORE_CONTENT_SECONDS:
            self.close()
            raise Deferred("邮件服务器响应过慢")
        return None

    def _ready(self) -> smtplib.SMTP:
        """Return a connection that has just answered, a new one where the old has ended."""
        if self._sent >= A_CONNECTION:
            self.close()
        if self._connection is not None:
            try:
                with cut_off(self._connection, self._reply_seconds):
                    if self._connection.rset()[0] == OK:
                        return self._connection
            except (OSError, smtplib.SMTPException):
                pass
            self.close()
        try:
            self._connection = self._connect()
        except (OSError, smtplib.SMTPException) as error:
            raise TransportDown(self._why_unusable(error)) from error
        return self._connection

    def _connect(self) -> smtplib.SMTP:
        wait, name = self._reply_seconds, self._hello
        connection: smtplib.SMTP = (
            _WrappedConnection(self._host, wait, name, self._context)
            if self._is_wrapped
            else _Connection(self._host, wait, name)
        )
        try:
            with cut_off(connection, BEFORE_CONTENT_SECONDS):
                self._greet(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _greet(self, connection: smtplib.SMTP) -> None:
        """Knock, say hello, go over to TLS where the server offers it, and log in where there is a login."""
        code, text = connection.connect(self._host, self._port)
        if code != GREETING:
            raise smtplib.SMTPConnectError(code, text)
        connection.ehlo_or_helo_if_needed()
        is_private = self._is_wrapped or self._host in LOOPBACK
        if not self._is_wrapped and connection.has_extn("starttls"):
            connection.starttls(context=self._context)
            connection.ehlo()
            is_private = True
        if self._login is None:
            return
        if not is_private:
            raise smtplib.SMTPException("服务器不支持加密，不会在明文连接上发送口令")
        connection.login(*self._login)

    def _why_unusable(self, error: Exception) -> str:
        """Return what keeps us from the server, and what to do about it."""
        what = f"邮件服务器 {self._host}:{self._port} "
        if isinstance(error, ssl.SSLCertVerificationError):
            return (
                f"{what}的证书未通过校验（{error.verify_message}）。"
                "请核对 WUGUAN_SMTP_URL 中的主机名，确认证书没有过期；"
                "证书由内部机构签发的，请用 WUGUAN_SMTP_CA_FILE 指明该机构的证书。"
            )
        if isinstance(error, ssl.SSLError):
            return (
                f"{what}无法建立加密连接（{_describe(error)}）。"
                "请核对 WUGUAN_SMTP_URL 的协议和端口：smtps:// 一般用 465，smtp:// 一般用 587 或 25。"
            )
        if isinstance(error, smtplib.SMTPAuthenticationError):
            return (
                f"{what}拒绝登录（{_describe(error)}）。请核对 WUGUAN_SMTP_URL 中的用户名和口令；"
                "有的服务商要求使用另行生成的授权码。"
            )
        return f"{what}无法使用：{_describe(error)}。请检查 WUGUAN_SMTP_URL 和网络。"

    def _introduce(self, connection: smtplib.SMTP, envelope: Envelope) -> None:
        """Name both ends to the server.

        A server that refuses the sender refuses us, not this mail: it is out of use until somebody mends the settings.
        """
        try:
            _expect(connection.mail(envelope.sender), {OK})
        except _Answered as answer:
            if answer.code >= PERMANENT:
                raise TransportDown(f"邮件服务器不接受发件人 {envelope.sender}：{answer}") from answer
            raise
        _expect(connection.rcpt(envelope.recipient), TAKEN)

    def _hand_over(self, envelope: Envelope) -> None:
        """Ask for the word, send the content and read the verdict: from its first byte on no answer means unknown."""
        connection, has_begun = self._connection, False
        if connection is None:
            raise Deferred("发送正文前连接中断")
        content = re.sub(rb"(?m)^\.", b"..", envelope.content)
        if not content.endswith(b"\r\n"):
            content += b"\r\n"
        try:
            with cut_off(connection, CONTENT_SECONDS):
                _expect(connection.docmd("DATA"), {START_CONTENT})
                has_begun = True
                connection.send(content + b".\r\n")
                _expect(connection.getreply(), {OK})
        except _Answered as answer:
            if has_begun and answer.code not in REFUSALS:  # half a line before the end, or no SMTP at all
                self.close()
                raise Uncertain(f"服务器对正文的答复无法辨认：{answer}") from answer
            self._forget(connection, answer)
            raise _refused(answer) from answer
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            if has_begun:
                raise Uncertain(f"发送正文时连接中断：{_describe(error)}") from error
            raise Deferred(f"发送正文前连接中断：{_describe(error)}") from error
        self._sent += 1

    def _forget(self, connection: smtplib.SMTP, answer: _Answered) -> None:
        """Leave the refused mail behind, so that the next one begins afresh; a server that closes is left at once."""
        if answer.code == CLOSING:
            self.close()
            return
        try:
            with cut_off(connection, self._reply_seconds):
                connection.rset()
        except (OSError, smtplib.SMTPException):
            self.close()


def _expect(reply: tuple[int, bytes], wanted: set[int] | frozenset[int]) -> None:
    """Raise _Answered unless the server answered as wanted."""
    code, text = reply
    if code not in wanted:
        raise _Answered(code, text)


def _refused(answer: _Answered) -> Deferred | Rejected:
    """Return what an answer means for the mail."""
    return Rejected(str(answer)) if answer.code >= PERMANENT else Deferred(str(answer))


def _describe(error: Exception) -> str:
    """Return an error in one line, without what was sent."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {error.smtp_error!r}"[:300]
    return (str(error) or type(error).__name__)[:300]
