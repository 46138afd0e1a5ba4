"""Money: `Decimal` yuan, rounded to 分 here and nowhere else."""

import re
from decimal import ROUND_HALF_UP, Context, Decimal

from tenant.errors import Refusal

FEN = Decimal("0.01")

_WIDE = Context(prec=60, rounding=ROUND_HALF_UP)
_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20, 0xFFE5: 0xA5, 0x2212: 0x2D}
_SHAPE = re.compile(r"(?P<sign>[-+]?)(?P<yuan>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.(?P<fen>[0-9]+))?")
_FEN_DIGITS = 2
_YUAN_DIGITS = 12


def to_fen(amount: Decimal) -> Decimal:
    """Round yuan to 分, half away from zero; never minus zero. Raises ValueError for NaN and infinities."""
    if not amount.is_finite():
        raise ValueError(f"an amount of money must be finite, not {amount}")
    return _WIDE.add(amount.quantize(FEN, context=_WIDE), Decimal(0))


def parse_money(text: str, *, field: str | None = None, negative: bool = False) -> Decimal:
    """Read an amount in yuan as people type it: `1,260.00`, `¥1260`, `1260 元`, full-width digits too.

    Nothing is guessed: three decimals, misplaced commas and anything else are refused, an amount below zero too unless
    `negative` allows it. The result has exactly two decimals and fits a column of 14 digits.
    """
    plain = text.translate(_HALF_WIDTH).strip().removesuffix("元").removeprefix("¥").strip()
    found = _SHAPE.fullmatch(plain)
    if found is None:
        raise _refused("money_shape", "不是金额。请只填数字，例如 1260.00", text, field)
    if len(found["fen"] or "") > _FEN_DIGITS:
        raise _refused("money_decimals", "的小数超过两位。金额最小到分，请改为两位小数", text, field)
    yuan = found["yuan"].replace(",", "")
    if len(yuan.lstrip("0")) > _YUAN_DIGITS:
        raise _refused("money_size", "超出可记录的金额。请核对是否多填了位数", text, field)
    amount = to_fen(Decimal(f"{found['sign']}{yuan}.{found['fen'] or '0'}"))
    if amount < 0 and not negative:
        raise _refused("money_negative", "小于零。此处金额不能为负，请改为正数", text, field)
    return amount


def show_money(amount: Decimal) -> str:
    """Write yuan for people: thousands separated, two decimals, no currency sign: `1,260.00`."""
    return f"{to_fen(amount):,.2f}"


def _refused(code: str, complaint: str, text: str, field: str | None) -> Refusal:
    """Build the refusal of one text; an empty text gets its own sentence."""
    message = f"「{text}」{complaint}。" if text.strip() else "金额没有填写。请填数字，例如 1260.00。"
    return Refusal(code=code, message=message, field=field, value=text)
