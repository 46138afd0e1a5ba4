"""Why a cell is refused: a code for programs, a sentence for people that says what is wrong and what to write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from importers.cells import safe_text

if TYPE_CHECKING:
    from importers.cells import Cell

_SHOWN = 60

_REASONS = {
    "digits_lost": "数字格式丢失了末位，无法还原。请把该列设为文本后重新填写。",
    "cell_error": "单元格是错误值 {part}。请改正公式，或直接填写内容。",
    "formula_unsaved": "公式没有保存计算结果。请在 Excel 中打开并保存一次，或粘贴为数值后重新上传。",
    "too_long": "内容太长，最多 {limit} 个字。请缩短后重新填写。",
    "missing": "没有填写。请补上后重新上传，或删去这一行。",
    "unit_unreadable": "看不懂「{part}」是哪一套房。请写成 3-2-1501、3栋2单元1501，商铺写成 S01。",
    "room_became_date": "表格程序把房号改成了日期，无法还原。请把该列设为文本后重新填写。",
    "building_missing": "只有房号「{part}」，不知道是哪一栋。请补上「楼栋」列，或把房号写成 3-2-1501。",
    "building_unreadable": "看不懂「{part}」是哪一栋。请写成 3栋、A座 或 3。",
    "section_unreadable": "看不懂「{part}」是哪个单元。请写成 2单元 或 2；没有单元就留空。",
    "unit_parts_differ": "房号里写的与楼栋、单元列不一致（{part}）。请改成一致后重新上传。",
    "name_has_number": "姓名「{part}」里夹有号码。请把号码移到「联系电话」或「身份证号」列。",
    "name_unreadable": "「{part}」不像姓名。请填写姓名或单位全称；没有业主就留空。",
    "share_unreadable": "看不懂「{part}」的份额。请写成 张三（50%）或 张三（1/2）。",
    "shares_exceed_one": "各业主的份额加起来超过 100%。请核对份额。",
    "too_many_people": "一个单元格里的人太多（最多 30 位）。请分成几行填写。",
    "occupant_missing": "填了{part}，却没有住户姓名。请补上姓名，或清空该单元格。",
    "owner_missing": "填了{part}，却没有业主姓名。请补上姓名，或清空该单元格。",
    "phone_unreadable": "「{part}」不是电话号码。手机号应为 11 位；座机请写成 0755-26543210。",
    "phone_owner_unknown": "看不出电话「{part}」是哪位业主的。请写成 张三：13… ；李四：13…",
    "email_unreadable": "「{part}」不是一个邮箱地址。请只填一个，写成 zhang@example.com 的样子；没有就留空。",
    "id_unreadable": "「{part}」不是证件号码。请填写 18 位身份证号，或其他证件的号码。",
    "id_length": "证件号「{part}」的位数不对，身份证号应为 18 位（旧号 15 位）。请核对后重新填写。",
    "id_birthday": "证件号「{part}」里的出生日期不存在。请核对后重新填写。",
    "id_checksum": "证件号「{part}」的校验位不对，其中有数字写错。请核对后重新填写。",
    "id_owner_unknown": "证件号与业主对不上（{part}）。请按业主的顺序逐一填写，或写成 张三：证件号。",
    "area_unreadable": "「{part}」不是面积。请只填数字，例如 89.50。",
    "area_range": "面积「{part}」不合常理，应大于 0 且小于 100000 平方米。请核对后重新填写。",
    "date_unreadable": "看不懂日期「{part}」。请写成 2010-04-11 或 2010年4月。",
    "date_range": "日期「{part}」不合常理，应在 1950 年到 2100 年之间。请核对后重新填写。",
    "choice_unknown": "「{part}」不在可选内容之中。可以填：{known}。",
    "plate_unreadable": "「{part}」不是车牌号。请写成 粤B12345，几个车牌用顿号分开；没有就留空。",
    "plate_lookalike": "车牌「{part}」里有字母 I 或 O，车牌不用这两个字母。请核对是不是数字 1 和 0。",
    "plates_too_many": "一个单元格里的车牌太多（最多 {limit} 个）。请分成几行填写。",
    "space_unreadable": "「{part}」不是车位号。请写成 B1-023 或 A区12号，一行只写一个车位；没有就留空。",
    "space_became_date": "表格程序把车位号改成了日期，无法还原。请把该列设为文本后重新填写。",
    "space_missing": "填了租赁内容，却没有车位号。请补上车位号，或清空租赁内容。",
    "lessee_missing": "填了租赁内容，却没有承租人。请补上承租人，或清空租赁内容。",
    "lease_reversed": "止租日「{part}」早于起租日。请核对后重新填写。",
    "lease_start_missing": "租期已在「{part}」结束，却没有起租日。请补上起租日，或清空租赁内容。",
    "rent_unreadable": "看不懂月租「{part}」。请只填每月多少元，例如 300。",
    "count_unreadable": "「{part}」不是读数。请只填不小于 0 的数字，例如 1234.5。",
    "meter_number_unreadable": "「{part}」不是表号。请照表上的号码填写，并把该列设为文本。",
    "meter_missing": "没有表号，也没有房号。请补上其中一个。",
    "meter_kind_missing": "不知道「{part}」是水表、电表还是别的表。请补上「表计种类」列。",
    "reading_below": "读数 {part} 小于 {day} 的 {known}，表不会倒走。请核对；走满归零的表，请先填写它的满刻度。",
    "reading_above": "读数 {part} 大于 {day} 的 {known}，表不会倒走。请核对读数和抄表日期。",
    "reading_over_scale": "读数 {part} 超过了这块表的满刻度 {known}。请核对读数或满刻度。",
    "scale_misfit": "满刻度 {part} 与 {day} 的读数 {known} 对不上。请核对满刻度。",
    "reading_in_future": "抄表日期「{part}」还没有到。请核对后重新填写。",
    "readings_reversed": "上期抄表日期「{part}」不早于本期。请核对后重新填写。",
    "usage_differs": "用量「{part}」与两次读数之差 {known} 不一致。请核对读数和用量。",
    "conflict_unit_unknown": "本管理处没有房屋「{part}」{hint}。请核对房号，或先导入业主名册。",
    "conflict_space_alike": "车位「{part}」与「{other}」写法相近，无法判断是不是同一个。请统一写法。",
    "conflict_thing": "「{part}」与第 {other} 行所填不一致。请核对，只保留正确的一个。",
    "conflict_lease": "这个车位从 {day} 起已租给「{part}」，与这一行的租期重叠。请核对起租日和止租日。",
    "conflict_meter_elsewhere": "表号「{part}」登记在房屋 {known}，与这一行不同。请核对；换了表请填新的表号。",
    "conflict_meter_unclear": "这套房有 {part} 块同类的表，不知道是哪一块。请补上表号。",
    "conflict_reading": "同一块表同一天已在第 {other} 行读过。请核对，只保留正确的一个。",
    "conflict_previous": "上期读数「{part}」小于系统中 {day} 的读数 {known}。请核对上期读数。",
    "conflict_unit": "同一套房的「{part}」与第 {other} 行不一致。请核对，只保留正确的一个。",
    "conflict_estate_unclear": "管理处有多个小区，不知道新楼栋「{part}」属于哪一个。请先在「楼栋」中建立它，再导入。",
    "conflict_unit_incomplete": "这套房要换业主或增加业主，但它的第 {other} 行有问题。请先改正那一行，再一起导入。",
    "conflict_owner_name": "同一证件号已属于「{part}」。请核对姓名和证件号。",
    "conflict_owner_id": "「{part}」已登记的证件号与表中不同，无法判断是不是同一个人。请先在业主档案中核对。",
    "conflict_owner_unclear": "姓名和电话与 {part} 位已登记的业主都相同，无法判断是哪一位。请补上证件号。",
    "conflict_owner_number": "这个系统业主号属于「{part}」，但姓名、电话、证件号都与表中不同，无法判断是不是同一个人。"
    "请核对，或清空系统业主号。",
    "conflict_changed": "预览之后，这一行涉及的内容已被他人修改。请重新上传并预览。",
}


@dataclass(frozen=True, slots=True)
class CellFault:
    """A cell that cannot be taken; `reason` says why and what to do, without saying where."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class RefusedCell:
    """A fault with its place: sheet, row from 1, column letter, the heading above it and the value refused."""

    sheet: str
    row: int
    column: str
    heading: str
    value: str
    code: str
    reason: str

    @property
    def sentence(self) -> str:
        """Return where, what and what next: `第 37 行「身份证号」：…`; without a row for what no row names."""
        if not self.sheet:
            return f"「{self.heading}」：{self.reason}"
        return f"第 {self.row} 行「{self.heading}」：{self.reason}"

    @property
    def is_conflict(self) -> bool:
        """Tell a row that contradicts what is known from one that cannot be read."""
        return self.code.startswith("conflict_")

    def as_json(self) -> dict[str, object]:
        """Return the shape promised by the import's JSON answer."""
        return {
            "sheet": self.sheet,
            "row": self.row,
            "column": self.column,
            "value": self.value,
            "code": self.code,
            "reason": self.sentence,
        }


def fault(code: str, part: str = "", **parts: object) -> CellFault:
    """Return the fault with its sentence; `part` is the piece of the cell that is at fault, shortened for showing."""
    shown = shown_text(part)
    return CellFault(code, _REASONS[code].format(part=shown, **parts))


def shown_text(text: str) -> str:
    """Return a text short and clean enough to be shown within a sentence."""
    clean = " ".join(safe_text(text[: 4 * _SHOWN]).split())
    return clean if len(clean) <= _SHOWN else clean[: _SHOWN - 1] + "…"


def refused(found: CellFault, sheet: str, cell: Cell, heading: str, value: str) -> RefusedCell:
    """Put a fault in its place."""
    return RefusedCell(sheet, cell.row, cell.column, heading, shown_text(value), found.code, found.reason)
