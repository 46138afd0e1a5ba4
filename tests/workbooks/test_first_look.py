"""The quick look at a worksheet's markup tells what the thorough one tells, or says that it cannot."""

import io
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importers import _prescan
from importers._glance import Seen

PLAIN = (
    '<?xml version="1.0" encoding="UTF-8"?><worksheet xmlns="x">'
    '<cols><col min="1" max="2" hidden="1"/></cols><sheetData>'
    '<row r="1" spans="1:3"><c r="A1" s="1" t="s"><v>0</v></c><c r="C1" t="inlineStr"><is><t>房号</t></is></c></row>'
    '<row r="2" hidden="1"><c r="A2"><v>12.5</v></c><c r="AB2" s="4"/></row></sheetData>'
    '<mergeCells count="1"><mergeCell ref="A1:A2"/></mergeCells></worksheet>'
)


def archive_of(markup: str) -> zipfile.ZipFile:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sheet.xml", markup)
    return zipfile.ZipFile(file)


def thorough(markup: str) -> _prescan.Findings:
    findings = _prescan.Findings("表", hidden=False)
    _prescan._parse(archive_of(markup), "sheet.xml", [1 << 20], _prescan._SheetScan(findings))
    return findings


def quick(markup: str, budget: list[int] | None = None) -> _prescan.Findings | None:
    """Return what the quick look finds, None where it leaves the whole sheet to the thorough one."""
    findings = _prescan.Findings("表", hidden=False)
    is_enough = _prescan._glanced(archive_of(markup), "sheet.xml", budget or [1 << 20], findings)
    return findings if is_enough else None


def outcome(look: Callable[[str], _prescan.Findings | None], markup: str) -> object:
    try:
        found = look(markup)
    except _prescan.Suspicious as mistake:
        return mistake.code
    return found and (found.marks, found.hidden_rows, found.merges, found.last_row)


def test_a_plain_sheet_is_told_at_first_sight_as_tag_by_tag():
    budget = [1 << 20]
    seen, found = quick(PLAIN, budget), thorough(PLAIN)
    assert seen is not None
    assert (seen.hidden_rows, seen.merges) == (found.hidden_rows, found.merges) == ([2], ["A1:A2"])
    assert seen.last_row == found.last_row == 2
    assert 0 < seen.cells <= found.cells
    assert seen.last_column >= found.last_column
    assert budget == [(1 << 20) - len(PLAIN.encode())]


def test_plain_rows_leave_nothing_to_be_read_tag_by_tag():
    seen = Seen()
    left = b"".join(seen.rest([PLAIN[:200].encode(), PLAIN[200:].encode()]))
    assert b"<row" not in left
    assert b"<mergeCell " in left
    assert (seen.last_row, seen.last_column, seen.hidden_rows) == (2, 28, [2])


@pytest.mark.parametrize(
    ("plain", "odd"),
    [
        pytest.param('t="s"', 't="e"', id="an error"),
        pytest.param("<v>12.5</v>", "<f>A1</f><v>12.5</v>", id="a formula"),
        pytest.param("<v>12.5</v>", '<f t="shared" si="0"/><v>12.5</v>', id="a shared formula"),
        pytest.param("<v>12.5</v>", "<f>A1</f>", id="a formula without its result"),
        pytest.param("<v>12.5</v>", "<f/>", id="an empty formula"),
        pytest.param("<v>12.5</v>", "<f>A1</f><v></v>", id="a formula with an empty result"),
        pytest.param('<c r="A2">', "<c r='A2'>", id="single quotes"),
        pytest.param('<c r="A2">', '<c r = "A2">', id="blanks around a sign"),
        pytest.param('<c r="A2">', '<c\tr="A2">', id="a tab behind a tag"),
        pytest.param('<c r="A2">', "<c>", id="a cell without a place"),
        pytest.param('<c r="A2">', '<c r="A2" t = "e">', id="an error behind blanks"),
        pytest.param('<row r="2" hidden="1">', "<row r=\"2\" hidden='1'>", id="hidden in single quotes"),
        pytest.param('<row r="2" hidden="1">', '<row r="9999999">', id="a row no sheet has"),
        pytest.param('r="AB2"', 'r="ZZZ2"', id="a column no sheet has"),
        pytest.param("</worksheet>", "", id="no end"),
        pytest.param("</v></c>", "</v>", id="a cell without end"),
        pytest.param('<c r="A2"><v>12.5</v></c>', "<x:c r='A2'><x:f/></x:c>", id="a prefix"),
        pytest.param('encoding="UTF-8"', "encoding='utf-8'", id="the encoding in single quotes"),
    ],
)
def test_whatever_is_odd_is_told_as_tag_by_tag(plain: str, odd: str):
    assert plain in PLAIN
    markup = PLAIN.replace(plain, odd, 1)
    assert outcome(quick, markup) == outcome(thorough, markup)


@pytest.mark.parametrize(
    ("plain", "odd"),
    [
        pytest.param("<sheetData>", "<sheetData><!-- note -->", id="a comment"),
        pytest.param("<v>12.5</v>", '<v><![CDATA[<row r="7"></row>]]></v>', id="a marked section"),
        pytest.param("<worksheet", "<!DOCTYPE worksheet><worksheet", id="a document type"),
        pytest.param('<row r="2" hidden="1">', '<row hidden="1"><c t="e"><v>#N/A</v></c>', id="a row without a number"),
        pytest.param('encoding="UTF-8"', 'encoding="GB18030"', id="another encoding"),
    ],
)
def test_what_cannot_be_told_by_the_rest_is_left_to_the_thorough_reader(plain: str, odd: str):
    assert plain in PLAIN
    budget = [1 << 20]
    assert quick(PLAIN.replace(plain, odd, 1), budget) is None
    assert budget == [1 << 20]


def test_it_inflates_no_more_than_it_may():
    with pytest.raises(_prescan.Suspicious, match="workbook_bomb"):
        quick(PLAIN, [100])


def test_far_cells_are_looked_at_twice_and_found():
    far = PLAIN.replace('<c r="AB2" s="4"/>', '<c r="XFD2"><v>1</v></c>')
    assert quick(far) is None
    assert thorough(far).is_far


CELLS = st.sampled_from(
    [
        '<c r="{0}" s="1"/>',
        '<c r="{0}"><v>7</v></c>',
        '<c r="{0}" t="s"><v>0</v></c>',
        '<c r="{0}" t="inlineStr"><is><t xml:space="preserve"> 房 </t></is></c>',
        '<c r="{0}" t="inlineStr"><is><r><t>房</t></r></is></c>',
        '<c r="{0}" s="3"><f>A1&amp;B1</f><v>1</v></c>',
        '<c r="{0}"><f t="shared" si="0"/><v>2</v></c>',
        '<c r="{0}"><f>NA()</f></c>',
        '<c r="{0}"><v></v></c>',
        '<c r="{0}" t="str"><f>""</f><v></v></c>',
        '<c r="{0}" t="e"><v>#N/A</v></c>',
        '<c t="b" r="{0}"><v>1</v></c>',
        "<c\n r='{0}'><v>3</v></c>",
        '<c r="{0}" cm="1"><v>3</v></c>',
    ]
)
ROWS = st.tuples(
    st.sampled_from(['<row r="{}">', '<row r="{}" spans="1:4" ht="15" hidden="1">', "<row r='{}' hidden='true'>"]),
    st.lists(CELLS, max_size=4),
    st.sampled_from(["</row>", "</row>\n"]),
)


@given(st.lists(ROWS, max_size=8), st.integers(1, 40))
@settings(max_examples=300, deadline=None)
def test_whatever_rows_a_sheet_has_both_looks_tell_the_same(rows: list[tuple[str, list[str], str]], piece: int):
    lines = [
        start.format(row) + "".join(cell.format(f"{'ABCD'[place]}{row}") for place, cell in enumerate(cells)) + end
        for row, (start, cells, end) in enumerate(rows, 3)
    ]
    markup = f"<worksheet><sheetData>{''.join(lines)}</sheetData></worksheet>"
    pieces = [markup[at : at + piece].encode() for at in range(0, len(markup), piece)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_prescan, "_pieces", lambda *_asked: iter(pieces))
        seen = quick(markup)
    found = thorough(markup)
    assert seen is not None
    assert (seen.marks, seen.hidden_rows, seen.merges) == (found.marks, found.hidden_rows, found.merges)
    assert seen.last_row >= found.last_row
    assert seen.last_column >= found.last_column
    assert seen.cells <= found.cells
