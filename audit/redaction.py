"""How personal values look in the record and on the screen: enough to recognise, not enough to use (B-O5)."""

SHORT_PHONE, PHONE_HEAD, PHONE_TAIL = 7, 3, 4
ID_HEAD, ID_TAIL, SHORT_ID = 3, 4, 10


def mask_name(name: str) -> str:
    """Return the first character and stars for the rest: 张*, 欧**."""
    return name[:1] + "*" * max(len(name) - 1, 1) if name else ""


def mask_phone(phone: str) -> str:
    """Return a number with its middle starred: 138****1234; a short one keeps its last two digits."""
    if len(phone) <= SHORT_PHONE:
        return "*" * max(len(phone) - 2, 1) + phone[-2:] if phone else ""
    return phone[:PHONE_HEAD] + "****" + phone[-PHONE_TAIL:]


def mask_id_number(number: str) -> str:
    """Return an identity number with head and tail only: 110***********1234."""
    if len(number) <= SHORT_ID:
        return number[:1] + "*" * max(len(number) - 1, 1) if number else ""
    return number[:ID_HEAD] + "*" * (len(number) - ID_HEAD - ID_TAIL) + number[-ID_TAIL:]


def mask_address(address: str) -> str:
    """Return a mail or postal address with its head only."""
    local, at, domain = address.partition("@")
    if at:
        return f"{local[:1]}***@{domain}"
    return address[:6] + "***" if address else ""


def mask(column: str, value: str) -> str:
    """Return ``value`` of the personal column ``column`` masked in the way its name calls for."""
    if "phone" in column:
        return mask_phone(value)
    if "id_number" in column:
        return mask_id_number(value)
    if "email" in column or "address" in column:
        return mask_address(value)
    return mask_name(value)
