"""What templates show beside their headings: for each kind of sheet an example of every column, and how to fill it in.

An example row is never a record: it begins with 示例.
"""

from __future__ import annotations

from typing import Final

from importers import columns_money as money
from importers.columns import (
    AreaColumn,
    ChoiceColumn,
    Column,
    DayColumn,
    DocumentsColumn,
    EmailColumn,
    NamesColumn,
    PhonesColumn,
    RoomColumn,
)

_PLACE: Final = {"building": "3栋", "section": "2单元", "room": "1501"}

EXAMPLES: Final[dict[str, dict[str, str]]] = {
    "roster": {
        **_PLACE,
        "owners": "王小明（50%）、李小红（50%）",
        "phones": "王小明：13900000001；李小红：13900000002",
        "more_phones": "0755-26543210转801",
        "email": "wang@example.com",
        "documents": "护照E12345678、通行证H12345678",
        "area": "89.50",
        "usage": "住宅",
        "handover_state": "已交房",
        "handed_over_on": "2015-06-01",
        "owned_from_on": "2015-06-01",
        "occupants": "赵小强",
        "occupant_phones": "13900000003",
        "occupant_relation": "租户",
        "note": "常年出差，有事请打备用电话",
    },
    "arrears": {
        **_PLACE,
        "owners": "王小明",
        "charge_type": "物业服务费",
        "period": "2026-01至2026-03",
        "period_from": "2026-01-01",
        "period_to": "2026-03-31",
        "due_on": "2026-03-31",
        "amount": "805.50",
        "paid": "300.00",
        "owed": "505.50",
        "paid_on": "2026-03-20",
    },
    "payments": {
        "receipt": "00012345",
        **_PLACE,
        "owners": "王小明",
        "amount": "805.50",
        "paid_on": "2026-03-20",
        "method": "微信",
        "charge_type": "物业服务费",
        "period": "2026-01至2026-03",
        "reference": "4200001234202603201234567890",
        "note": "前台代收",
    },
    "parking": {
        **_PLACE,
        "space": "B1-023",
        "kind": "产权车位",
        "location": "地下一层 A 区",
        "area": "12.50",
        "plates": "粤B7K012、粤BD10234",
        "holder": "王小明",
        "phone": "13900000001",
        "description": "白色轿车",
        "lessee": "赵小强",
        "rent": "300.00",
        "from_on": "2026-01-01",
        "to_on": "2026-12-31",
        "note": "靠近电梯",
    },
    "meters": {
        **_PLACE,
        "number": "W20150001",
        "kind": "水表",
        "location": "厨房",
        "factor": "1",
        "full_scale": "99999",
        "previous": "120",
        "previous_on": "2026-02-28",
        "shown": "132",
        "read_on": "2026-03-31",
        "used": "12",
        "note": "表盘清楚",
    },
}

_HINTS: Final[tuple[tuple[type[Column], str], ...]] = (
    (RoomColumn, "房号，可以只写 1501（楼栋、单元另有列），也可以写全：3-2-1501、3栋2单元1501；商铺写 S01。"),
    (NamesColumn, "几个人之间用 、 隔开；份额写在姓名后面：张三（50%）。公司写全称。"),
    (PhonesColumn, "手机号 11 位；座机带区号，分机写 转801；几个号码用 ； 隔开，可以写 本人：…；配偶：…"),
    (DocumentsColumn, "身份证号 18 位（旧号 15 位）；该列已设为文本，请不要改成数字，否则末位会丢失。"),
    (EmailColumn, "一个邮箱地址。"),
    (AreaColumn, "平方米，只填数字。"),
    (money.MoneyColumn, "元，只填数字，最多两位小数；不填负数。"),
    (money.PeriodColumn, "写成 2026年1月、2026-01至2026-03 或 2026年第一季度；已填起日和止日的可以不填。"),
    (money.ReferenceColumn, "银行或支付平台的流水号。"),
    (money.ReceiptColumn, "收据上印的号码，最长 16 个字符；没有就留空，写入时接着本管理处的收据号编。"),
    (DayColumn, "写成 2010-04-11、2010.4.11 或 2010年4月。"),
)


def hint(column: Column) -> str:
    """Return how a column is filled in; empty where its example says it all."""
    if isinstance(column, ChoiceColumn):
        return f"从下拉中选：{'、'.join(term.label for term in column.words)}。"
    return next((text for kind, text in _HINTS if isinstance(column, kind)), "")
