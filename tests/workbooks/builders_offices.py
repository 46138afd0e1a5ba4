"""More rosters as offices have them: what years of copying, printing, filtering and other programs leave behind.

All people are invented. Their phones begin with 199, their IDs carry the region 990101, which no place has.
"""

import datetime as dt

import openpyxl
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.table import Table

from workbooks.builders import id_of, saved

PHONE = "199{:08d}"


def phone(serial):
    return PHONE.format(serial)


def book(sheets, change=None):
    """Return a workbook of these sheets, name → rows; `change` is called with the book before it is saved."""
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    if change:
        change(made)
    return saved(made)


FOUR = [
    ["房号", "业主姓名", "联系电话", "建筑面积"],
    ["1-1-101", "安一", phone(1), 80.5],
    ["1-1-102", "安二", phone(2), 90],
]


# ---- headings


def two_rows_of_headings():
    def merge(made):
        for area in ("A1:F1", "A2:C2", "D2:F2"):
            made.active.merge_cells(area)

    rows = [
        ["云栖里业主信息一览表"],
        ["房屋信息", None, None, "业主信息"],
        ["楼栋", "单元", "房号", "姓名", "电话", "身份证号"],
        ["1栋", "1单元", "101", "安一", phone(1), id_of(1)],
        ["1栋", "1单元", "102", "安二", phone(2), id_of(2)],
    ]
    return book({"一览表": rows}, merge)


def headings_with_everything_around_them():
    rows = [
        ["序号", "※楼 栋\n(必填)", "房间号\nRoom No.", "业主姓名*", "联系电话（手机）", "建筑面积（m²）", "备 注"],
        [1, "1栋", "0101", " 安一\u3000", f"\u200b{phone(1)}\u00a0", "80.50 ㎡", "常年空置"],
        [2, "1栋", "0102", "安\u00a0二", f"{phone(2)[:3]} {phone(2)[3:7]} {phone(2)[7:]}", "约 90 平米", "／"],
    ]
    return book({"Sheet1": rows})


def a_header_on_every_printed_page():
    head = ["楼栋", "房号", "业主姓名", "联系电话"]
    rows = [
        ["云栖里业主名册", None, None, "第 1 页"],
        head,
        ["1栋", "101", "安一", phone(1)],
        ["1栋", "102", "安二", phone(2)],
        [None, None, None, None],
        ["云栖里业主名册", None, None, "第 2 页"],
        head,
        ["1栋", "201", "安三", phone(3)],
    ]
    return book({"打印": rows})


def without_any_header():
    return book({"Sheet1": [[1, 1, 101, "安一", phone(1)], [1, 1, 102, "安二", phone(2)]]})


# ---- what stands around the table


def three_blocks_side_by_side():
    head = ["房号", "业主", "电话"]
    rows = [
        ["1栋", None, None, None, "2栋", None, None, None, "3栋"],
        [*head, None, *head, None, *head],
        ["1-101", "安一", phone(1), None, "2-101", "白一", phone(11), None, "3-101", "陈一", phone(21)],
        ["1-102", "安二", phone(2), None, "2-102", "白二", phone(12), None, None, None, None],
    ]
    return book({"三栋": rows})


def subtotals_and_signatures():
    rows = [
        ["楼栋", "房号", "业主姓名", "建筑面积"],
        ["1栋", "101", "安一", 80],
        ["1栋", "102", "安二", 90],
        ["小计", None, "2 户", 170],
        ["2栋", "101", "白一", 100],
        ["小计", None, "1 户", 100],
        ["合计", None, "3 户", 270],
        [None, None, None, None],
        ["制表人：丁一", None, "审核：丁二", None],
        ["注：面积以产权证为准", None, None, None],
    ]
    return book({"名册": rows})


def a_used_range_to_aa1000():
    def colour(made):
        for row in range(1, 1001):
            made.active.cell(row, 27).fill = PatternFill("solid", fgColor="FFFFFF99")
        made.active["AA1000"] = " "
        made.active.column_dimensions["H"].hidden = True

    return book({"Sheet1": FOUR}, colour)


def hidden_rows_columns_and_sheets():
    def hide(made):
        made["在册"].row_dimensions[3].hidden = True
        made["在册"].column_dimensions["D"].hidden = True
        made["在册"].auto_filter.ref = "A1:D3"
        made["已售出"].sheet_state = "veryHidden"

    return book({"在册": FOUR, "已售出": [["房号", "业主姓名"], ["9-9-999", "不应出现"]]}, hide)


def with_all_that_excel_offers():
    """A formatted table, frozen panes, a comment, drop-downs, widths: all of it must come back as it was."""

    def dress(made):
        sheet = made.active
        sheet.freeze_panes = "A2"
        sheet.add_table(Table(displayName="业主", ref="A1:D3"))
        choices = DataValidation(type="list", formula1='"住宅,商铺"')
        choices.add("E2:E99")
        sheet.add_data_validation(choices)
        sheet["B2"].comment = Comment("已核对", "前台")
        sheet["A1"].font = Font(bold=True, name="宋体")
        sheet.column_dimensions["C"].width = 22

    return book({"Sheet1": FOUR}, dress)


# ---- the unit's key


def buildings_and_sections_merged():
    def merge(made):
        for area in ("A2:A5", "B2:B3", "B4:B5"):
            made.active.merge_cells(area)

    rows = [
        ["楼栋", "单元", "房号", "业主姓名"],
        ["1栋", "1单元", 101, "安一"],
        [None, None, 102, "安二"],
        [None, "2单元", 101, "安三"],
        [None, None, 102, "安四"],
    ]
    return book({"名册": rows}, merge)


def a_sheet_for_each_building():
    sheets = {
        f"{building}#楼": [
            [f"{building}#楼业主名册"],
            ["单元", "室号", "业主", "电话"],
            ["1", 101, f"{name}一", phone(1)],
        ]
        for building, name in (("1", "安"), ("2", "白"), ("12", "陈"))
    }
    return book(sheets | {"汇总": [["楼栋", "户数"], ["1", 1], ["2", 1], ["12", 1]]})


def a_sheet_for_each_kind():
    return book(
        {
            "住宅": [["房号", "业主姓名", "面积"], ["1-1-101", "安一", 80]],
            "商铺": [["铺号", "产权人", "面积"], ["商铺01", "晨光便利店", 45], ["S02", "安一", 30]],
            "说明": [["本册由客服中心整理"]],
        }
    )


def addresses_in_one_text():
    return book(
        {
            "名册": [
                ["房屋坐落", "权利人"],
                ["3栋2单元1501室", "安一"],
                ["3幢2单元1502", "安二"],
                ["3号楼-2-1601", "安三"],
                ["3#2-1602", "安四"],
                ["第三栋二单元1701号", "安五"],
                ["3-2-1702", "安六"],
                ["３－２－１８０１", "安七"],
            ]
        }
    )


def shops():
    return book(
        {
            "商铺": [
                ["铺位号", "房号", "业主", "用途"],
                [1, "商铺01", "晨光便利店", "商铺"],
                [2, "S-02", "安二", "商业"],
                [3, "底商03", "安三", "门面"],
                [4, "门面4号", "安四", "商铺"],
                [5, "商铺1-05", "安五", "商铺"],
            ]
        }
    )


def towers_and_villas():
    return book(
        {
            "名册": [
                ["栋座", "房号", "业主", "房屋类型"],
                ["A座", "2501", "远山商贸有限公司", "写字楼"],
                ["A座", "25层2502室", "安二", "办公"],
                ["别墅8栋", "1", "安三", "别墅"],
                ["联排12幢", "3", "安四", "别墅"],
            ]
        }
    )


def numbers_for_everything():
    return book(
        {
            "名册": [
                ["栋", "单元", "房号", "业主", "手机", "身份证号", "入住日期"],
                [1.0, 1.0, 101.0, "安一", 19900000001.0, 990101700101001, 40279],
                [1, 1, 102, "安二", 19900000002, 990101199001010000, "2010.4.11"],
                [1, 1, 103, "安三", "1.99E+10", id_of(3), "2009年6月"],
                ["1栋", "1", dt.date(2026, 3, 2), "安四", None, None, dt.date(2010, 4, 11)],
            ]
        }
    )


# ---- who


def one_row_for_each_owner():
    def merge(made):
        for area in ("A2:A3", "B2:B3", "E2:E3"):
            made.active.merge_cells(area)

    rows = [
        ["楼栋", "房号", "产权人", "身份证号", "面积", "联系电话"],
        ["1栋", "101", "安一（60%）", id_of(1), 80, phone(1)],
        [None, None, "安二（40%）", id_of(2), None, phone(2)],
        ["1栋", "102", "安三", id_of(3), 90, phone(3)],
        ["1栋", "102", "安四", id_of(4), 90, phone(4)],
    ]
    return book({"产权": rows}, merge)


def labelled_phones():
    return book(
        {
            "名册": [
                ["房号", "业主姓名", "联系方式"],
                ["1-101", "安一", f"本人：{phone(1)}\n配偶：{phone(2)}"],
                ["1-102", "安二、白二", f"安二{phone(3)}，白二{phone(4)}"],
                ["1-103", "安三", "0755-26543210转801 / 26543211"],
                ["1-104", "安四", f"（手机）{phone(5)}（宅电）0755－２６５４３２１２"],
                ["1-105", "安五", f"+86 {phone(6)[:3]}-{phone(6)[3:7]}-{phone(6)[7:]}"],
            ]
        }
    )


def owners_of_every_kind():
    return book(
        {
            "名册": [
                ["房号", "业主", "证件号码"],
                ["1-101", "云栖置业（深圳）有限公司", None],
                ["1-102", "Anna Berg", "E12345678"],
                ["1-103", "阿依古丽·买买提", id_of(3)],
                ["1-104", "安四（已故）", id_of(4)],
                ["1-105", "未售", None],
                ["1-106", "／", "无"],
                ["1-107", "安七 白七", f"安七{id_of(7)} 白七{id_of(8)}"],
                ["1-108", "安八", "99010119900101123"],
            ]
        }
    )


def samples_and_dummies():
    return book(
        {
            "名册": [
                ["房号", "业主姓名", "联系电话", "身份证号"],
                ["例：1-1-101", "张三", "18999999999", "111111111111111111"],
                ["1-101", "安一", "18999999999", "111111111111111111"],
                ["1-102", "安二", "11111111111", "000000000000000000"],
                ["1-103", "安三", "13800138000", "无"],
                ["（示例）1-1-1", "示例业主", phone(9), None],
            ]
        }
    )


# ---- all of it at once


def group_rows():
    """A row of its own says which building and section the rows below it belong to."""
    rows = [
        ["房号", "业主姓名", "联系电话"],
        ["1栋1单元"],
        ["101", "安一", phone(1)],
        ["102", "安二", phone(2)],
        ["1栋2单元"],
        ["101", "安三", phone(3)],
        ["2栋"],
        ["101", "白一", phone(4)],
    ]
    return book({"名册": rows})


def kept_for_years():
    """A sheet with everything at once: title, remarks, two owners a cell, blanks, totals, other headings."""
    rows = [
        ["云栖里一期业主档案台账（截止 2026 年 10 月）"],
        [],
        [
            "序号",
            "房间号",
            "户主姓名",
            "性别",
            "联系电话1",
            "联系电话2",
            "身份证号码",
            "房屋面积",
            "入伙时间",
            "是否收房",
            "情况说明",
        ],
        [1, "1-1-101", "安一", "男", phone(1), phone(2), id_of(1), "80.5平", "2010/4/11", "是", "租户住"],
        [2, "1-1-102", "安二/白二", None, f"{phone(3)}/{phone(4)}", None, None, "90", "2010年", "√", None],
        [3, "1-1-201", None, None, None, None, None, 80.5, None, "否", "开发商保留"],
        [],
        [4, "1-1-202", "安四", "女", "无", "／", "9901011990010", "x", "未知", "TRUE", None],
        ["合计", "4 套"],
    ]
    return book({"台账": rows})
