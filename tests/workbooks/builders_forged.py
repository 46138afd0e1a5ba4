"""Parts of files forged by hand: archives, packages, records, rows that claim what is not there."""

import hashlib
import io
import struct
import zipfile

from workbooks import builders_raw
from workbooks.builders_raw import HEAD, MAIN, RELATIONS, raw, sheet, text_row, zipped

OLE = bytes.fromhex("d0cf11e0a1b11ae1")
LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "哈哈哈哈哈哈哈哈哈哈">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    + "]>"
)
THIEF = '<!DOCTYPE x [<!ENTITY i SYSTEM "file:///etc/passwd">]>'


def strings(body, more=""):
    return f'{HEAD}<sst xmlns="{MAIN}"{more}>{body}</sst>'


def cells(*markup):
    """Return a workbook whose second row holds these cells."""
    return raw(sheet(text_row(1, "房号", "业主姓名") + f'<row r="2">{"".join(markup)}</row>'))


def referring(count, body, more=""):
    """Return a workbook of so many rows, each of which refers to the first of its shared strings."""
    rows = "".join(f'<row r="{row}"><c r="A{row}" t="s"><v>0</v></c></row>' for row in range(1, count + 1))
    return raw(sheet(rows), strings=strings(body, more))


def without(part):
    made = builders_raw.parts()
    del made[part]
    return zipped(made)


def instead(part, body):
    return zipped(builders_raw.parts() | {part: body})


def book(listed, relations=""):
    """Return a workbook that lists these sheets, with these relations beside the one to its only sheet."""
    made = builders_raw.parts()
    made["xl/workbook.xml"] = f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>{listed}</sheets></workbook>'
    made["xl/_rels/workbook.xml.rels"] = made["xl/_rels/workbook.xml.rels"].replace(
        "</Relationships>", f"{relations}</Relationships>"
    )
    return zipped(made)


def relation(target, name="rId9", mode=""):
    return f'<Relationship Id="{name}" Type="{RELATIONS}/worksheet" Target="{target}"{mode}/>'


def tab(name="a", target="rId1", number=1):
    return f'<sheet name="{name}" sheetId="{number}" r:id="{target}"/>'


def in_each(content, signature, offset, layout, value, *, names=(b"",)):
    """Return an archive with a field overwritten in each of its headers of one kind that name one of these parts."""
    changed = bytearray(content)
    behind = 30 if signature == LOCAL else 46
    place = changed.find(signature)
    while place >= 0:
        if any(changed[place + behind :].startswith(name) for name in names):
            struct.pack_into(layout, changed, place + offset, value)
        place = changed.find(signature, place + 4)
    return bytes(changed)


def overlapping():
    """Two entries of the directory that both point at one body, so that it counts twice."""
    content = raw()
    place, end = content.rindex(CENTRAL), content.index(END)
    twin = bytearray(content[place:end])
    twin[-4:] = b".xm2"
    changed = bytearray(content[:end] + bytes(twin) + content[end:])
    count, size = struct.unpack_from("<HI", content, end + 10)
    struct.pack_into("<HHI", changed, end + len(twin) + 8, count + 1, count + 1, size + len(twin))
    return bytes(changed)


def with_names(*names):
    return zipped(builders_raw.parts() | dict.fromkeys(names, "x"))


def packed_by(method):
    return zipped(builders_raw.parts(), compression=method)


def twice_named():
    content = io.BytesIO(raw())
    with zipfile.ZipFile(content, "a") as archive:
        archive.writestr("xl/worksheets/sheet1.xml ", "x")
    return content.getvalue().replace(b"sheet1.xml ", b"sheet1.xml").replace(b"\x19\x00", b"\x18\x00")


def an_xls(**options):
    return builders_raw.xls({"名册": builders_raw.biff_sheet([["房号", "业主姓名"], ["1-1-101", "张三"]])}, **options)


def patched(content, offset, layout, *values):
    changed = bytearray(content)
    struct.pack_into(layout, changed, offset, *values)
    return bytes(changed)


def record_of(body):
    """Return an .xls with one more record in its only sheet."""
    rows = [["房号", "业主姓名"], ["1-1-101", "张三"]]
    return builders_raw.xls({"名册": builders_raw.biff_sheet(rows, more=body)})


def an_ods(rows, **options):
    return builders_raw.ods(("名册", builders_raw.ods_row("房号", "业主姓名") + rows), **options)


def ods_times(rows, columns, text="x"):
    cell = builders_raw.ods_cell(text or None, more=f' table:number-columns-repeated="{columns}"')
    return f'<table:table-row table:number-rows-repeated="{rows}">{cell}</table:table-row>'


def noise(length):
    return b"".join(hashlib.sha256(str(place).encode()).digest() for place in range(0, length, 32))[:length]
