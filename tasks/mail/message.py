"""The message that goes over the wire: headers encoded, plain text always, one Message-ID for ever."""

from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from tenant.errors import SettingsError
from tenant.models import Mail
from tenant.rules.addresses import wire_address


class BadAddress(ValueError):
    """An address no server will take: no ``@``, a space, a line break, letters outside ASCII before the ``@``."""


class Bodiless(ValueError):
    """A mail whose body was cleared: there is nothing to send."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message with the two addresses it travels under."""

    sender: str
    recipient: str
    message_id: str
    content: bytes


def read_sender(text: str) -> Address:
    """Read ``名称 <address>``. Raises SettingsError when there is no address in it."""
    name, written = parseaddr(text)
    address = wire_address(written)
    if address is None:
        raise SettingsError(
            code="bad_sender",
            message=f"环境变量 WUGUAN_MAIL_FROM 的值「{text}」中没有可用的邮箱。请写成 名称 <邮箱> 的格式。",
            field="WUGUAN_MAIL_FROM",
            value=text,
        )
    return Address(display_name=name, addr_spec=address)


def build(mail: Mail, sender: Address, at: datetime) -> Envelope:
    """Return the message of a row, dated ``at``.

    Raises BadAddress when the recipient's address is none, Bodiless when the body is no longer kept.
    """
    recipient = wire_address(mail.recipient_address)
    if recipient is None:
        raise BadAddress(mail.recipient_address)
    if mail.text_body is None:
        raise Bodiless
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = Address(display_name=in_header(mail.recipient_name), addr_spec=recipient)
    message["Subject"] = in_header(mail.subject)
    message["Date"] = format_datetime(at)
    message["Message-ID"] = mail.message_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text_body, cte="base64")
    if mail.html_body is not None:
        message.add_alternative(mail.html_body, subtype="html", cte="base64")
    return Envelope(
        sender=sender.addr_spec,
        recipient=recipient,
        message_id=mail.message_id,
        content=message.as_bytes(),
    )


def in_header(text: str) -> str:
    """Return ``text`` as a header may hold it: in one line, and nothing in it that a reader would take for encoded."""
    return one_line(text).replace("=?", "= ?")


def one_line(text: str) -> str:
    """Return ``text`` without line breaks and control characters, which would begin a header of their own."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
