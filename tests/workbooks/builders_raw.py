"""Workbooks written part by part, byte by byte: what no library would write, other programs do, or somebody hostile."""

import io
import struct
import zipfile
from xml.sax.saxutils import escape

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_STRICT = (
    (MAIN, "http://purl.oclc.org/ooxml/spreadsheetml/main"),
    (RELATIONS, "http://purl.oclc.org/ooxml/officeDocument/relationships"),
)
_BOOK_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
_MACRO_TYPE = "application/vnd.ms-excel.sheet.macroEnabled.main+xml"
_SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def zipped(parts, compression=zipfile.ZIP_DEFLATED):
    """Return an archive of these parts, name → text or bytes, in their order."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression) as archive:
        for name, body in parts.items():
            archive.writestr(name, body)
    return content.getvalue()


def sheet(rows, *, before="", after=""):
    """Return the markup of a worksheet around these rows of markup."""
    head = f'{HEAD}<worksheet xmlns="{MAIN}" xmlns:r="{RELATIONS}">'
    return f"{head}{before}<sheetData>{rows}</sheetData>{after}</worksheet>"


def text_cell(reference, text):
    return f'<c r="{reference}" t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>'


def text_row(number, *texts):
    """Return a row of texts from column A on; None leaves a cell out."""
    cells = "".join(
        text_cell(f"{chr(65 + place)}{number}", text) for place, text in enumerate(texts) if text is not None
    )
    return f'<row r="{number}">{cells}</row>'


ROSTER = text_row(1, "房号", "业主姓名") + text_row(2, "1-1-101", "张三")


def parts(*sheets, names=(), strings=None, styles=None, properties="", states=None, book_type=_BOOK_TYPE):
    """Return the parts of an .xlsx with these worksheets; `strings` and `styles` are whole parts."""
    sheets = sheets or (sheet(ROSTER),)
    names = names or [f"Sheet{number}" for number in range(1, len(sheets) + 1)]
    states = states or {}
    overrides = f'<Override PartName="/xl/workbook.xml" ContentType="{book_type}"/>'
    listed = relations = ""
    made = {}
    for number, (name, body) in enumerate(zip(names, sheets, strict=True), 1):
        overrides += f'<Override PartName="/xl/worksheets/sheet{number}.xml" ContentType="{_SHEET_TYPE}"/>'
        state = f' state="{states[name]}"' if name in states else ""
        listed += f'<sheet name="{escape(name)}" sheetId="{number}"{state} r:id="rId{number}"/>'
        relations += (
            f'<Relationship Id="rId{number}" Type="{RELATIONS}/worksheet" Target="worksheets/sheet{number}.xml"/>'
        )
        made[f"xl/worksheets/sheet{number}.xml"] = body
    for kind, body, target in (("sharedStrings", strings, "sharedStrings.xml"), ("styles", styles, "styles.xml")):
        if body is not None:
            relations += f'<Relationship Id="rId{kind}" Type="{RELATIONS}/{kind}" Target="{target}"/>'
            made[f"xl/{target}"] = body
    return {
        "[Content_Types].xml": f'{HEAD}<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>',
        "_rels/.rels": f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'{HEAD}<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}">{properties}'
        f"<sheets>{listed}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships">'
        f"{relations}</Relationships>",
        **made,
    }


def raw(*sheets, **options):
    """Return an .xlsx with these worksheets."""
    return zipped(parts(*sheets, **options))


def strict(content):
    """Return a workbook as Excel saves it as Strict Open XML: the same parts under other namespaces."""
    made = {}
    with zipfile.ZipFile(io.BytesIO(content)) as source:
        for entry in source.infolist():
            body = source.read(entry)
            if entry.filename.endswith((".xml", ".rels")):
                for old, new in _STRICT:
                    body = body.replace(old.encode(), new.encode())
            made[entry.filename] = body
    return zipped(made)


def with_macros(content):
    """Return a workbook as an .xlsm holds it: another main type and a part of compiled macros."""
    made = {}
    with zipfile.ZipFile(io.BytesIO(content)) as source:
        for entry in source.infolist():
            made[entry.filename] = source.read(entry).replace(_BOOK_TYPE.encode(), _MACRO_TYPE.encode())
    return zipped(made | {"xl/vbaProject.bin": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)})


# ---- .ods

_ODS = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" office:version="1.2"'
)


def ods_cell(value, *, more=""):
    """Return one cell of an .ods: text, a number, None for a blank one, a date as `('date', iso)`."""
    if value is None:
        return f"<table:table-cell{more}/>"
    if isinstance(value, tuple):
        return f'<table:table-cell{more} office:value-type="date" office:date-value="{value[1]}"/>'
    if isinstance(value, int | float):
        shown = f"<text:p>{value}</text:p></table:table-cell>"
        return f'<table:table-cell{more} office:value-type="float" office:value="{value}">{shown}'
    lines = "".join(f"<text:p>{escape(line)}</text:p>" for line in value.split("\n"))
    return f'<table:table-cell{more} office:value-type="string">{lines}</table:table-cell>'


def ods_row(*values, more=""):
    return f"<table:table-row{more}>{''.join(map(ods_cell, values))}</table:table-row>"


def ods(*tables, styles=""):
    """Return an .ods of these tables, each `(name, rows of markup)`."""
    body = "".join(f'<table:table table:name="{escape(name)}">{rows}</table:table>' for name, rows in tables)
    return zipped(
        {
            "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
            "META-INF/manifest.xml": '<?xml version="1.0"?><manifest:manifest xmlns:manifest="m"/>',
            "content.xml": f"{HEAD}<office:document-content {_ODS}>{styles}<office:body><office:spreadsheet>"
            f"{body}</office:spreadsheet></office:body></office:document-content>",
        }
    )


# ---- .xls: the records of BIFF8 in a compound file

SECTOR = 512
_FREE, _CHAIN_END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def record(number, body=b""):
    return struct.pack("<HH", number, len(body)) + body


def _unicode(text, length="<H"):
    return struct.pack(length, len(text)) + b"\x01" + text.encode("utf-16-le")


def biff_cell(row, column, value):
    """Return one cell, row and column counted from 0: text, a number, an error as `('error', code)`."""
    place = struct.pack("<HH", row, column)
    if isinstance(value, str):
        return record(0x0204, place + struct.pack("<H", 0) + _unicode(value))
    if isinstance(value, bool):
        return record(0x0205, place + struct.pack("<HBB", 0, int(value), 0))
    if isinstance(value, tuple):
        return record(0x0205, place + struct.pack("<HBB", 0, value[1], 1))
    return record(0x0203, place + struct.pack("<Hd", 0, value))


def biff_sheet(rows, *, merges=(), hidden=(), more=b""):
    """Return the records of a sheet; `merges` are (first row, last row, first column, last column) from 0."""
    body = record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 0, 0, 0))
    body += record(0x0200, struct.pack("<IIHHH", 0, len(rows), 0, max(map(len, rows), default=0), 0))
    for row in range(len(rows)):
        options = 0x0100 | (0x0020 if row in hidden else 0)
        body += record(0x0208, struct.pack("<HHHHHHHH", row, 0, len(rows[row]), 255, 0, 0, options, 0))
    for row, values in enumerate(rows):
        for column, value in enumerate(values):
            if value is not None:
                body += biff_cell(row, column, value)
    if merges:
        body += record(0x00E5, struct.pack("<H", len(merges)) + b"".join(struct.pack("<HHHH", *one) for one in merges))
    return body + more + record(0x000A)


def xls(sheets, *, hidden=(), head=b""):
    """Return an .xls of these sheets, name → records of a sheet; `hidden` are names."""
    start = record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 0)) + record(0x0042, b"\xb0\x04") + head
    listing = sum(4 + 6 + 2 + 2 * len(name) for name in sheets)
    place = len(start) + listing + 4
    bound = body = b""
    for name, records in sheets.items():
        state = 1 if name in hidden else 0
        bound += record(0x0085, struct.pack("<IBB", place + len(body), state, 0) + _unicode(name, "<B"))
        body += records
    return compound({"Workbook": start + bound + record(0x000A) + body})


def compound(streams):
    """Return a compound file of these streams, each padded to the least length that is kept in plain sectors."""
    bodies = {name: body.ljust(max(4096, -(-len(body) // SECTOR) * SECTOR), b"\0") for name, body in streams.items()}
    counts = [len(body) // SECTOR for body in bodies.values()]
    fat_sectors = 1
    while fat_sectors * 128 < fat_sectors + 1 + sum(counts):
        fat_sectors += 1
    assert fat_sectors <= 109
    table = [_FAT] * fat_sectors + [_CHAIN_END]
    entries = [_entry("Root Entry", 5, _CHAIN_END, 0, child=1)]
    for number, (name, body) in enumerate(bodies.items(), 1):
        first = len(table)
        table += [*range(first + 1, first + len(body) // SECTOR), _CHAIN_END]
        entries.append(_entry(name, 2, first, len(body), right=number + 1 if number < len(bodies) else _FREE))
    entries += [bytes(128)] * (-len(entries) % 4)
    assert len(entries) == 4, "one sector of directory"
    table += [_FREE] * (fat_sectors * 128 - len(table))
    fat = [*range(fat_sectors), *[_FREE] * (109 - fat_sectors)]
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    head += struct.pack("<IIIIIIIII", 0, fat_sectors, fat_sectors, 0, 4096, _CHAIN_END, 0, _CHAIN_END, 0)
    head += struct.pack("<109I", *fat)
    return head + struct.pack(f"<{len(table)}I", *table) + b"".join(entries) + b"".join(bodies.values())


def _entry(name, kind, first, size, *, child=_FREE, right=_FREE):
    title = name.encode("utf-16-le")
    body = title.ljust(64, b"\0") + struct.pack("<HBBIII", len(title) + 2, kind, 1, _FREE, right, child)
    return body + bytes(16) + struct.pack("<I", 0) + bytes(16) + struct.pack("<IQ", first, size)
