"""The colours, by day and by night: every pair that carries words has the contrast of WCAG AA, 4.5 to 1."""

import re
from pathlib import Path

import pytest

import admin

AA = 4.5
ON_SURFACES = ("ink", "ink-2", "ink-3", "accent", "red", "amber", "green", "violet")
SURFACES = ("bg", "surface", "surface-raised", "surface-sunken", "hover")
PAIRS = [(ink, ground) for ink in ON_SURFACES for ground in SURFACES]
PAIRS += [(tone, f"{tone}-soft") for tone in ("green", "amber", "red", "violet", "grey")]
PAIRS += [
    ("accent-strong", "accent-soft"),
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
    ("ink-2", "grey-soft"),
]


def palettes() -> dict[str, dict[str, str]]:
    """Return the colours of the day and of the night, by name."""
    text = (Path(admin.__file__).parent / "static" / "tokens.css").read_text()
    blocks = re.findall(r":root([^{]*)\{([^}]*)\}", text)
    colours = [dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{3,6});", body)) for _, body in blocks]
    day, night, chosen = colours
    assert night == chosen, "the night of the system and the night that was chosen differ"
    return {"day": day, "night": day | night}


def luminance(colour: str) -> float:
    """Return the relative luminance of a hexadecimal colour."""
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    channels = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("time", ["day", "night"])
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair[0]} on {pair[1]}")
def test_words_can_be_read(time, pair):
    colours = palettes()[time]
    light, dark = sorted((luminance(colours[pair[0]]), luminance(colours[pair[1]])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= AA
