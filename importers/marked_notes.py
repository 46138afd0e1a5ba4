"""The comments 批注 on refused cells: the part that holds their texts, and the drawing without which none is shown."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from importers.cells import column_index
from importers.marked_sheet import shown
from importers.marked_styles import Unpatchable

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Iterator, Mapping

AUTHOR: Final = "物管导入"
COMMENTS_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.comments+xml"
DRAWING_TYPE: Final = "application/vnd.openxmlformats-officedocument.vmlDrawing"
MOST: Final = 10_000
"""Comments in one sheet; a reason beyond that stands in the column of reasons and in the listing only."""
_LARGEST = 32 << 20
_FIRST_SHAPE = 1025
_SHAPES = re.compile(rb"<v:shape\b.*?</v:shape>", re.DOTALL)
_SHAPE_ID = re.compile(rb"_x0000_s([0-9]{1,9})")
_PLACE = re.compile(rb"<x:(Row|Column)>\s*([0-9]{1,7})\s*</x:")
_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_DRAWING_HEAD = (
    b'<xml xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" '
    b'xmlns:x="urn:schemas-microsoft-com:office:excel"><o:shapelayout v:ext="edit"><o:idmap v:ext="edit" data="1"/>'
    b'</o:shapelayout><v:shapetype id="_x0000_t202" coordsize="21600,21600" o:spt="202" '
    b'path="m,l,21600r21600,l21600,xe"><v:stroke joinstyle="miter"/><v:path gradientshapeok="t" '
    b'o:connecttype="rect"/></v:shapetype>'
)
_SHAPE = (
    '<v:shape id="_x0000_s{number}" type="#_x0000_t202" style="position:absolute;width:220pt;height:60pt;z-index:1;'
    'visibility:hidden" fillcolor="#ffffe1" o:insetmode="auto"><v:fill color2="#ffffe1"/><v:shadow on="t" '
    'color="black" obscured="t"/><v:path o:connecttype="none"/><v:textbox style="mso-direction-alt:auto">'
    '<div style="text-align:left"></div></v:textbox><x:ClientData ObjectType="Note"><x:MoveWithCells/>'
    "<x:SizeWithCells/><x:Anchor>{left}, 15, {top}, 2, {right}, 15, {bottom}, 4</x:Anchor>"
    "<x:AutoFill>False</x:AutoFill><x:Row>{row}</x:Row><x:Column>{column}</x:Column></x:ClientData></v:shape>"
)


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a package that hold one sheet's comments, and the relations it needs beyond those it has.

    ``drawing`` is the id by which the sheet must name its drawing, empty where it names one already; ``added`` is the
    path of the comments where they are a part the package has not, else empty.
    """

    bodies: Mapping[str, bytes]
    relations: str
    drawing: str
    added: str


def noted(
    source: zipfile.ZipFile,
    sheet: str,
    found: Mapping[str, tuple[str, str]],
    rows: Mapping[int, Mapping[str, str]],
    space: str,
) -> Parts:
    """Return the parts for the comments of a sheet.

    ``found`` is the sheet's relations, id → kind and path; ``space`` the namespace of the package.
    Comments of ours from the last time are left out, those of others stay. Raises Unpatchable.
    """
    kinds = {kind.rpartition("/")[2]: path for kind, path in found.values()}
    if not rows and "comments" not in kinds:
        return Parts({}, "", "", "")
    number = re.sub(r"\D", "", posixpath.basename(sheet)) or "1"
    texts = kinds.get("comments") or f"xl/commentsWuguan{number}.xml"
    shapes = kinds.get("vmlDrawing") or f"xl/drawings/vmlDrawingWuguan{number}.vml"
    reasons = dict(list(_by_reference(rows))[:MOST])
    comments, dropped = _comments(_read(source, texts) if "comments" in kinds else b"", reasons, space)
    drawn = _drawing(_read(source, shapes) if "vmlDrawing" in kinds else b"", reasons, dropped)
    base = space.replace("spreadsheetml/2006/main", "officeDocument/2006/relationships").replace(
        "spreadsheetml/main", "officeDocument/relationships"
    )
    relations, drawing = "", ""
    for kind, path, name in (("comments", texts, "rIdWuguanC"), ("vmlDrawing", shapes, "rIdWuguanD")):
        if kind not in kinds:
            relations += f'<Relationship Id="{name}" Type="{base}/{kind}" Target={quoteattr("/" + path)}/>'
            drawing = name if kind == "vmlDrawing" else drawing
    return Parts({texts: comments, shapes: drawn}, relations, drawing, "" if "comments" in kinds else texts)


def _read(source: zipfile.ZipFile, path: str) -> bytes:
    if source.getinfo(path).file_size > _LARGEST:
        raise Unpatchable
    return source.read(path)


def _by_reference(rows: Mapping[int, Mapping[str, str]]) -> Iterator[tuple[str, str]]:
    for row, cells in sorted(rows.items()):
        for letter, reason in cells.items():
            yield f"{letter}{row}", shown(reason)


def _comments(body: bytes, reasons: Mapping[str, str], space: str) -> tuple[bytes, set[str]]:
    """Return the part of the texts with these reasons in it, and the cells whose comments have drawings no more."""
    if not body:
        listed = "".join(
            f'<comment ref="{place}" authorId="0">{_text(reason)}</comment>' for place, reason in reasons.items()
        )
        head = f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><comments xmlns="{space}">'
        return (
            f"{head}<authors><author>{AUTHOR}</author></authors><commentList>{listed}</commentList></comments>".encode(),
            set(),
        )
    root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
    authors, listing = (_child(root, name) for name in ("authors", "commentList"))
    names = [author.text for author in authors]
    if AUTHOR not in names:
        etree.SubElement(authors, authors.tag.replace("authors", "author")).text = AUTHOR
        names.append(AUTHOR)
    ours = str(names.index(AUTHOR))
    dropped = set()
    for comment in list(listing):
        if comment.get("authorId") == ours:
            dropped.add(comment.get("ref", ""))
            listing.remove(comment)
    known = {comment.get("ref", ""): comment for comment in listing}
    name = etree.QName(root).namespace or space
    for place, reason in reasons.items():
        if place in known and escape(reason) in etree.tostring(known[place], encoding="unicode"):
            continue
        if place in known:
            _child(known[place], "text").append(
                etree.fromstring(f'<r xmlns="{name}"><t xml:space="preserve">\n{escape(reason)}</t></r>')
            )
        else:
            listing.append(
                etree.fromstring(f'<comment xmlns="{name}" ref="{place}" authorId="{ours}">{_text(reason)}</comment>')
            )
    listing[:] = sorted(listing, key=lambda comment: _row_and_column(comment.get("ref", "")))
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True), dropped


def _text(reason: str) -> str:
    return f'<text><r><t xml:space="preserve">{escape(reason)}</t></r></text>'


def _child(root: etree._Element, name: str) -> etree._Element:
    found = next((child for child in root if etree.QName(child).localname == name), None)
    if found is None:
        raise Unpatchable
    return found


def _row_and_column(place: str) -> tuple[int, int]:
    match = _REFERENCE.fullmatch(place)
    return (int(match[2]), column_index(match[1])) if match else (0, 0)


def _drawing(body: bytes, reasons: Mapping[str, str], dropped: set[str]) -> bytes:
    """Return the drawing with a hidden note for each cell that has none yet."""
    gone = {_row_and_column(place) for place in dropped}
    present: set[tuple[int, int]] = set()

    def kept(found: re.Match[bytes]) -> bytes:
        place = {name: int(number) for name, number in _PLACE.findall(found[0])}
        at = (place.get(b"Row", -1) + 1, place.get(b"Column", -1) + 1)
        if at in gone:
            return b""
        present.add(at)
        return found[0]

    body = _SHAPES.sub(kept, body) if body else _DRAWING_HEAD + b"</xml>"
    end = body.rfind(b"</xml>")
    if end < 0:
        raise Unpatchable
    first = max((int(number) for number in _SHAPE_ID.findall(body)), default=_FIRST_SHAPE - 1) + 1
    places = [place for place in map(_row_and_column, reasons) if place not in present]
    shapes = "".join(
        _SHAPE.format(
            number=first + place,
            left=column,
            right=column + 3,
            top=max(row - 2, 0),
            bottom=max(row - 2, 0) + 4,
            row=row - 1,
            column=column - 1,
        )
        for place, (row, column) in enumerate(places)
    )
    return body[:end] + shapes.encode() + body[end:]
