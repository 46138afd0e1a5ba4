"""The page of one batch: counts, what was decided, and its rows by what becomes of them, to be put right in place."""

from collections.abc import Mapping
from typing import Any, Final

from flask import render_template, request
from flask.typing import ResponseReturnValue

from admin import access
from admin.references import parse_id
from admin.screens import importing_lines
from admin.session import session_at_hand
from importers import frames, undo
from importers.choices import Choices
from importers.sheets.kinds import kind_named
from tenant.models import ImportBatch
from tenant.rules.terms import Act, Area, ImportState

PAGE: Final = 100
FOUND: Final = 200
"""How many rows a search shows at most."""
TABS: Final = {"new": "新增", "changed": "变更", "same": "相同", "conflict": "冲突", "refused": "拒绝"}
TONES: Final = {"new": "green", "changed": "blue", "same": "grey", "conflict": "amber", "refused": "red"}
SHOWN_LEFT: Final = 200
"""How many records that undoing has left are listed."""
MENDED: Final = frozenset({"conflict", "refused"})
"""What becomes of rows that can be put right in place."""


def page(batch: ImportBatch, *, words: str = "", typed: Mapping[str, str] | None = None) -> ResponseReturnValue:
    """Return the page of a batch, narrowed to the rows with ``words`` in them.

    ``typed`` is a form that could not be saved, by the names of its fields: what was written into it is not lost.
    """
    head = frames.head(batch)
    totals: Mapping[str, int] = head["totals"]
    asked = request.args.get("tab")
    chosen = asked if asked in TABS else next((key for key in TABS if totals.get(key)), "new")
    number = 1 if words else parse_id(request.args.get("page")) or 1
    rows = _rows(batch, chosen, words, number)
    standing = importing_lines.standing(batch)
    has_rows = any(totals.values())
    return render_template(
        "wuguan/batch.html",
        batch=importing_lines.line(batch) | standing,
        steps=importing_lines.steps(batch),
        counts=batch.counts,
        subjects=kind_named(batch.kind).subjects,
        about=importing_lines.ABOUT.get(batch.kind, ("对象", "说明", "请指明")),
        tabs=[(key, label, totals.get(key, 0)) for key, label in TABS.items()] if has_rows else [],
        tones=TONES,
        chosen=chosen,
        rows=rows,
        words=words,
        page=number,
        size=PAGE,
        total=len(rows) if words else totals.get(chosen, 0),
        following=not words and number * PAGE < totals.get(chosen, 0),
        is_cleared=not words and not rows and totals.get(chosen, 0) > (number - 1) * PAGE,
        is_cut=bool(words) and len(rows) == FOUND,
        mends=standing["is_decidable"] and chosen in MENDED and bool(rows),
        typed=typed or {},
        sees_values=access.may(Area.IMPORTS, Act.IMPORT) or access.may(Area.OWNERS, Act.REVEAL),
        **_decisions(batch, head),
        **importing_lines.progress(batch),
    )


def _rows(batch: ImportBatch, chosen: str, words: str, number: int) -> list[dict[str, Any]]:
    """Return the rows to show, the subject of each fact in words of its own."""
    if words:
        return frames.search(session_at_hand(), batch, chosen, words, FOUND)
    return frames.rows(session_at_hand(), batch, chosen, (number - 1) * PAGE, PAGE)


def _decisions(batch: ImportBatch, head: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page says of choices, of what the file does not name, and of what confirming would do."""
    kind = kind_named(batch.kind)
    missing: Mapping[str, int] = head["missing"] or {}
    columns = importing_lines.understood(kind, head["columns"])
    held = importing_lines.number(batch, "rows", "refused") + importing_lines.number(batch, "rows", "conflict")
    choices = Choices.from_json(batch.choices)
    return {
        "notices": head["notices"],
        "columns": columns,
        "unread": sum(heading["label"] is None for table in columns for heading in table["headings"]),
        "has_refused": bool(head["refused_cells"]),
        "choices": importing_lines.decided(batch),
        "modes": [(mode.value, mode.label, words) for mode, words in importing_lines.MODES.items()],
        "asks_missing": bool(missing),
        "missing": importing_lines.gone(batch, missing),
        "ending": importing_lines.ending(batch, missing),
        "today": importing_lines.today_of(batch),
        "consequence": importing_lines.consequence(batch, missing),
        "is_blocked": choices.all_or_nothing and held > 0 and batch.state is ImportState.PREVIEWED,
        "history": importing_lines.history(batch),
        "digest": batch.file_digest,
        "short_digest": batch.file_digest[: importing_lines.SHOWN_DIGEST],
        "left": undo.left(batch)[:SHOWN_LEFT] if batch.state is ImportState.UNDONE else (),
        "left_in_all": importing_lines.number(batch, "undone", "kept"),
        "can_map": bool((head["understood"] or {}).get("sheets")),
    }
