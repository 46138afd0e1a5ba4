"""Workbooks as offices really have them, and as nobody should send them: built in code, never kept as files.

The people are invented: their IDs carry the region 990101, which no place has, and days that are plainly made up.
"""

import datetime as dt
import io
import zipfile

import openpyxl
from openpyxl.styles import Font, PatternFill

from importers.people import check_digit

HEADER = ["楼栋", "单元", "房号", "业主姓名", "联系电话", "身份证号", "建筑面积", "使用性质", "交房日期", "备注"]


def id_of(serial: int, birthday: str = "19900101") -> str:
    """Return a formally right ID of nobody."""
    body = f"990101{birthday}{serial:03d}"
    return body + check_digit(body)


def phone_of(serial: int) -> str:
    """Return a mobile number for an invented person."""
    return f"139{serial:08d}"


def saved(book):
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def workbook(*rows, title="业主名册"):
    """Return a workbook of one sheet with these rows."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = title
    for row in rows:
        sheet.append(list(row))
    return saved(book)


def edited(content, part, *replacements):
    """Return a workbook with the text of one part changed: what no library would write, other programs do."""
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            body = source.read(entry)
            if entry.filename == part:
                for old, new in replacements:
                    assert old in body, old
                    body = body.replace(old, new)
            target.writestr(entry, body)
    return changed.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


# ---- real shapes


def plain():
    """One header, one row for each unit, nothing odd."""
    return workbook(
        HEADER,
        ["3栋", "2单元", "1501", "张三", phone_of(1), id_of(1), 89.5, "住宅", dt.date(2015, 6, 1), None],
        ["3栋", "2单元", "1502", "李四", phone_of(2), id_of(2), 102.35, "住宅", dt.date(2015, 6, 1), "常年出差"],
        ["3栋", "2单元", "1601", None, None, None, 89.5, "住宅", None, None],
        ["商铺", None, "S01", "晨光便利店有限公司", "0755-26543210", None, 56, "商铺", None, None],
    )


def with_title_and_side_notes():
    """A title and a blank row above, notes to the right, hundreds of formatted blank rows, a wrong dimension."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Sheet1"
    sheet["A1"] = "云山苑业主信息登记表（2026 年）"
    sheet.merge_cells("A1:J1")
    headings = ["序号", "栋号", "单元", "室号", "产权人", "手机", "证件号码", "面积(㎡)", "房屋类型"]
    for place, heading in enumerate(headings):
        sheet.cell(3, place + 1, heading)
    sheet["N3"] = "填表说明"
    for row in range(4, 12):
        sheet.cell(row, 14, f"说明第 {row} 条：请如实填写")
    rows = [
        ["示例", "1栋", "1", "101", "示例姓名", "18999999999", "111111111111111111", 100, "住宅"],
        [1, "1栋", "1", 101, "王五", phone_of(11), id_of(11), "88.2㎡", "住宅"],
        [2, "1栋", "1", 102, "赵六", "18999999999", "／", "90平方米", "高层"],
        [3, "1栋", "1", 201, "／", "无", "—", 88.2, "住宅"],
    ]
    for number, row in enumerate(rows):
        for place, value in enumerate(row):
            sheet.cell(number + 4, place + 1, value)
    sheet.cell(9, 1, "合计")
    sheet.cell(9, 8, 266.6)
    for row in range(10, 400):
        for column in range(1, 10):
            sheet.cell(row, column).fill = PatternFill("solid", fgColor="FFFFEE")
    content = saved(book)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        body = archive.read(SHEET)
    start = body.index(b"<dimension")
    dimension = body[start : body.index(b"/>", start) + 2]
    return edited(content, SHEET, (dimension, b'<dimension ref="A1"/>'))


def with_several_in_a_cell():
    """Several owners, phones and IDs in a cell, in every way they are separated."""
    return workbook(
        ["房号", "业主", "联系方式", "身份证", "面积"],
        ["5-1-101", "张伟、王芳", f"本人：{phone_of(21)}；配偶：{phone_of(22)}", f"{id_of(21)}、{id_of(22)}", "89.5"],
        ["5栋1单元102", "刘洋，陈静", f"{phone_of(23)}/{phone_of(24)}", f"陈静：{id_of(24)}\n刘洋：{id_of(23)}", "102"],
        ["5#201", "杨光 黄河", f"杨光{phone_of(25)} 黄河{phone_of(26)}", None, "77.7平"],
        ["5-1-202", "周全（60%）、吴边（40%）", f"１３９{'00000027'}", None, "77.7"],
        ["商铺08", "远山商贸有限公司", "0755-26543210转801", None, "45"],
        ["5-1-301", "郑和", f"{phone_of(28)} 配偶 {phone_of(29)}", f"郑和 {id_of(28).lower()}", "77"],
    )


def with_numbers_for_ids():
    """IDs and phones typed into number cells: eleven digits survive, eighteen do not."""
    return workbook(
        HEADER,
        [1, 1, 101, "孙一", 13900000031, 990101199001010311, 80, "住宅", 42156, None],
        [1, 1, 102, "孙二", 13900000032, id_of(32), 80, "住宅", 42156, None],
        [1, 1, 103, "孙三", 13900000033, "9.90101199001010E+17", 80, "住宅", 42156, None],
    )


def with_a_sheet_per_building():
    """The building stands only in the sheets' names; one sheet is no roster, one is hidden."""
    book = openpyxl.Workbook()
    cover = book.active
    cover.title = "说明"
    cover["A1"] = "各楼栋见后面的工作表"
    for building in ("7栋", "8栋"):
        sheet = book.create_sheet(building)
        sheet.append(["单元", "房号", "业主姓名", "电话"])
        sheet.append(["1单元", "101", f"住户{building[0]}甲", phone_of(int(building[0]) * 10)])
        sheet.append(["2单元", "101", f"住户{building[0]}乙", phone_of(int(building[0]) * 10 + 1)])
    old = book.create_sheet("旧名册")
    old.append(["房号", "业主姓名"])
    old.append(["1-1-1", "不应出现"])
    old.sheet_state = "hidden"
    return saved(book)


def with_hidden_rows_and_merges():
    """A building written once over its merged cells; a filter has hidden a row; an error and an uncounted formula."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["楼栋", "房号", "业主姓名", "建筑面积"])
    sheet.append(["9栋", "101", "何一", 80])
    sheet.append([None, "102", "何二", 81])
    sheet.append([None, "103", "何三", 82])
    sheet.merge_cells("A2:A4")
    sheet.append(["10栋", "101", "何四", "=80+1"])
    sheet.append(["10栋", "102", "何五", "#N/A"])
    sheet["D6"].data_type = "e"
    sheet.row_dimensions[3].hidden = True
    return saved(book)


def as_csv(encoding):
    """The plain columns as text."""
    lines = ["楼栋,房号,业主姓名,联系电话", f"2栋,101,钱一,{phone_of(41)}", f'2栋,102,"钱二、钱三",{phone_of(42)}']
    return "\r\n".join(lines).encode(encoding)


def of_size(rows):
    """A plain roster of that many units, one owner each."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("名册")
    sheet.append(HEADER)
    for number in range(rows):
        building, rest = divmod(number, 400)
        section, rest = divmod(rest, 100)
        floor, room = divmod(rest, 4)
        address = [f"{building + 1}栋", f"{section + 1}单元", f"{floor + 1}{room + 1:02d}"]
        birthday = f"19{50 + number // 12000:02d}{number // 1000 % 12 + 1:02d}01"
        owner = [f"业主{chr(0x4E00 + number % 20000)}", phone_of(number), id_of(number % 1000, birthday)]
        sheet.append([*address, *owner, 60 + number % 90, "住宅", dt.date(2015, 1, 1 + number % 28), None])
    return saved(book)


# ---- hostile shapes


def far_cell(reference="XFD1048576"):
    """A legal file of two kilobytes whose two cells span seventeen thousand million."""
    book = openpyxl.Workbook()
    sheet = book.active
    for row in ([*HEADER], ["1栋", "1单元", "101", "张三"]):
        sheet.append(row)
    sheet[reference] = "远"
    return saved(book)


def huge_merge():
    """One merged range over the whole sheet."""
    content = workbook(HEADER, ["1栋", "1单元", "101", "张三"])
    merge = b'</sheetData><mergeCells count="1"><mergeCell ref="A4:XFD1048576"/></mergeCells>'
    return edited(content, SHEET, (b"</sheetData>", merge))


def zip_bomb():
    """A sheet that inflates a thousandfold."""
    content = workbook(HEADER)
    blank = b'<row r="9"><c r="A9" t="inlineStr"><is><t>' + b"0" * (60 << 20) + b"</t></is></c></row></sheetData>"
    return edited(content, SHEET, (b"</sheetData>", blank))


def many_parts():
    """An archive of thousands of entries."""
    content = io.BytesIO(workbook(HEADER))
    with zipfile.ZipFile(content, "a") as archive:
        for number in range(3000):
            archive.writestr(f"xl/media/image{number}.png", b"")
    return content.getvalue()


def with_entities():
    """A sheet that declares entities which grow when they are expanded."""
    lol = b'<!DOCTYPE worksheet [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><worksheet'
    return edited(workbook(HEADER), SHEET, (b"<worksheet", lol))


def truncated():
    """An upload that broke off."""
    content = plain()
    return content[: len(content) * 2 // 3]


def encrypted_entry():
    """A zip whose entries say that they are encrypted."""
    content = bytearray(plain())
    place = content.index(b"PK\x01\x02")
    while place >= 0:
        content[place + 8] |= 1
        place = content.find(b"PK\x01\x02", place + 4)
    return bytes(content)


def password_protected():
    """What Excel writes for a workbook with a password: a compound file with an encrypted package."""
    return bytes.fromhex("d0cf11e0a1b11ae1") + bytes(1500) + "EncryptedPackage".encode("utf-16-le") + bytes(2000)


def styled_only():
    """Bold blanks in far corners: no content at all."""
    book = openpyxl.Workbook()
    book.active["XFD1048576"].font = Font(bold=True)
    return saved(book)


def replaced(content, part, body):
    """Return a workbook with one part replaced whole."""
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            target.writestr(entry, body if entry.filename == part else source.read(entry))
    return changed.getvalue()
