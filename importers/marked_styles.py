"""The cell formats of a workbook, and the red twin of each format a refused cell has."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from lxml import etree

if TYPE_CHECKING:
    import zipfile

RED = "FFFFC7CE"
_LARGEST = 8 << 20


class Unpatchable(Exception):
    """The package is built in a way that cannot be patched; the caller writes a plain workbook instead."""


class Styles:
    """The workbook's formats; a twin is made when it is first needed, and taken back when a cell was put right."""

    def __init__(self, source: zipfile.ZipFile, book: str) -> None:
        path = posixpath.join(posixpath.dirname(book), "styles.xml")
        self.path = path if path in source.namelist() and source.getinfo(path).file_size < _LARGEST else ""
        self._twins: dict[int, int] = {}
        self._plain: dict[int, int] = {}
        if not self.path:
            return
        self._root = etree.fromstring(source.read(self.path), etree.XMLParser(resolve_entities=False, no_network=True))
        self._formats = self._child("cellXfs")
        fills = self._child("fills")
        self._reds = {str(place) for place, fill in enumerate(fills) if _is_red(fill)}
        self._fill = min(map(int, self._reds), default=len(fills))
        if not self._reds:
            _add_red(fills, etree.QName(self._root).namespace or "")
            self._reds.add(str(self._fill))

    def _child(self, name: str) -> etree._Element:
        found = next((child for child in self._root if etree.QName(child).localname == name), None)
        if found is None:
            raise Unpatchable
        return found

    def red(self, style: int) -> int | None:
        """Return the number of the red twin of a format, None where the workbook has no formats at all."""
        if not self.path or style >= len(self._formats):
            return None
        if style not in self._twins:
            self._twins[style] = self._added(style, str(self._fill))
        return self._twins[style]

    def plain(self, style: int) -> int:
        """Return the number of the format a red one was made from, any other as it is.

        Where no such format is left, it is the same one without a fill.
        """
        if not self.path or style >= len(self._formats) or self._formats[style].get("fillId") not in self._reds:
            return style
        if style not in self._plain:
            sought = _but_fill(self._formats[style])
            alike = (
                place
                for place, found in enumerate(self._formats)
                if found.get("fillId") not in self._reds and _but_fill(found) == sought
            )
            place = next(alike, None)
            self._plain[style] = self._added(style, "0") if place is None else place
        return self._plain[style]

    def _added(self, style: int, fill: str) -> int:
        twin = etree.fromstring(etree.tostring(self._formats[style]))
        twin.set("fillId", fill)
        twin.set("applyFill", "1")
        self._formats.append(twin)
        return len(self._formats) - 1

    def written(self) -> bytes:
        """Return the part as it is now."""
        self._formats.set("count", str(len(self._formats)))
        return etree.tostring(self._root, xml_declaration=True, encoding="UTF-8", standalone=True)


def _is_red(fill: etree._Element) -> bool:
    colours = [child for child in fill.iter() if etree.QName(child).localname == "fgColor"]
    return len(colours) == 1 and colours[0].get("rgb") == RED


def _add_red(fills: etree._Element, space: str) -> None:
    fill = etree.SubElement(fills, f"{{{space}}}fill")
    pattern = etree.SubElement(fill, f"{{{space}}}patternFill", patternType="solid")
    etree.SubElement(pattern, f"{{{space}}}fgColor", rgb=RED)
    fills.set("count", str(len(fills)))


def _but_fill(found: etree._Element) -> tuple[object, ...]:
    kept = sorted((str(name), str(value)) for name, value in found.attrib.items() if "ill" not in str(name))
    return (*kept, *(etree.tostring(child) for child in found))
