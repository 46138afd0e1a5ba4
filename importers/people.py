"""Who stands in a cell: names with shares, phones with labels, numbers of identity documents.

Several people share one cell in real rosters, separated by 、 ， / ; or blanks. Each reader returns what it understood,
or a `Mistake` with a code; placeholders (18999999999, 111111…) are recognised as such, so that they are never a key.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from fractions import Fraction
from operator import mul

from importers.cells import compact, is_absent, plain

MOST_PEOPLE = 30
_LONGEST_NAME = 100
_LONGEST_PHONE = 40
_SHORTEST_RUN = 9

_SEPARATORS = "、，,;；/\n|&＆"
_OPENING, _CLOSING = "（([【", "）)]】"
_HAN = r"[\u3400-\u9fff\U00020000-\U000323af·•]"
_ROLE = r"(?:业主|户主|产权人|共有人|共同共有人|权利人|本人|配偶|丈夫|妻子|姓名)"
_SHARE = re.compile(
    r"[（(]?\s*(?:占|份额)?\s*(?:([0-9]{1,3}(?:\.[0-9]{1,4})?)\s*%|([0-9]{1,3})/([0-9]{1,3}))\s*[)）]?$"
)
_SIMPLE_NAME = re.compile(r"[\u3400-\u9fff]{2,4}")
_NOBODY = frozenset({"未售", "待售", "空置", "空房", "未交房"})
_ORGANISATION = re.compile(
    r"公司|集团|银行|合作社|委员会|管理局|中心$|协会|学校|医院|大学|幼儿园|事务所|工作室|商行|经营部|有限|厂$|政府|居委会|办事处"
)

_PHONE = re.compile(
    r"(?<![0-9])(?:(?:\+|00)?86[- ]?)?"
    r"(?:(?P<mobile>1[3-9][0-9][ .-]?[0-9]{4}[ .-]?[0-9]{4})"
    r"|(?P<service>[48]00[ -]?[0-9]{3}[ -]?[0-9]{4})"
    r"|(?:\(?(?P<area>0[0-9]{2,3})\)?[ -]?)?(?P<local>[1-9][0-9]{2,3}[ -]?[0-9]{4})"
    r"(?:\s*(?:转|分机|-|ext\.?|#)\s*(?P<extension>[0-9]{1,6}))?)(?![0-9])",
    re.IGNORECASE,
)
_SIMPLE_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_PLACEHOLDERS = frozenset({"12345678901", "12345678900", "13800138000", "13888888888"})

_SIMPLE_ID = re.compile(r"[0-9]{17}[0-9X]")
_TOKEN = re.compile(r"[0-9A-Za-z]{4,40}")
_GROUPED = re.compile(r"(?<![0-9A-Za-z])[0-9]{3,14}(?: +[0-9]{2,14}){0,4} +[0-9]{2,14}[0-9Xx](?![0-9A-Za-z])")
_DOCUMENT_WORDS = re.compile(r"居民身份证|身份证|证件|护照|统一社会信用代码|号码|号|[\s:：()（）.\-]+")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_CREDIT_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)


@dataclass(frozen=True, slots=True)
class Mistake:
    """Why a text was not understood; `code` names the sentence."""

    code: str
    part: str = ""


@dataclass(frozen=True, slots=True)
class Name:
    """One owner as named in a cell; `share` is a fraction of one, None where the cell gives none."""

    name: str
    is_organisation: bool = False
    share: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Labelled:
    """A number and what was written beside it (本人, 配偶, a name); the label is empty where nothing was."""

    number: str
    label: str = ""
    is_placeholder: bool = False


def divided(text: str) -> list[str]:
    """Return the parts of a cell between separators; what stands in brackets stays together."""
    parts, depth, current = [], 0, ""
    for sign in text:
        depth += (sign in _OPENING) - (sign in _CLOSING and depth > 0)
        if sign in _SEPARATORS and depth == 0:
            parts.append(current)
            current = ""
        else:
            current += sign
    parts.append(current)
    return [part.strip() for part in parts if part.strip()]


def read_names(text: str) -> tuple[Name, ...] | Mistake:
    """Return the owners named in a cell, in its order; an empty tuple when it says there is none."""
    if _SIMPLE_NAME.fullmatch(text) and text not in _NOBODY and not is_absent(text):
        return (Name(text, is_organisation=bool(_ORGANISATION.search(text))),)
    parts = [piece for part in divided(plain(text)) for piece in _between_blanks(part)]
    if len(parts) > MOST_PEOPLE:
        return Mistake("too_many_people")
    names: list[Name] = []
    for part in parts:
        if is_absent(part) or part in _NOBODY:
            continue
        name = _one_name(part)
        if isinstance(name, Mistake):
            return name
        if name.name not in {known.name for known in names}:
            names.append(name)
    if sum(name.share or 0 for name in names) > 1:
        return Mistake("shares_exceed_one", text)
    return tuple(names)


def _between_blanks(part: str) -> list[str]:
    """Split `张三 李四` but not `张 三` and not `Anna Berg`: only where each piece is a Chinese name by itself."""
    pieces = part.split()
    if len(pieces) > 1 and all(re.fullmatch(rf"{_HAN}{{1,4}}(?:[（(].*[)）])?", piece) for piece in pieces):
        return pieces if all(len(piece) > 1 for piece in pieces) else ["".join(pieces)]
    return [" ".join(pieces)]


def _one_name(part: str) -> Name | Mistake:
    part = re.sub(rf"^{_ROLE}\s*[0-9]?\s*[:：]\s*", "", part)
    share: Fraction | None = None
    if match := _SHARE.search(part):
        share = _fraction(match)
        if share is None:
            return Mistake("share_unreadable", part)
        part = part[: match.start()].strip()
    if re.search(r"[0-9]{5,}", part):
        return Mistake("name_has_number", part)
    if not part or not any(sign.isalpha() for sign in part):
        return Mistake("name_unreadable", part)
    if len(part) > _LONGEST_NAME:
        return Mistake("too_long", part)
    return Name(part, is_organisation=bool(_ORGANISATION.search(part)), share=share)


def _fraction(match: re.Match[str]) -> Fraction | None:
    if match[1]:
        share = Fraction(match[1]) / 100
    else:
        share = Fraction(int(match[2]), int(match[3])) if int(match[3]) else Fraction(0)
    return share if 0 < share <= 1 else None


def read_phones(text: str) -> tuple[Labelled, ...] | Mistake:
    """Return the phones of a cell with their labels; a landline as `0755-26543210`, its extension as `-801` behind."""
    if _SIMPLE_MOBILE.fullmatch(text):
        return (Labelled(text, is_placeholder=_is_placeholder(text)),)
    phones: list[Labelled] = []
    for part in divided(plain(text)):
        found = list(_PHONE.finditer(part))
        if re.search(r"[0-9]{4,}", _PHONE.sub(" ", part)):
            whole = re.sub(r"[^0-9]", "", part)
            if found or not _is_placeholder(whole):
                return Mistake("phone_unreadable", part)
            phones.append(Labelled(whole[:_LONGEST_PHONE], is_placeholder=True))
            continue
        phones.extend(map(_phone, found, _labels(part, found)))
    if len(phones) > MOST_PEOPLE:
        return Mistake("too_many_people")
    if not phones and not is_absent(text):
        return Mistake("phone_unreadable", text)
    return tuple(dict.fromkeys(phones))


def _labels(part: str, found: list[re.Match[str]]) -> list[str]:
    """Return the label of each number: what stands before it, or in brackets (or at the end) behind it."""
    labels = ["" for _ in found]
    before = part[: found[0].start()] if found else ""
    for place, match in enumerate(found):
        end = found[place + 1].start() if place + 1 < len(found) else len(part)
        gap = part[match.end() : end]
        behind = re.match(r"\s*[（(]([^）)]*)[)）]?", gap)
        rest = gap[behind.end() :] if behind else gap
        last = rest if place + 1 == len(found) else ""
        label = next((text for text in map(_bare, (before, behind[1] if behind else "", last)) if text), "")
        labels[place] = label
        before = rest
    return labels


def _bare(text: str) -> str:
    """Return a label without its punctuation and without the words that only say what kind of number follows."""
    return re.sub(r"电话|手机|联系方式|座机|固话|号码|[\s:：()（）.,\-+]+", "", text)[:_LONGEST_NAME]


def _phone(match: re.Match[str], label: str) -> Labelled:
    digits = re.sub(r"[^0-9]", "", match["mobile"] or match["service"] or match["local"])
    placeholder = _is_placeholder(digits)
    if match["area"]:
        digits = f"{match['area']}-{digits}"
    if match["extension"]:
        digits = f"{digits}-{match['extension']}"
    return Labelled(digits[:_LONGEST_PHONE], label, is_placeholder=placeholder)


def _is_placeholder(digits: str) -> bool:
    """Tell a number nobody has: all digits alike, or a tail of nine alike (18999999999)."""
    tail = digits[-_SHORTEST_RUN:] if len(digits) > _SHORTEST_RUN else digits
    return digits in _PLACEHOLDERS or (len(tail) >= 6 and len(set(tail)) == 1)  # noqa: PLR2004


def read_documents(text: str) -> tuple[Labelled, ...] | Mistake:
    """Return the document numbers of a cell with the names beside them; fifteen-digit IDs become eighteen.

    An 18-digit ID must have a real birthday and the right check digit; passports, permits and credit codes are kept.
    """
    if _SIMPLE_ID.fullmatch(text) and isinstance(simple := _document(text), str):
        return (Labelled(simple),)
    documents: list[Labelled] = []
    for part in map(_ungrouped, divided(plain(text))):
        found = [match for match in _TOKEN.finditer(part) if re.search(r"[0-9]{4}", match[0])]
        if "字第" in part:
            documents.append(Labelled(compact(part)[:_LONGEST_PHONE]))
            continue
        for match, label in zip(found, _labels(part, found), strict=True):
            token = match[0].upper()
            number = _document(token)
            if isinstance(number, Mistake):
                return number
            beside = _DOCUMENT_WORDS.sub("", label)
            documents.append(Labelled(number or token, beside, is_placeholder=number is None))
        if not found and not is_absent(part):
            return Mistake("id_unreadable", part)
    if len(documents) > MOST_PEOPLE:
        return Mistake("too_many_people")
    return tuple(dict.fromkeys(documents))


def _ungrouped(part: str) -> str:
    """Take the blanks out of one ID written in groups (6 8 4); two whole numbers side by side stay two."""
    match = _GROUPED.search(part)
    joined = match[0].replace(" ", "") if match else ""
    return part.replace(match[0], joined) if match and len(joined) in {15, 18} else part


def _document(token: str) -> str | Mistake | None:
    """Return a number as it is kept, None for a placeholder."""
    body = token.removesuffix("X")
    if len(set(body)) == 1 or token in {"123456789012345678", "123456789012345"}:
        return None
    if re.fullmatch(r"[0-9]{15}", token):
        return _eighteen(token) if _birthday("19" + token[6:12]) else Mistake("id_birthday", token)
    if re.fullmatch(r"[0-9]{17}[0-9X]", token):
        born = _birthday(token[6:14])
        if (born and check_digit(token[:17]) == token[17]) or is_credit_code(token):
            return token
        return Mistake("id_checksum" if born else "id_birthday", token)
    if re.fullmatch(r"[0-9]{1,6}|[0-9]{10,}X?", token):
        return Mistake("id_length", token)
    return token if re.fullmatch(r"[0-9A-Z]{5,20}", token) else Mistake("id_unreadable", token)


def check_digit(first_seventeen: str) -> str:
    """Return the check digit of an ID's first seventeen digits (GB 11643)."""
    return _CHECKS[sum(map(mul, _WEIGHTS, map(int, first_seventeen))) % 11]


def is_credit_code(text: str) -> bool:
    """Tell whether a text is an organisation's 18-sign credit code with the right check sign (GB 32100)."""
    if len(text) != 18 or any(sign not in _CREDIT_SIGNS for sign in text):  # noqa: PLR2004
        return False
    total = sum(weight * _CREDIT_SIGNS.index(sign) for weight, sign in zip(_CREDIT_WEIGHTS, text[:17], strict=True))
    return text[0] in "1569ANY" and _CREDIT_SIGNS[(31 - total % 31) % 31] == text[17]


def _eighteen(fifteen: str) -> str:
    longer = fifteen[:6] + "19" + fifteen[6:]
    return longer + check_digit(longer)


def _birthday(digits: str) -> bool:
    try:
        day = dt.date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return False
    return day.year >= 1880  # noqa: PLR2004
