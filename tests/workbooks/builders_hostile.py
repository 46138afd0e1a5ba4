"""Files nobody should send: each with what must become of it, a code of refusal, or `read` for what is harmless."""

import struct
import zipfile

from workbooks import builders, builders_raw
from workbooks.builders_forged import (
    CENTRAL,
    END,
    LAUGHS,
    LOCAL,
    OLE,
    THIEF,
    an_ods,
    an_xls,
    book,
    cells,
    in_each,
    instead,
    noise,
    ods_times,
    overlapping,
    packed_by,
    patched,
    record_of,
    referring,
    relation,
    strings,
    tab,
    twice_named,
    with_names,
    without,
)
from workbooks.builders_raw import HEAD, MAIN, ROSTER, raw, sheet, text_row, zipped

NOT_TABLES = {
    "nothing": (lambda: b"", "file_empty"),
    "blanks": (lambda: b" \r\n\t\n", "file_empty"),
    "zeroes": (lambda: bytes(4096), "file_empty"),
    "prose": (lambda: b"please find the roster attached", "not_a_workbook"),
    "noise": (lambda: noise(8192), "not_a_workbook"),
    "pdf": (lambda: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog >>\x00", "not_a_workbook"),
    "png": (lambda: b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + noise(500), "not_a_workbook"),
    "jpeg": (lambda: b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + noise(500), "not_a_workbook"),
    "gzip": (lambda: b"\x1f\x8b\x08\x00" + noise(500), "not_a_workbook"),
    "seven zip": (lambda: b"7z\xbc\xaf\x27\x1c\x00\x04" + noise(500), "not_a_workbook"),
    "rar": (lambda: b"Rar!\x1a\x07\x01\x00" + noise(500), "not_a_workbook"),
    "program": (lambda: b"\x7fELF\x02\x01\x01\x00" + noise(500), "not_a_workbook"),
    "windows program": (lambda: b"MZ\x90\x00\x03\x00" + noise(500), "not_a_workbook"),
    "database": (lambda: b"SQLite format 3\x00" + noise(500), "not_a_workbook"),
    "rich text": (lambda: rb"{\rtf1\ansi\deff0 {\fonttbl {\f0 Times;}} roster}", "read"),
    "web page": (lambda: b"<html><body><table><tr><td>1501</td></tr></table></body></html>", "workbook_is_web_page"),
    "picture in markup": (lambda: b'<?xml version="1.0"?><svg xmlns="x"/>', "workbook_is_web_page"),
    "workbook of 2003": (
        lambda: b'\xef\xbb\xbf<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook/>',
        "workbook_is_web_page",
    ),
    "over the limit": (lambda: b"," * ((48 << 20) + 1), "file_too_large"),
}

TEXTS = {
    "only delimiters": (lambda: b",,,,\n" * 1000, "read"),
    "zeroes in text": ("房号,业主\n1-1-101,张\0三\n".encode, "not_a_workbook"),
    "zeroes in wide text": (lambda: "房号,业主\n1-1-101,张\0三\n".encode("utf-16"), "not_a_workbook"),
    "an open quote": (('房号,业主\n"1-1-101,张三\n' + "1-1-102,李四\n" * 50_000).encode, "text_quotes"),
    "half a sign": (lambda: "房号,业主\n1-1-101,张三\n".encode("utf-16")[:-1], "text_unreadable"),
    "lone surrogates": (lambda: b"\xff\xfe" + "房号,业主\n".encode("utf-16-le") + b"\x00\xd8,\x00", "text_unreadable"),
    "no encoding": (lambda: b"a,b\n\xff\xff\xff,\x80\x80\n", "text_unreadable"),
    "utf-32 cut off": (lambda: "房号,业主\n".encode("utf-32")[:-2], "text_unreadable"),
    "blank lines without end": (lambda: "房号,业主\n".encode() + b"\n" * 200_000 + "1-1-101,张三".encode(), "read"),
    "a row of millions": (lambda: "房号,业主\n".encode() + b"1," * 9_000_000, "workbook_too_large"),
    "formulas": ("房号,业主\n1-1-101,=cmd|'/C calc'!A1\n1-1-102,@SUM(1)\n".encode, "read"),
    "invisible signs": ("房号,业主\n1-1-101,\u202e三张\u200b\ufeff\x1b[31m\n".encode, "read"),
}

ARCHIVES = {
    "an empty archive": (lambda: END + bytes(18), "not_a_workbook"),
    "an archive of notes": (lambda: zipped({"readme.txt": "hello, world"}), "not_a_workbook"),
    "a document": (lambda: zipped({"[Content_Types].xml": "<Types/>", "word/document.xml": "<w/>"}), "not_a_workbook"),
    "slides": (lambda: zipped({"[Content_Types].xml": "<Types/>", "ppt/slides.xml": "<p/>"}), "not_a_workbook"),
    "a program in Java": (lambda: zipped({"META-INF/MANIFEST.MF": "x", "A.class": "y"}), "not_a_workbook"),
    "a binary workbook": (
        lambda: zipped({"[Content_Types].xml": "<Types/>", "xl/workbook.bin": "x"}),
        "workbook_binary",
    ),
    "half an archive": (lambda: raw()[: len(raw()) // 2], "workbook_damaged"),
    "an archive without its last bytes": (lambda: raw()[:-25], "workbook_damaged"),
    "only the beginning": (lambda: LOCAL + bytes(30), "workbook_damaged"),
    "noise behind the sign of an archive": (lambda: LOCAL + noise(5000), "workbook_damaged"),
    "thousands of parts": (builders.many_parts, "workbook_too_many_parts"),
    "a million signs of parts": (lambda: LOCAL + CENTRAL * 1_000_000, "workbook_too_many_parts"),
    "a bomb": (builders.zip_bomb, "workbook_bomb"),
    "sizes that claim too much": (lambda: in_each(raw(), CENTRAL, 24, "<I", 0x70000000), "workbook_bomb"),
    "sizes that claim too little": (
        lambda: in_each(builders.zip_bomb(), CENTRAL, 24, "<I", 1000, names=(builders.SHEET.encode(),)),
        "workbook_damaged",
    ),
    "wrong sums": (lambda: in_each(raw(), CENTRAL, 16, "<I", 1), "workbook_damaged"),
    "wrong places": (lambda: in_each(raw(), CENTRAL, 42, "<I", 7), "workbook_damaged"),
    "an unknown method": (lambda: in_each(raw(), CENTRAL, 10, "<H", 97), "workbook_damaged"),
    "encrypted parts": (builders.encrypted_entry, "workbook_encrypted"),
    "bodies used twice": (overlapping, "read workbook_damaged"),
    "one name twice": (twice_named, "workbook_damaged"),
    "names that climb": (lambda: with_names("../../../etc/cron.d/x", "/etc/passwd", "C:\\Windows\\x", "..\\x"), "read"),
    "a name of zeroes": (lambda: with_names("a\x01b", "a" * 60_000), "read"),
    "packed by bzip2": (lambda: packed_by(zipfile.ZIP_BZIP2), "workbook_damaged"),
    "packed by lzma": (lambda: packed_by(zipfile.ZIP_LZMA), "workbook_damaged"),
    "not packed": (lambda: packed_by(zipfile.ZIP_STORED), "read"),
    "noise before the archive": (lambda: noise(64) + raw(), "not_a_workbook"),
    "a workbook in a workbook": (lambda: zipped(builders_raw.parts() | {"xl/a.xlsx": raw()}), "read"),
}

PACKAGES = {
    "no list of types": (lambda: without("[Content_Types].xml"), "not_a_workbook"),
    "no relations": (lambda: without("_rels/.rels"), "workbook_damaged"),
    "no workbook": (lambda: without("xl/workbook.xml"), "workbook_damaged"),
    "no relations of the workbook": (lambda: without("xl/_rels/workbook.xml.rels"), "workbook_damaged"),
    "no sheet": (lambda: without("xl/worksheets/sheet1.xml"), "workbook_damaged"),
    "relations that lead nowhere": (lambda: instead("_rels/.rels", "<Relationships/>"), "not_a_workbook"),
    "a workbook without sheets": (lambda: book(""), "read"),
    "a workbook that is its own sheet": (lambda: book(tab(target="rId9"), relation("workbook.xml")), "read"),
    "a sheet far outside": (
        lambda: book(tab(target="rId9"), relation("../../../../etc/passwd")),
        "workbook_damaged",
    ),
    "a sheet on the net": (
        lambda: book(tab(target="rId9"), relation("http://127.0.0.1:9/x.xml", mode=' TargetMode="External"')),
        "workbook_damaged",
    ),
    "thirty thousand tabs of one sheet": (
        lambda: book("".join(tab(f"s{number}", number=number) for number in range(1, 30_001))),
        "workbook_too_many_parts",
    ),
    "two tabs of one name": (lambda: book(tab("a") + tab("a", number=2)), "read"),
    "a tab with a name of a million signs": (lambda: book(tab("名" * 1_000_000)), "read"),
    "a tab with a name of markup": (lambda: book(tab("&lt;script&gt;{0}%s\n")), "read"),
    "a workbook that is noise": (lambda: instead("xl/workbook.xml", noise(3000)), "workbook_damaged"),
    "a sheet that is noise": (lambda: instead("xl/worksheets/sheet1.xml", noise(3000)), "workbook_damaged"),
    "a sheet that is empty": (lambda: instead("xl/worksheets/sheet1.xml", ""), "workbook_damaged"),
    "strings that are noise": (lambda: raw(strings=noise(3000)), "workbook_damaged"),
    "styles that are noise": (lambda: raw(styles=noise(3000)), "workbook_damaged"),
}

MARKUP = {
    "entities in a sheet": (
        lambda: instead("xl/worksheets/sheet1.xml", LAUGHS + "<worksheet>&i;</worksheet>"),
        "workbook_entities",
    ),
    "entities in the workbook": (
        lambda: instead("xl/workbook.xml", LAUGHS + "<workbook>&i;</workbook>"),
        "workbook_entities",
    ),
    "entities in the relations": (
        lambda: instead("_rels/.rels", LAUGHS + "<Relationships>&i;</Relationships>"),
        "workbook_entities",
    ),
    "entities in the strings": (
        lambda: raw(strings=LAUGHS + strings("<si><t>&i;</t></si>").removeprefix(HEAD)),
        "workbook_entities",
    ),
    "a thief in the strings": (
        lambda: raw(strings=THIEF + strings("<si><t>&i;</t></si>").removeprefix(HEAD)),
        "workbook_entities",
    ),
    "a thief in the styles": (
        lambda: raw(styles=THIEF + f'<styleSheet xmlns="{MAIN}">&i;</styleSheet>'),
        "workbook_entities",
    ),
    "a nest in a sheet": (lambda: raw(sheet(ROSTER, after="<a>" * 300_000 + "</a>" * 300_000)), "read"),
    "a nest in the strings": (
        lambda: raw(strings=strings("<a>" * 300_000 + "</a>" * 300_000)),
        "read",
    ),
    "an attribute of millions": (lambda: raw(sheet(ROSTER, before=f'<sheetPr x="{"a" * 7_000_000}"/>')), "read"),
    "a sheet that breaks off": (lambda: raw(sheet(ROSTER)[:-30]), "workbook_damaged"),
    "a sheet in wide text": (
        lambda: raw(sheet(ROSTER).replace("UTF-8", "UTF-16").encode("utf-16")),
        "workbook_damaged",
    ),
    "a sheet in broken text": (
        lambda: raw(sheet(ROSTER).encode().replace("张".encode(), b"\xe5\xbc")),
        "workbook_damaged",
    ),
    "a lone surrogate": (lambda: raw(sheet(ROSTER.replace("张", "&#xD800;"))), "workbook_damaged"),
    "a zero": (lambda: raw(sheet(ROSTER.replace("张", "&#0;"))), "workbook_damaged"),
    "a million instructions": (lambda: raw(sheet(ROSTER, after="<?a b?>" * 1_000_000)), "read"),
    "plain text for a sheet": (lambda: raw("房号,业主姓名"), "workbook_damaged"),
    "markup of another trade": (lambda: raw("<html><body/></html>"), "read"),
}

CELLS = {
    **{
        f"a cell at {reference}": (lambda reference=reference: builders.far_cell(reference), "read")
        for reference in ("XFD1048576", "XFD5000", "A1048576", "XFD1")
    },
    "formats in far corners": (builders.styled_only, "read"),
    "one merge over everything": (builders.huge_merge, "read"),
    "a hundred thousand merges": (
        lambda: raw(
            sheet(
                ROSTER,
                after="<mergeCells>"
                + "".join(f'<mergeCell ref="C{row}:C{row + 900_000}"/>' for row in range(3, 100_003))
                + "</mergeCells>",
            )
        ),
        "read",
    ),
    "merges that are none": (
        lambda: raw(
            sheet(
                ROSTER, after='<mergeCells><mergeCell ref="A0:ZZZZ9"/><mergeCell ref="B9:A1"/><mergeCell/></mergeCells>'
            )
        ),
        "workbook_damaged",
    ),
    "blank rows with a format": (
        lambda: raw(sheet(ROSTER + "".join(f'<row r="{row}" s="1"/>' for row in range(3, 300_003)))),
        "read",
    ),
    "a declared size of everything": (lambda: raw(sheet(ROSTER, before='<dimension ref="A1:XFD1048576"/>')), "read"),
    "a declared size of nonsense": (lambda: raw(sheet(ROSTER, before='<dimension ref="0:-1"/>')), "workbook_damaged"),
    "rows out of order": (lambda: raw(sheet(text_row(9, "1-1-101", "张三") + text_row(2, "房号", "业主姓名"))), "read"),
    "row zero": (lambda: raw(sheet(text_row(0, "房号", "业主姓名"))), "workbook_damaged"),
    "a row beyond the last": (lambda: raw(sheet(text_row(99_999_999_999, "房号"))), "workbook_damaged"),
    "a negative row": (lambda: raw(sheet(text_row(-1, "房号"))), "workbook_damaged"),
    "places that are none": (
        lambda: cells('<c r="!!"><v>1</v></c>', '<c r="AAAAAAA2"><v>1</v></c>'),
        "workbook_damaged",
    ),
    "one place twice": (lambda: cells('<c r="A2"><v>1</v></c>' * 2), "read"),
    "numbers that are none": (lambda: cells('<c r="A2"><v>abc</v></c>'), "read"),
    "numbers without end": (
        lambda: cells('<c r="A2"><v>1e999</v></c><c r="B2"><v>-1e999</v></c><c r="C2"><v>NaN</v></c>'),
        "read",
    ),
    "an unknown kind of cell": (lambda: cells('<c r="A2" t="zzz"><v>1</v></c>'), "workbook_damaged"),
    "an unknown truth": (lambda: cells('<c r="A2" t="b"><v>7</v></c>'), "workbook_damaged"),
    "an unknown error": (lambda: cells('<c r="A2" t="e"><v>#WRONG!</v></c>'), "workbook_damaged"),
    "an unknown format": (lambda: cells('<c r="A2" s="4294967295"><v>1</v></c>'), "read"),
    "a text of a million signs": (lambda: cells(builders_raw.text_cell("A2", "张" * 1_000_000)), "read"),
    "strings that are not there": (lambda: cells('<c r="A2" t="s"><v>0</v></c>'), "workbook_damaged"),
    "strings beyond the last": (
        lambda: raw(sheet('<row r="1"><c r="A1" t="s"><v>7</v></c></row>'), strings=strings("<si><t>a</t></si>")),
        "workbook_damaged",
    ),
    "strings in a circle": (lambda: referring(3, "<si><t>a</t><r><si><t>b</t></si></r></si>"), "read"),
    "strings that claim thousands of millions": (
        lambda: referring(3, "<si><t>a</t></si>", ' count="4294967295" uniqueCount="4294967295"'),
        "reader_died",
    ),
    "one long text in a thousand cells": (
        lambda: referring(1_000, f"<si><t>{'张' * 30_000}</t></si>"),
        "workbook_too_large",
    ),
    "errors all the way down": (
        lambda: raw(
            sheet("".join(f'<row r="{row}"><c r="A{row}" t="e"><v>#N/A</v></c></row>' for row in range(1, 60_001)))
        ),
        "read",
    ),
    "hidden rows all the way down": (
        lambda: raw(sheet(ROSTER + "".join(f'<row r="{row}" hidden="1"/>' for row in range(3, 100_003)))),
        "read",
    ),
    "serials that are no day": (
        lambda: raw(
            sheet('<row r="1"><c r="A1" s="1"><v>-5</v></c><c r="B1" s="1"><v>1e300</v></c></row>'),
            styles=f'{HEAD}<styleSheet xmlns="{MAIN}"><cellXfs count="2"><xf numFmtId="0"/>'
            '<xf numFmtId="14"/></cellXfs></styleSheet>',
        ),
        "read",
    ),
}

OLD = {
    "a compound file of nothing": (lambda: OLE + bytes(512), "workbook_encrypted"),
    "a workbook with a password": (builders.password_protected, "workbook_encrypted"),
    "an old document": (lambda: builders_raw.compound({"WordDocument": b"x"}), "not_a_workbook"),
    "only the name of a stream": (lambda: OLE + "Workbook".encode("utf-16-le") * 99, "workbook_damaged"),
    "half an .xls": (lambda: an_xls()[:3000], "workbook_damaged"),
    "an .xls with a password": (
        lambda: an_xls(head=builders_raw.record(0x002F, b"\x01\x00\x01\x00" + bytes(50))),
        "workbook_encrypted",
    ),
    "sectors in a circle": (lambda: patched(an_xls(), 512 + 4 * 3, "<I", 2), "read"),
    "a list of sectors in a circle": (lambda: patched(an_xls(), 68, "<II", 0, 0xFFFFFF), "read"),
    "sectors without end": (lambda: patched(an_xls(), 30, "<H", 63), "workbook_damaged"),
    "a directory in a circle": (lambda: patched(an_xls(), 512 * 2 + 128 + 68, "<II", 1, 1), "read"),
    "a stream of petabytes": (lambda: patched(an_xls(), 512 * 2 + 128 + 120, "<Q", 1 << 50), "read"),
    "a sheet beyond the end": (
        lambda: patched(an_xls(), an_xls().index(b"\x85\x00\x0c") + 4, "<I", 1 << 30),
        "reader_died",
    ),
    "a record longer than the file": (lambda: record_of(b"\x04\x02\xff\xff"), "workbook_damaged"),
    "a cell in the last corner": (lambda: record_of(builders_raw.biff_cell(65_535, 255, "远")), "workbook_far"),
    "strings that claim millions": (
        lambda: an_xls(head=builders_raw.record(0x00FC, struct.pack("<II", 0xFFFFFFFF, 0xFFFFFFFF))),
        "read",
    ),
    "merges that claim thousands": (lambda: record_of(builders_raw.record(0x00E5, b"\xff\xff")), "reader_died"),
    "a row of everything": (lambda: ods_book(ods_times(20, 2_000_000_000)), "workbook_too_large"),
    "a sheet of everything": (lambda: ods_book(ods_times(1_048_576, 16_384)), "workbook_too_large"),
    "a blank sheet of everything": (lambda: ods_book(ods_times(1_048_570, 16_384, "")), "read"),
    "a far row": (lambda: ods_book(ods_times(1_048_570, 16_384, "") + builders_raw.ods_row("远")), "workbook_far"),
    "a far column": (lambda: ods_book(_far_column()), "workbook_far"),
    "counts that are none": (lambda: ods_book(ods_times("-1", "x")), "workbook_damaged"),
    "entities in an .ods": (lambda: ods_instead(LAUGHS + "<a>&i;</a>"), "workbook_entities"),
    "an .ods that is noise": (lambda: ods_instead(noise(3000)), "workbook_damaged"),
    "a nest in an .ods": (lambda: ods_book("<a>" * 300_000 + "</a>" * 300_000), "read"),
    "tables in tables": (lambda: ods_book("<table:table>" * 100 + "</table:table>" * 100), "read"),
}


def _far_column():
    blank = '<table:table-cell table:number-columns-repeated="16000"/>'
    return f"<table:table-row>{blank}{builders_raw.ods_cell('远')}</table:table-row>"


def ods_book(rows):
    return an_ods(rows)


def ods_instead(content):
    return zipped(
        {
            "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
            "META-INF/manifest.xml": '<?xml version="1.0"?><manifest:manifest xmlns:manifest="m"/>',
            "content.xml": content,
        }
    )


FILES = {
    f"{group}: {name}": made
    for group, files in (
        ("no table", NOT_TABLES),
        ("text", TEXTS),
        ("archive", ARCHIVES),
        ("package", PACKAGES),
        ("markup", MARKUP),
        ("cells", CELLS),
        ("other forms", OLD),
    )
    for name, made in files.items()
}
