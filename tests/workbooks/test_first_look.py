"""The quick look at a worksheet's markup tells what the thorough one tells, or says that it cannot."""

import io
import zipfile

import pytest

from importers import _prescan
from importers._glance import glance

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


def test_a_plain_sheet_is_told_at_first_sight_as_tag_by_tag():
    seen, found = glance(archive_of(PLAIN), "sheet.xml", 1 << 20), thorough(PLAIN)
    assert seen is not None
    assert (seen.hidden_rows, seen.merges) == (found.hidden_rows, found.merges) == ([2], ["A1:A2"])
    assert (seen.last_row, seen.cells) == (found.last_row, found.cells) == (2, 3)
    assert seen.last_column >= found.last_column
    assert seen.inflated == len(PLAIN.encode())


@pytest.mark.parametrize(
    ("plain", "odd"),
    [
        pytest.param('t="s"', 't="e"', id="an error"),
        pytest.param("<v>12.5</v>", "<f>A1</f><v>12.5</v>", id="a formula"),
        pytest.param("<v>12.5</v>", "<f/>", id="an empty formula"),
        pytest.param('<c r="A2">', "<c r='A2'>", id="single quotes"),
        pytest.param('<c r="A2">', '<c r = "A2">', id="blanks around a sign"),
        pytest.param('<c r="A2">', '<c\tr="A2">', id="a tab behind a tag"),
        pytest.param('<c r="A2">', "<c>", id="a cell without a place"),
        pytest.param('<c r="A2">', '<c r="A2" t = "e">', id="an error behind blanks"),
        pytest.param('<row r="2" hidden="1">', "<row r=\"2\" hidden='1'>", id="hidden in single quotes"),
        pytest.param('<row r="2" hidden="1">', '<row hidden="1">', id="a row without a number"),
        pytest.param('<row r="2" hidden="1">', '<row r="9999999">', id="a row no sheet has"),
        pytest.param('r="AB2"', 'r="ZZZ2"', id="a column no sheet has"),
        pytest.param("<sheetData>", "<sheetData><!-- note -->", id="a comment"),
        pytest.param("<worksheet", "<!DOCTYPE worksheet><worksheet", id="a document type"),
        pytest.param("</worksheet>", "", id="no end"),
        pytest.param('<c r="A2"><v>12.5</v></c>', '<x:c r="A2"><x:v>1</x:v></x:c>', id="a prefix"),
        pytest.param('encoding="UTF-8"', 'encoding="GB18030"', id="another encoding"),
    ],
)
def test_whatever_is_odd_is_left_to_the_thorough_reader(plain: str, odd: str):
    assert plain in PLAIN
    assert glance(archive_of(PLAIN.replace(plain, odd, 1)), "sheet.xml", 1 << 20) is None


def test_it_inflates_no_more_than_it_may():
    assert glance(archive_of(PLAIN), "sheet.xml", 100) is None


def test_far_cells_are_looked_at_twice_and_found():
    far = PLAIN.replace('<c r="AB2" s="4"/>', '<c r="XFD2"><v>1</v></c>')
    findings = _prescan.Findings("表", hidden=False)
    assert not _prescan._glanced(archive_of(far), "sheet.xml", [1 << 20], findings)
    assert thorough(far).is_far
