"""Making a PDF of a form: a template in ``forms/``, the facts it is filled with, and nothing else.

Templates are ours and say how a form looks; facts are plain values, put in as text, so that nothing a customer said is
ever read as markup. Neither the network nor the fonts of the machine are asked: the same facts give the same paper
everywhere.
"""

import io
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import typst

logging.getLogger("pyBarcode").setLevel(logging.WARNING)  # it tells at every start that it can draw no pixels
import barcode  # noqa: E402
from barcode.writer import SVGWriter  # noqa: E402

Facts: TypeAlias = Mapping[str, Any]

_HERE: Final = Path(__file__).parent
FORMS: Final = _HERE / "forms"
FONTS: Final = _HERE / "fonts"
_FURTHER: Final = frozenset(chr(code) for code in range(0xA1, 0x100)) | frozenset("☐☑✓㎡㎥¥€")
"""What the font has beyond GBK that somebody may write."""
_BARS: Final = {"write_text": False, "quiet_zone": 2.0, "module_height": 10.0, "module_width": 0.25}


def printed(form: str, facts: Facts) -> bytes:
    """Return the PDF of a form, named by its template, filled with ``facts``.

    Signs that the font has not are named at the foot of the page. Raises FileNotFoundError for a form without a
    template, typst.TypstError when facts are missing in it.
    """
    template = FORMS / f"{form}.typ"
    if not template.is_file():
        raise FileNotFoundError(template.name)
    made = typst.compile(
        str(template),
        root=str(FORMS),
        font_paths=[str(FONTS)],
        ignore_system_fonts=True,
        sys_inputs={"facts": json.dumps({**facts, "missing": _named(missing_signs(facts))}, ensure_ascii=False)},
    )
    return bytes(made)


def bars(number: str) -> str:
    """Return a number as a Code 128 barcode in SVG, without the number below it. Takes ASCII alone."""
    drawn = io.BytesIO()
    barcode.get("code128", number, writer=SVGWriter()).write(drawn, dict(_BARS))
    return drawn.getvalue().decode("utf-8")


def missing_signs(facts: Facts) -> str:
    """Return the signs of ``facts`` that the font cannot print, each once, in order; empty when all can be."""
    return "".join(dict.fromkeys(sign for text in _texts(facts) for sign in text if not _is_printed(sign)))


def _named(signs: str) -> str:
    """Return signs that cannot be printed by their numbers, so that the paper can say which they were."""
    return " ".join(f"U+{ord(sign):04X}" for sign in signs)


def _is_printed(sign: str) -> bool:
    """Tell whether the font has the sign: the characters of GBK, those of western Europe, line breaks."""
    try:
        sign.encode("gbk")
    except UnicodeEncodeError:
        return sign in _FURTHER
    return True


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for held in value.values() for text in _texts(held)]
    return [text for held in value for text in _texts(held)] if isinstance(value, list | tuple) else []
