"""Why a cell or a row of a money sheet is refused or in doubt: a code for programs, a sentence that says what to do."""

from __future__ import annotations

from importers.faults import CellFault, shown_text

_REASONS = {
    "missing": "没有填写。请补上后重新上传，或删去这一行。",
    "money_unreadable": "「{part}」不是金额。请只填数字，例如 1260.00。",
    "money_negative": "金额「{part}」是负数（红字）。导入不冲减账目：退款、冲红请在系统里办理，或从表中删去这一行。",
    "money_fraction": "金额「{part}」的小数超过两位。金额最小到分，请改为两位小数。",
    "money_size": "金额「{part}」超出可记录的范围。请核对是否多填了位数。",
    "money_missing": "没有金额。请填写{part}后重新上传。",
    "money_zero": "收款金额是 0。请填写实收的金额，或删去这一行。",
    "money_disagrees": "{part}，三者对不上。请核对后改成一致。",
    "paid_exceeds": "已缴 {paid} 元，多于应缴的 {amount} 元。请核对；预收的部分请用「收款登记」导入。",
    "period_unreadable": "看不懂费用期间「{part}」。请写成 2026年1月、2026-01至2026-03 或 2026年第一季度。",
    "period_one_day": "费用期间「{part}」只是一天。请写成月份（2026-01），或写明起止：2026-01-01至2026-01-31。",
    "period_lost_zero": "「{part}」可能是 1 月，也可能是 10 月：数字格会丢掉末尾的 0。请写成 2026年1月 或 2026-10。",
    "period_reversed": "费用期间「{part}」的止日早于起日。请核对后重新填写。",
    "period_missing": "没有费用期间，也没有应缴日，不知道是哪一期的费用。请至少填写其中一项。",
    "period_half": "只填了费用起日或止日中的一个。请把起日和止日都填上。",
    "period_twice": "费用期间与起止日不一致（{part}）。请只保留正确的一个。",
    "charge_type_missing": "没有填写收费项目。请补上，例如 物业服务费。",
    "receipt_unreadable": "「{part}」不能作收据号：最长 16 个字符。请核对后重新填写。",
    "paid_in_future": "收款日期 {part} 还没有到。请填写实际收款的日期。",
    "unit_unknown": "系统里没有房屋「{part}」。请核对房号；如果是新房屋，请先导入业主名册。",
    "conflict_section_unclear": "「{part}」没有写单元，这一栋有几套同号的房屋。请写全，例如 3-2-1501。",
    "conflict_owner_none": "房屋「{part}」在系统里没有业主，不知道记在谁的名下。请先导入业主名册，或登记产权。",
    "conflict_payer_none": "房屋「{part}」在 {day} 没有缴费人。请指明记在谁的名下。",
    "conflict_payer_unknown": "「{part}」不是这套房登记过的业主。请指明记在谁的名下，或核对姓名。",
    "conflict_payer_unclear": "这套房有几位业主叫「{part}」。请指明是哪一位。",
    "conflict_charge_twice": "与第 {other} 行是同一套房、同一项目、同一期的费用，不会记两次。请合并或删去一行。",
    "conflict_charge_overlaps": "同一项目已有 {part} 的应收，期间重叠，可能重复。"
    "请核对费用期间，或换一个收费项目名称。",
    "conflict_charge_moved": "表里没有写费用期间，系统里有一笔同样金额的应收，应缴日是 {part}，"
    "分不清是改了应缴日还是另一笔。请指明，或补上费用期间。",
    "conflict_charge_settled": "这笔应收已有收款 {paid} 元，导入不再改动它（{part}）。请核对；确需更正请在系统里办理。",
    "conflict_paid_differs": "表中已缴 {part} 元，系统里只收到 {paid} 元。差额请用「收款登记」导入，写明收据和日期。",
    "conflict_receipt_differs": "收据 {part} 已在系统里，{what}与表中不同。收据不能修改："
    "请核对，确需更正请先作废再重收。",
    "conflict_receipt_void": "收据 {part} 已经作废，号码不能再用。请核对收据号。",
    "conflict_receipt_rows": "同一收据（流水号）的几行里，{what}不一致（见第 {other} 行）。请改成一致。",
    "conflict_receipt_incomplete": "同一收据（流水号）的第 {other} 行有问题，整张收据都没有写入。请先改正那一行。",
    "conflict_payment_twice": "已有同一套房、同一天、同样金额的收款（{part}），没有收据号，分不清是不是同一笔。"
    "请指明，或补上收据号。",
    "conflict_row_twice": "与第 {other} 行是同一套房、同一天、同样金额的收款，又没有收据号，可能是重复的一行。"
    "请指明，或补上收据号。",
    "conflict_overpaid": "收款 {amount} 元，多于{part}未缴的 {owed} 元。请先导入应收；"
    "如果多出的是预收，请选「记为预收」。",
}


def fault(code: str, part: str = "", **parts: object) -> CellFault:
    """Return the fault with its sentence; `part` is the piece of the cell that is at fault, shortened for showing."""
    return CellFault(code, _REASONS[code].format(part=shown_text(part), **parts))
