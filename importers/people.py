"""Who stands in a cell: names with shares, phones with labels, numbers of identity documents.

Several people share one cell in real rosters, separated by 、 ， / ; or blanks. Each reader returns what it understood,
or a `Mistake` with a code; placeholders (18999999999, 111111…) are recognised as such, so that they are never a key.
What stands whole in 「」 is taken as it is written: so the product writes what it could not read back otherwise.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from operator import mul
from typing import NamedTuple

from importers.cells import compact, is_absent, plain

MOST_PEOPLE = 30
_LONGEST_NAME = 100
_LONGEST_PHONE = 40
_LONGEST_NUMBER = 64
_SHORTEST_RUN = 9

_SEPARATORS = "、，,;；/\n|&＆"
_OPENING, _CLOSING = "（([【", "）)]】"
_HAN = r"[\u3400-\u9fff\U00020000-\U000323af·•]"
_ROLE = r"(?:业主|户主|产权人|共有人|共同共有人|权利人|本人|配偶|丈夫|妻子|姓名)"
_PART = r"(?:占|份额|占比)?\s*(?:([0-9]{1,3}(?:\.[0-9]{1,4})?)\s*%|([0-9]{1,3})[/\u2044]([0-9]{1,3}))"
_SHARE = re.compile(rf"\s*[:：]?\s*[（(]?\s*{_PART}\s*[)）]?$")
_DECIMAL_SHARE = re.compile(r"\s+(0\.[0-9]{1,6})$")
_FRACTION = re.compile(r"(?<![0-9])([0-9]{1,3})/([0-9]{1,3})(?![0-9])")
_BESIDE = r"(?:夫妻|丈夫|妻子|夫|妻|配偶|本人|业主|户主|产权人|共有人?|共同共有|按份共有|男|女)"
_BRACKETED_ROLE = re.compile(rf"[（(]{_BESIDE}[)）]")
_NEXT_OWNER = re.compile(rf"([（(](?:{_BESIDE}|{_PART})\s*[)）])\s*(?={_HAN})")
_NAMED_SPOUSE = re.compile(rf"[（(](?:配偶|共有人|妻子?|丈夫|夫)\s*[:：]?\s*({_HAN}{{2,4}})[)）]")
_NEXT_ROLE = re.compile(rf"\s+(?={_ROLE}\s*[0-9]?\s*[:：])")
_AND = re.compile(rf"({_HAN}{{2,3}})[和与及]({_HAN}{{2,3}})")
_NO_NAMES = frozenset({"同上", "业主", "户主", "产权人", "本人", "姓名", "配偶"})
_AND_OTHERS = re.compile(r".*等[0-9一二三四五六七八九十]*[人户]")
_FULL_BRACKETS = {ord("("): "（", ord(")"): "）"}
SIMPLE_NAME = re.compile(r"(?![\u3400-\u9fff]+等[人户]$)[\u3400-\u9fff]{2,4}")
_NOBODY = frozenset({"未售", "待售", "空置", "空房", "空关", "未交房", "待定", "无业主", "暂无业主"})
NO_SIMPLE_NAMES = _NOBODY | _NO_NAMES
_EXAMPLE = re.compile(r"[(（【\[]?(?:示例|样例|范例|填写示例|例[:：])")
ORGANISATION = re.compile(
    r"公司|集团|银行|合作社|委员会|管理局|中心$|协会|学校|医院|大学|幼儿园|事务所|工作室|商行|经营部|有限|厂$|政府|居委会|办事处"
)

_PHONE = re.compile(
    r"(?<![0-9])(?:(?:\+|00)?86[- ]?)?"
    r"(?:(?P<mobile>1[ .-]?[3-9](?:[ .-]?[0-9]){9})"
    r"|(?P<service>[48]00[ -]?[0-9]{3}[ -]?[0-9]{4})"
    r"|(?:\+|00)(?P<country>(?!86)[1-9][0-9]{0,2})[ -]?(?P<abroad>[0-9](?:[ -]?[0-9]){5,13})"
    r"|(?:\(?(?P<area>0[0-9]{2,3})\)? ?-? ?)?(?P<local>[1-9][0-9]{2,3}[ -]?[0-9]{4})"
    r"(?:\s*(?:转|分机|-|ext\.?|#)\s*(?P<extension>[0-9]{1,6}))?)(?![0-9])",
    re.IGNORECASE,
)
_SIMPLE_MOBILE = re.compile(r"1[3-9][0-9]{9}")
PLACEHOLDERS = frozenset({"12345678901", "12345678900", "13800138000", "13888888888"})

_NO_PHONE = re.compile(r"(?:无|没有|没|未留|未登记|暂无|拒留|拒绝|空号|停机|销号|关机|错号|打不通)[\u4e00-\u9fff]{0,4}")
_NUMBER_WORDS = re.compile(r"电话|手机|联系方式|座机|固话|号码|微信同号|微信号?|同号|常用|[\s:：()（）.,\-+]+")
_LONG_DASHES = re.compile("[\u2010-\u2015\u2212\ufe63]")

SIMPLE_ID = re.compile(r"[0-9]{17}[0-9X]")
_TOKEN = re.compile(r"[0-9A-Za-z]{4,40}")
_GROUPED = re.compile(r"(?<![0-9A-Za-z])[0-9]{3,14}(?: +[0-9]{2,14}){0,4} +[0-9]{2,14}[0-9Xx](?![0-9A-Za-z])")
_DOCUMENT_WORDS = re.compile(
    r"居民身份证|身份证|证件|护照|统一社会信用代码|号码|号|香港|澳门|台湾|港澳|外籍|[\s:：()（）.\-]+"
)
_LICENCE = re.compile(r"执照|注册|登记|组织机构|税号|税务")
_NO_DOCUMENT = re.compile(r"(?:无|没有|没|未提供|未登记|未留|暂无|待补)[证件号码身份资料]{0,6}")
_OTHER_FORMS = re.compile(
    r"(?<![0-9A-Z])(?:[A-Z]{1,2}[0-9]{6}\([0-9A]\)|[157][0-9]{6}\([0-9]\)|[0-9A-Z]{8}-[0-9X])(?![0-9A-Z])"
)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_CREDIT_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)


@dataclass(frozen=True, slots=True)
class Mistake:
    """Why a text was not understood; `code` names the sentence."""

    code: str
    part: str = ""


class Name(NamedTuple):
    """One owner as named in a cell; `share` is a fraction of one, None where the cell gives none."""

    name: str
    is_organisation: bool = False
    share: Fraction | None = None


class Labelled(NamedTuple):
    """A number and what was written beside it (本人, 配偶, a name); the label is empty where nothing was."""

    number: str
    label: str = ""
    is_placeholder: bool = False


def quoted(text: str) -> str | None:
    """Return what stands in 「」 where a text is nothing else, None for any other text."""
    inner = text[1:-1]
    is_quoted = len(text) > 2 and text[0] == "「" and text[-1] == "」"  # noqa: PLR2004
    return inner.strip() or None if is_quoted and "「" not in inner and "」" not in inner else None


def needs_quotes(text: str) -> bool:
    """Tell a plain text that would be taken for nothing, or for an example, without 「」 around it."""
    return is_absent(text) or _EXAMPLE.match(compact(text)) is not None


def as_name(text: str) -> str:
    """Return a name as it is kept: one blank between its words, beside ideographs the brackets of Chinese texts."""
    name = " ".join(text.split())
    has_brackets = "(" in name or ")" in name
    return name.translate(_FULL_BRACKETS) if has_brackets and re.search(_HAN, name) else name


def divided(text: str) -> list[str]:
    """Return the parts of a cell between separators; what stands in brackets or in 「」 stays together."""
    parts, depth, current, is_quoted = [], 0, "", False
    for sign in text:
        if sign in "「」":
            is_quoted = sign == "「"
        elif not is_quoted:
            depth += (sign in _OPENING) - (sign in _CLOSING and depth > 0)
        if sign in _SEPARATORS and depth == 0 and not is_quoted:
            parts.append(current)
            current = ""
        else:
            current += sign
    parts.append(current)
    return [part.strip() for part in parts if part.strip()]


def read_names(text: str) -> tuple[Name, ...] | Mistake:
    """Return the owners named in a cell, in its order; an empty tuple when it says there is none."""
    if SIMPLE_NAME.fullmatch(text) and text not in NO_SIMPLE_NAMES and not is_absent(text):
        return (Name(text, is_organisation=bool(ORGANISATION.search(text))),)
    parts = [piece for part in divided(_parted(plain(text))) for piece in _between_blanks(part)]
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


def _parted(text: str) -> str:
    """Put a separator between owners where roles, shares or 和 part them, and none within a share."""
    if "「" in text:
        return text
    text = _NEXT_ROLE.sub("、", _NAMED_SPOUSE.sub(r"、\1", _NEXT_OWNER.sub(r"\1、", text)))
    text = _FRACTION.sub("\\1\u2044\\2", _BRACKETED_ROLE.sub("", text))
    both = None if ORGANISATION.search(text) else _AND.fullmatch(text)
    return f"{both[1]}、{both[2]}" if both else text


def _between_blanks(part: str) -> list[str]:
    """Split `张三 李四` but not `张 三` and not `Anna Berg`: only where each piece is a Chinese name by itself."""
    pieces = part.split()
    if len(pieces) > 1 and all(re.fullmatch(rf"{_HAN}{{1,4}}(?:[（(].*[)）])?", piece) for piece in pieces):
        return pieces if all(len(piece) > 1 for piece in pieces) else ["".join(pieces)]
    return [" ".join(pieces)]


def _one_name(part: str) -> Name | Mistake:
    part = re.sub(rf"^{_ROLE}\s*[0-9]?\s*[:：]\s*", "", part)
    share: Fraction | None = None
    if match := _SHARE.search(part) or _DECIMAL_SHARE.search(part):
        share = _fraction(match)
        if share is None:
            return Mistake("share_unreadable", part)
        part = part[: match.start()].strip()
    whole = quoted(part)
    part = as_name(whole or part)
    if whole is None and re.search(r"[0-9]{5,}", part):
        return Mistake("name_has_number", part)
    is_name = any(sign.isalpha() for sign in part) and part not in _NO_NAMES and not _AND_OTHERS.fullmatch(part)
    if whole is None and not is_name:
        return Mistake("name_unreadable", part)
    if len(part) > _LONGEST_NAME:
        return Mistake("too_long", part)
    return Name(part, is_organisation=bool(ORGANISATION.search(part)), share=share)


def _fraction(match: re.Match[str]) -> Fraction | None:
    if match.re is _DECIMAL_SHARE:
        share = Fraction(match[1])
    elif match[1]:
        share = Fraction(match[1]) / 100
    else:
        share = Fraction(int(match[2]), int(match[3])) if int(match[3]) else Fraction(0)
    return share if 0 < share <= 1 else None


def read_phones(text: str) -> tuple[Labelled, ...] | Mistake:
    """Return the phones of a cell with their labels; a landline as `0755-26543210`, its extension as `-801` behind."""
    if _SIMPLE_MOBILE.fullmatch(text):
        return (Labelled(text, is_placeholder=_is_placeholder(text)),)
    phones: list[Labelled] = []
    for part in divided(_LONG_DASHES.sub("-", plain(text))):
        if _NO_PHONE.fullmatch(part):
            continue
        if whole := quoted(part):
            phones.append(Labelled(whole))
            continue
        found = list(_PHONE.finditer(part))
        if re.search(r"[0-9]{4,}" if found else r"[0-9]{3,}", _PHONE.sub(" ", part)):
            whole = re.sub(r"[^0-9]", "", part)
            if found or not _is_placeholder(whole):
                return Mistake("phone_unreadable", part)
            phones.append(Labelled(whole[:_LONGEST_PHONE], is_placeholder=True))
            continue
        phones.extend(map(_phone, found, _labels(part, found)))
    if len(phones) > MOST_PEOPLE:
        return Mistake("too_many_people")
    if any(len(phone.number) > _LONGEST_NUMBER for phone in phones):
        return Mistake("too_long")
    if not phones and not is_absent(text) and not _NO_PHONE.fullmatch(text):
        return Mistake("phone_unreadable", text)
    return tuple(dict.fromkeys(phones))


_IN_BRACKETS = re.compile(r"\s*[（(]([^）)]*)[)）]?\s*")


def _labels(part: str, found: list[re.Match[str]]) -> list[str]:
    """Return the label of each number: what stands before it, or in brackets (or at the end) behind it.

    Where the first number has brackets before it, all have: `（手机）199…（宅电）0755-…`.
    """
    labels = ["" for _ in found]
    before = part[: found[0].start()] if found else ""
    leads = _IN_BRACKETS.fullmatch(before) is not None
    for place, match in enumerate(found):
        end = found[place + 1].start() if place + 1 < len(found) else len(part)
        gap = part[match.end() : end]
        behind = None if leads else _IN_BRACKETS.match(gap)
        rest = gap[behind.end() :] if behind else gap
        last = rest if place + 1 == len(found) else ""
        label = next((text for text in map(bare_label, (before, behind[1] if behind else "", last)) if text), "")
        labels[place] = label
        before = rest
    return labels


def bare_label(text: str) -> str:
    """Return a label without its punctuation and without the words that only say what kind of number follows."""
    label = _NUMBER_WORDS.sub("", text)
    return "" if label.isdecimal() else label[:_LONGEST_NAME]


def _phone(match: re.Match[str], label: str) -> Labelled:
    digits = re.sub(r"[^0-9]", "", match["mobile"] or match["service"] or match["abroad"] or match["local"])
    placeholder = _is_placeholder(digits)
    if match["country"]:
        digits = f"+{match['country']}-{digits}"
    if match["area"]:
        digits = f"{match['area']}-{digits}"
    if match["extension"]:
        digits = f"{digits}-{match['extension']}"
    return Labelled(digits[:_LONGEST_PHONE], label, is_placeholder=placeholder)


def _is_placeholder(digits: str) -> bool:
    """Tell a number nobody has: all digits alike, or a tail of nine alike (18999999999)."""
    tail = digits[-_SHORTEST_RUN:] if len(digits) > _SHORTEST_RUN else digits
    return digits in PLACEHOLDERS or (len(tail) >= 6 and len(set(tail)) == 1)  # noqa: PLR2004


def read_documents(text: str) -> tuple[Labelled, ...] | Mistake:
    """Return the document numbers of a cell with the names beside them; fifteen-digit IDs become eighteen.

    An 18-digit ID must have a real birthday and the right check digit; passports, permits and credit codes are kept.
    """
    if SIMPLE_ID.fullmatch(text) and isinstance(simple := _document(text), str):
        return (Labelled(simple),)
    if whole := quoted(text):
        return (Labelled(whole),) if len(whole) <= _LONGEST_NUMBER else Mistake("too_long")
    documents: list[Labelled] = []
    for part in map(_ungrouped, divided(_LONG_DASHES.sub("-", plain(text)))):
        if _NO_DOCUMENT.fullmatch(part):
            continue
        found = _documents_in(part)
        if isinstance(found, Mistake):
            return found
        documents.extend(found)
    if len(documents) > MOST_PEOPLE:
        return Mistake("too_many_people")
    return tuple(dict.fromkeys(documents))


def _documents_in(part: str) -> list[Labelled] | Mistake:
    """Return the documents of one piece of a cell, each with what stands beside it."""
    if "字第" in part:
        return [Labelled(compact(part)[:_LONGEST_PHONE])]
    if other := _OTHER_FORMS.search(part.upper()):
        return [Labelled(other[0], _DOCUMENT_WORDS.sub("", part[: other.start()] + part[other.end() :]))]
    documents: list[Labelled] = []
    found = [match for match in _TOKEN.finditer(part) if re.search(r"[0-9]{4}", match[0])]
    for match, label in zip(found, _labels(part, found), strict=True):
        token = match[0].upper()
        number = token if _LICENCE.search(label) else _document(token)
        if isinstance(number, Mistake):
            return number
        documents.append(Labelled(number or token, _DOCUMENT_WORDS.sub("", label), is_placeholder=number is None))
    return documents if found or is_absent(part) else Mistake("id_unreadable", part)


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
        return _eighteen(token) if is_birthday("19" + token[6:12]) else Mistake("id_birthday", token)
    if re.fullmatch(r"[0-9]{17}[0-9X]", token):
        born = is_birthday(token[6:14])
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


@lru_cache(maxsize=1 << 15)
def is_birthday(digits: str) -> bool:
    """Tell whether eight digits are a day on which somebody may have been born."""
    try:
        day = dt.date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return False
    return day.year >= 1880  # noqa: PLR2004
