"""Mail addresses as a mail server takes them: what cannot be one is known before anything is sent."""

import re
from typing import Final

LONGEST: Final = 254
_LONGEST_DOMAIN: Final = 253
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


def wire_address(address: str) -> str | None:
    """Return the address as it travels, its domain in ASCII (例子.中国 is ``xn--fsqu00a.xn--fiqs8s``); None for none.

    None too for what few servers take: letters outside ASCII before the ``@``, quotes, an address in brackets.
    """
    local, at_sign, domain = address.rpartition("@")
    ascii_domain = _in_ascii(domain)
    if not at_sign or ascii_domain is None or len(local) > 64 or not _LOCAL.fullmatch(local):  # noqa: PLR2004 - RFC 5321
        return None
    travels = f"{local}@{ascii_domain}"
    return travels if len(travels) <= LONGEST else None


def domain_of(address: str) -> str:
    """Return the domain by which mail is paced, in small ASCII letters; empty where the address is none."""
    travels = wire_address(address)
    return travels.rpartition("@")[2].lower() if travels else ""


def shortened(address: str) -> str:
    """Return the address as a row can hold it; one that is too long ends with a sign that no address has."""
    return address if len(address) <= LONGEST else f"{address[: LONGEST - 1]}…"


def _in_ascii(domain: str) -> str | None:
    try:
        spelled = domain if domain.isascii() else domain.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    labels = spelled.split(".")
    is_one = len(spelled) <= _LONGEST_DOMAIN and all(_LABEL.fullmatch(label) for label in labels)
    return spelled if is_one else None
