"""The mailbox that returned mail comes to, read over IMAP: what is new, and what has been dealt with."""

import imaplib
import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import unquote, urlsplit

from tasks.mail.connections import LOOPBACK, cut_off, trusting
from tenant.errors import SettingsError

WAIT_SECONDS: Final = 10
COMMAND_SECONDS: Final = 30
"""How long one command may take, however the server spreads its answer."""
LARGEST: Final = 1024 * 1024
"""So much of a message is read: what matters stands at its beginning."""
RECEIVED: Final = re.compile(rb'INTERNALDATE "([^"]+)"')

Answer = TypeVar("Answer")


class InboxDown(Exception):
    """The mailbox cannot be read; its text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as it lies in the mailbox; ``received_at`` None where the server does not say."""

    uid: str
    content: bytes
    received_at: datetime | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where the mailbox is, and who opens it."""

    host: str
    port: int
    is_wrapped: bool
    user: str
    password: str = field(repr=False)
    folder: str = "INBOX"


def read_place(url: str) -> Place:
    """Read ``imaps://user:password@host:port/mailbox``. Raises SettingsError for an address that cannot be meant."""
    parts = urlsplit(url)
    host, is_wrapped = parts.hostname or "localhost", parts.scheme == "imaps"
    if not is_wrapped and host not in LOOPBACK:
        raise _bad_setting("明文的 imap:// 只能用于本机。请改用 imaps:// 地址。", host)
    user, password, folder = (unquote(name or "") for name in (parts.username, parts.password, parts.path.lstrip("/")))
    if not all(name.isascii() and name.isprintable() for name in (user, password, folder)):
        raise _bad_setting("其中的用户名、口令和文件夹只能用英文字母、数字和符号。", host)
    return Place(host, parts.port or (993 if is_wrapped else 143), is_wrapped, user, password, folder or "INBOX")


class Inbox:
    """A mailbox on an IMAP server, open until it is closed."""

    def __init__(self, url: str, *, ca_file: Path | None = None, wait_seconds: float = WAIT_SECONDS) -> None:
        """Open ``imaps://user:password@host:port/mailbox``; INBOX where no mailbox is named.

        Raises SettingsError for an address that cannot be meant, InboxDown where the server does not let us in.
        """
        where = read_place(url)
        self._host, self._port = where.host, where.port
        context = trusting(ca_file) if where.is_wrapped else None
        self._connection = self._asked(lambda: self._connect(context, wait_seconds))
        try:
            self._ask(lambda: self._connection.login(_quoted(where.user), where.password))
            self._ask(lambda: self._connection.select(_quoted(where.folder)))
        except BaseException:
            self.close()
            raise

    def unseen(self, most: int) -> Iterator[Letter]:
        """Yield up to ``most`` messages nobody has dealt with, the newest first. Raises InboxDown."""
        found = self._ask(lambda: self._connection.uid("SEARCH", "UNSEEN"))
        uids = (found[0] or b"").decode("ascii", "replace").split()
        for uid in sorted(uids, key=int, reverse=True)[:most]:
            letter = self._fetch(uid)
            if letter is not None:
                yield letter

    def done(self, letter: Letter) -> None:
        """Mark a message as dealt with. Raises InboxDown."""
        self._ask(lambda: self._connection.uid("STORE", letter.uid, "+FLAGS.SILENT", r"(\Seen)"))

    def close(self) -> None:
        """Take leave; a connection that is broken already is only dropped."""
        with suppress(OSError, imaplib.IMAP4.error), cut_off(self._connection, WAIT_SECONDS):
            self._connection.logout()

    def _fetch(self, uid: str) -> Letter | None:
        """Return a message without marking it; None where somebody else has removed it meanwhile."""
        answer = self._ask(lambda: self._connection.uid("FETCH", uid, f"(INTERNALDATE BODY.PEEK[]<0.{LARGEST}>)"))
        piece = next((piece for piece in answer if isinstance(piece, tuple)), None)
        return None if piece is None else Letter(uid, piece[1], _received(piece[0]))

    def _connect(self, context: ssl.SSLContext | None, wait: float) -> imaplib.IMAP4:
        if context is None:
            return imaplib.IMAP4(self._host, self._port, timeout=wait)
        return imaplib.IMAP4_SSL(self._host, self._port, ssl_context=context, timeout=wait)

    def _ask(self, command: Callable[[], tuple[str, list[Any]]]) -> list[Any]:
        """Give a command and return what the server answers. Raises InboxDown where it says no, or nothing."""
        with cut_off(self._connection, COMMAND_SECONDS):
            verdict, answer = self._asked(command)
        if verdict != "OK":
            said = answer[0].decode("utf-8", "replace") if answer and isinstance(answer[0], bytes) else verdict
            raise InboxDown(f"{self._place} 拒绝了请求：{said[:200]}。请核对 WUGUAN_BOUNCE_IMAP_URL 中的文件夹和权限。")
        return answer

    def _asked(self, command: Callable[[], Answer]) -> Answer:
        try:
            return command()
        except ssl.SSLCertVerificationError as error:
            raise InboxDown(
                f"{self._place} 的证书未通过校验（{error.verify_message}）。请核对 WUGUAN_BOUNCE_IMAP_URL 中的主机名，"
                "确认证书没有过期；证书由内部机构签发的，请用 WUGUAN_SMTP_CA_FILE 指明该机构的证书。"
            ) from error
        except (OSError, imaplib.IMAP4.error, EOFError, ValueError) as error:
            said = str(error)[:200] or type(error).__name__
            raise InboxDown(f"{self._place} 无法读取：{said}。请核对 WUGUAN_BOUNCE_IMAP_URL 和网络。") from error

    @property
    def _place(self) -> str:
        return f"退信邮箱 {self._host}:{self._port}"


def _bad_setting(sentence: str, host: str) -> SettingsError:
    return SettingsError(
        code="bad_inbox",
        message=f"环境变量 WUGUAN_BOUNCE_IMAP_URL 的地址（主机 {host}）不能使用：{sentence}",
        field="WUGUAN_BOUNCE_IMAP_URL",
        value=host,
    )


def _quoted(name: str) -> str:
    """Return a name as IMAP takes it, whatever signs are in it."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _received(head: bytes) -> datetime | None:
    """Return when a message came, from what the server says before it."""
    found = RECEIVED.search(head)
    try:
        return parsedate_to_datetime(found.group(1).decode("ascii").strip()).astimezone(UTC) if found else None
    except (ValueError, TypeError, OverflowError):
        return None
