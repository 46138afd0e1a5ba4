"""How personal values look in the record and on the screen: enough to recognise, not enough to use (B-O5)."""

from collections.abc import Callable

SHORT_PHONE, PHONE_HEAD, PHONE_TAIL, SHORT_TAIL = 10, 3, 4, 2
ID_HEAD, ID_TAIL, SHORT_ID = 3, 4, 10
ADDRESS_HEAD = 6


def mask_name(name: str) -> str:
    """Return the first character and stars for the rest: 张*, 欧**; of a single character nothing."""
    return name[: len(name) - 1][:1] + "*" * max(len(name) - 1, 1) if name else ""


def mask_phone(phone: str) -> str:
    """Return a number with its middle starred: 138****1234; a short one keeps its last two digits."""
    if len(phone) <= SHORT_PHONE:
        tail = SHORT_TAIL if len(phone) > 2 * SHORT_TAIL else 0
        return "*" * (len(phone) - tail) + phone[len(phone) - tail :]
    return phone[:PHONE_HEAD] + "****" + phone[-PHONE_TAIL:]


def mask_id_number(number: str) -> str:
    """Return an identity number with head and tail only: 110***********1234."""
    if len(number) <= SHORT_ID:
        return mask_name(number)
    return number[:ID_HEAD] + "*" * (len(number) - ID_HEAD - ID_TAIL) + number[-ID_TAIL:]


def mask_address(address: str) -> str:
    """Return a mail or postal address with its head only."""
    local, _, domain = address.partition("@")
    if local and domain:
        return f"{local[:1]}***@{domain}"
    return address[: min(ADDRESS_HEAD, len(address) // 2)] + "***" if address else ""


def masker(column: str) -> Callable[[str], str]:
    """Return how the values of the personal column ``column`` are masked: in the way its name calls for."""
    if "phone" in column:
        return mask_phone
    if "id_number" in column:
        return mask_id_number
    if "email" in column or "address" in column:
        return mask_address
    return mask_name


def mask(column: str, value: str) -> str:
    """Return ``value`` of the personal column ``column`` masked in the way its name calls for."""
    return masker(column)(value)
