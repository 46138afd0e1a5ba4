"""Rosters as other programs leave them: formulas, old and open forms, text with every sign between the cells."""

import datetime as dt

from workbooks import builders_raw
from workbooks.builders import SHEET, edited
from workbooks.builders_offices import FOUR, book, phone


def text(rows, delimiter, encoding, head=""):
    return (head + "\r\n".join(delimiter.join(row) for row in rows) + "\r\n").encode(encoding)


# ---- formulas and errors


def formulas_of_every_kind():
    rows = (
        builders_raw.text_row(1, "房号", "业主姓名", "建筑面积")
        + '<row r="2"><c r="A2" t="str"><f>"1-"&amp;"101"</f><v>1-101</v></c>'
        + builders_raw.text_cell("B2", "安一")
        + '<c r="C2"><f>40*2</f><v>80</v></c></row>'
        + f'<row r="3">{builders_raw.text_cell("A3", "1-102")}{builders_raw.text_cell("B3", "安二")}'
        '<c r="C3"><f>D3*2</f></c></row>'
        f'<row r="4">{builders_raw.text_cell("A4", "1-103")}'
        '<c r="B4" t="e"><f>VLOOKUP(A4,X:Y,2,0)</f><v>#N/A</v></c><c r="C4"><v>88</v></c></row>'
        f'<row r="5">{builders_raw.text_cell("A5", "1-104")}{builders_raw.text_cell("B5", "安四")}'
        '<c r="C5" t="e"><f>#REF!*2</f><v>#REF!</v></c></row>'
    )
    return builders_raw.raw(builders_raw.sheet(rows))


# ---- other programs, other forms


def by_wps():
    """A wrong dimension, cells without a place, rich and phonetic texts, a name with an escaped line break."""
    strings = (
        f'{builders_raw.HEAD}<sst xmlns="{builders_raw.MAIN}"><si><t>房号</t></si><si><t>业主姓名</t></si>'
        "<si><r><t>安</t></r><r><rPr><b/></rPr><t>一</t></r></si>"
        '<si><t>安二</t><rPh sb="0" eb="1"><t>ān</t></rPh></si><si><t>安三_x000D_\n</t></si></sst>'
    )
    rows = (
        '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>'
        '<row><c t="str"><v>1-101</v></c><c t="s"><v>2</v></c></row>'
        '<row r="3"><c r="A3" t="str"><v>1-102</v></c><c r="B3" t="s"><v>3</v></c></row>'
        '<row r="4"><c r="A4" t="str"><v>1-103</v></c><c r="B4" t="s"><v>4</v></c></row>'
    )
    return builders_raw.raw(builders_raw.sheet(rows, before='<dimension ref="A1"/>'), strings=strings)


def as_strict():
    return builders_raw.strict(book({"名册": FOUR}))


def as_xlsm():
    return builders_raw.with_macros(book({"名册": FOUR}))


def counted_from_1904():
    content = book({"名册": [["房号", "业主姓名", "收房日期"], ["1-101", "安一", dt.date(2013, 7, 7)]]})
    content = edited(content, "xl/workbook.xml", (b"<workbookPr/>", b'<workbookPr date1904="1"/>'))
    return edited(content, SHEET, (b"<v>41462</v>", b"<v>40000</v>"))


def as_xls():
    rows = [
        ["楼栋", "房号", "业主姓名", "联系电话", "建筑面积"],
        ["1栋", "101", "安一", float(phone(1)), 80.5],
        [None, "102", "安二", phone(2), ("error", 42)],
        [None, "103", "安三", None, 88.0],
    ]
    sheet = builders_raw.biff_sheet(rows, merges=[(1, 3, 0, 0)], hidden=(3,))
    old = builders_raw.biff_sheet([["房号", "业主姓名"], ["9-999", "不应出现"]])
    return builders_raw.xls({"名册": sheet, "旧": old}, hidden=("旧",))


def as_ods():
    def row(*cells):
        return f"<table:table-row>{''.join(cells)}</table:table-row>"

    cell = builders_raw.ods_cell
    tail = '<table:table-row table:number-rows-repeated="1048570"><table:table-cell '
    return builders_raw.ods(
        (
            "名册",
            builders_raw.ods_row("楼栋", "房号", "业主姓名", "收房日期")
            + row(
                cell("1栋", more=' table:number-rows-spanned="2"'), *map(cell, ("101", "安一", ("date", "2015-06-01")))
            )
            + row("<table:covered-table-cell/>", *map(cell, ("102", "安二", "2015年6月")))
            + builders_raw.ods_row("2栋", 101, "白一\n白二", more=' table:visibility="filter"')
            + f'{tail}table:number-columns-repeated="16384"/></table:table-row>',
        )
    )


def csv_of_a_system():
    """Text with a mark, blank cells behind every row, a line break and doubled quotes within a cell."""
    rows = [
        ["楼栋", "房号", "业主姓名", "备注", "", ""],
        ["1栋", "101", "安一", '"上下两层，\n有""违建"""', "", ""],
        ["1栋", "102", '"安二,白二"', "", "", ""],
    ]
    return text(rows, ",", "utf-8-sig")


TABLE = [["楼栋", "房号", "业主姓名"], ["1栋", "101", "安一、白一"], ["1栋", "102", "安二，白二"]]


def csv_with_tabs():
    return text([["楼栋", "房号", "业主姓名"], ["1栋", "101", "安一,白一"], ["1栋", "102", "安二"]], "\t", "gb18030")


def csv_with_semicolons():
    return text(TABLE, ";", "gb18030")


def csv_with_pipes():
    return text(TABLE, "|", "utf-8")


def csv_that_says_its_sign():
    return text(TABLE, ";", "utf-16", head="sep=;\r\n")


def open_after_download():
    """What a browser leaves of a table: text under the name of an old workbook."""
    return text(TABLE, "\t", "gb18030")
