"""Whatever is uploaded: it is read or refused with a sentence, within limits; no process dies but the child."""

import resource
from collections import Counter
from dataclasses import replace

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importers import refusals
from importers.reading import read
from importers.sheets import kind_named
from importers.workbook import Limits, open_workbook, scan
from tenant.errors import Refusal
from workbooks import builders
from workbooks.builders_hostile import FILES

PLAIN = builders.plain()
SMALL = Limits(memory=512 << 20, processor=20, wall=90)


def refusal_of(content, limits=SMALL, name="名册.xlsx"):
    with pytest.raises(Refusal) as refused:
        open_workbook(content, name, limits)
    assert refused.value.field == "file"
    assert refused.value.message.endswith(("。", "）"))
    return refused.value.code


def outcome_of(act):
    """Return what an act returns, or the code it is refused with; anything else that is raised is a failure."""
    try:
        return act()
    except Refusal as refusal:
        return refusal.code


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_comes_to_what_it_must_and_ends_no_process_but_the_child(name):
    make, expected = FILES[name]
    became = outcome_of(lambda: open_workbook(make(), "名册.xlsx", SMALL) and "read")
    assert became in expected.split()


def test_there_are_more_than_a_hundred_hostile_files(announce):
    codes = Counter(expected for _, expected in FILES.values())
    announce(f"{len(FILES)} hostile files, {codes['read']} harmless, {len(codes) - 1} reasons of refusal")
    assert len(FILES) > 100


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("text: ") or "cell at" in name])
def test_what_opens_is_read_as_a_roster_or_refused_with_a_sentence(name):
    def reading():
        return read(FILES[name][0](), "名册.xlsx", kind_named("roster")) and "read"

    became = outcome_of(reading)
    assert became == "read" or became in {*refusals.SENTENCES, "sheet_empty", "header_missing", "rows_missing"}


def test_one_long_text_in_many_cells_costs_the_parent_nothing():
    content = FILES["cells: one long text in a thousand cells"][0]()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert refusal_of(content) == "workbook_too_large"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150 << 10


def test_a_file_over_the_limit_is_not_even_opened():
    assert refusal_of(builders.plain(), replace(SMALL, file=100)) == "file_too_large"


def test_more_cells_than_allowed_are_refused():
    assert refusal_of(builders.of_size(100), replace(SMALL, cells=200)) == "workbook_too_large"


def test_a_child_out_of_memory_is_a_refusal():
    assert refusal_of(builders.of_size(3_000), replace(SMALL, memory=16 << 20)) == "reader_died"


def test_a_child_out_of_time_is_a_refusal():
    assert refusal_of(builders.of_size(3_000), replace(SMALL, wall=0.05)) == "reader_too_slow"


def test_declared_sizes_that_lie_do_not_help():
    content = bytearray(builders.zip_bomb())
    place = content.index(b"PK\x01\x02")
    while place >= 0:
        if content[place + 46 :].startswith(builders.SHEET.encode()):
            content[place + 24 : place + 28] = (1000).to_bytes(4, "little")
        place = content.find(b"PK\x01\x02", place + 4)
    assert refusal_of(bytes(content)) in {"workbook_damaged", "workbook_bomb", "reader_died"}


@pytest.mark.parametrize("reference", ["XFD1048576", "XFD5000", "A1048576", "XFD1"])
def test_a_far_cell_costs_nothing_and_is_told(reference):
    sheet = open_workbook(builders.far_cell(reference), limits=SMALL).sheets[0]
    assert sheet.rows[1][:4] == ["1栋", "1单元", "101", "张三"]
    assert len(sheet.rows) == 2
    assert "没有读取" in sheet.notices[0]


def test_far_formats_without_content_are_nothing():
    assert len(open_workbook(builders.styled_only(), limits=SMALL).sheets[0].rows) == 0


def test_one_merge_over_everything_is_harmless():
    assert len(open_workbook(builders.huge_merge(), limits=SMALL).sheets[0].rows) == 2


def test_a_wrong_dimension_hides_no_row():
    assert len(open_workbook(builders.with_title_and_side_notes(), limits=SMALL).sheets[0].rows) == 11


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_text_is_read_by_its_content_whatever_its_name(encoding):
    book = open_workbook(builders.as_csv(encoding), "其实是文本.xlsx", SMALL)
    assert book.sheets[0].rows[2][2] == "钱二、钱三"


TEXT = "楼栋,房号,业主姓名\r\n3,101,王小明\r\n"
TRADITIONAL = "樓棟,房號,業主姓名,電話\r\n3,101,王小明,\r\n"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(TEXT.encode("utf-16-le"), "text_utf16_unmarked", id="UTF-16"),
        pytest.param(TEXT.encode("utf-16-be"), "text_utf16_unmarked", id="UTF-16 the other way round"),
        pytest.param((TEXT * 9_000).encode("utf-16-le"), "text_utf16_unmarked", id="UTF-16, longer than is looked at"),
        pytest.param(TEXT.encode("utf-16-le") + b"\0", "text_utf16_unmarked", id="UTF-16 cut off"),
        pytest.param(b"\0" + TEXT.encode(), "not_a_workbook", id="a zero alone"),
        pytest.param(TEXT.encode("utf-32-le"), "not_a_workbook", id="UTF-32"),
        pytest.param(bytes(range(256)) * 9, "not_a_workbook", id="every byte there is"),
        pytest.param(TRADITIONAL.encode("big5"), "text_big5", id="Big5"),
        pytest.param((TRADITIONAL * 99).encode("big5"), "text_big5", id="much of Big5"),
        pytest.param(
            "a,b\r\n樓,\xff".encode("latin-1", "replace") + b"\xff\xff", "text_unreadable", id="nothing known"
        ),
    ],
)
def test_text_in_another_encoding_is_refused_by_the_name_of_it(content, code):
    assert refusal_of(content, name="名册.csv") == code


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_text_of_traditional_signs_is_read_where_its_encoding_is_known(encoding):
    rows = open_workbook(TRADITIONAL.encode(encoding), "名册.csv", SMALL).sheets[0].rows
    assert rows[0] == ["樓棟", "房號", "業主姓名", "電話"]


def test_macros_are_not_run_and_said_so():
    assert "宏" in open_workbook(builders.plain(), "名册.xlsm", SMALL).notices[0]


def test_the_child_sees_nothing_of_our_surroundings(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    seen = {}

    def run(command, **options):
        seen.update(options)
        raise OSError

    monkeypatch.setattr("importers.reader.subprocess.Popen", run)
    assert refusal_of(builders.plain()) == "reader_unavailable"
    assert set(seen["env"]) == {"PYTHONPATH", "PATH", "PYTHONDONTWRITEBYTECODE"}


def test_each_sentence_says_what_to_do():
    for code in refusals.SENTENCES:
        message = refusals.file(code, limit="32 MB", kind="x", known="roster").message
        assert any(word in message for word in ("请", "可用")), code


@given(st.binary(max_size=400), st.sampled_from([b"", b"PK\x03\x04", b"PK\x05\x06", bytes.fromhex("d0cf11e0a1b11ae1")]))
@settings(max_examples=300, deadline=None)
def test_no_bytes_make_the_scan_raise_anything_else(tail, head):
    assert outcome_of(lambda: scan(head + tail, SMALL)) in {"xlsx", "xls", "ods", "text", *refusals.SENTENCES}


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_no_damaged_workbook_gets_past_a_refusal(data):
    content = bytearray(PLAIN)
    for _ in range(data.draw(st.integers(1, 12))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    read = outcome_of(lambda: open_workbook(bytes(content), "名册.xlsx", SMALL) and "read")
    assert read in {"read", *refusals.SENTENCES}


def test_a_hidden_sheet_is_opened_as_hidden_and_left_to_people():
    book = openpyxl.Workbook()
    book.active.append(["房号", "业主姓名"])
    book.active.append(["1-1-101", "张三"])
    book.create_sheet("旧").sheet_state = "hidden"
    book["旧"]["A1"] = "不读"
    content = builders.saved(book)
    opened = open_workbook(content, limits=SMALL)
    assert [(sheet.name, sheet.hidden) for sheet in opened.sheets] == [("Sheet", False), ("旧", True)]
    reading = read(content, "名册.xlsx", kind_named("roster"))
    assert len(reading.records) == 1
    assert "旧" in "".join(reading.notices)
