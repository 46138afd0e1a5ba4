"""What an office's people said about their columns, kept for the next file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from importers.mapping import Vocabulary, comparable
from importers.sheets.kinds import kind_named
from tenant import clock
from tenant.errors import Refusal
from tenant.models import HeadingAlias, ImportLayout

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy.orm import Session

    from importers.reading import Reading
    from importers.sheets.kinds import SheetKind
    from tenant.models import Office

KEPT_IN_NOTE: Final = "保留到备注"
"""What `+note` is called."""
_LONGEST_HEADINGS = 500


def vocabulary(session: Session, office: Office, kind: SheetKind) -> Vocabulary:
    """Return what the office has taught about a kind of sheet; columns the kind no longer has are left out."""
    known = {column.identifier for column in kind.columns}
    aliases = session.execute(
        select(HeadingAlias.heading, HeadingAlias.identifier).where(
            HeadingAlias.office_id == office.id, HeadingAlias.kind == kind.identifier
        )
    )
    layouts = session.execute(
        select(ImportLayout.fingerprint, ImportLayout.mapping).where(
            ImportLayout.office_id == office.id, ImportLayout.kind == kind.identifier
        )
    )
    return Vocabulary(
        {comparable(heading): identifier for heading, identifier in aliases if identifier in known},
        {digest: mapping for digest, mapping in layouts if digest},
    )


def as_read(taught: Vocabulary, layouts: Iterable[Mapping[str, Any]]) -> Vocabulary:
    """Return a vocabulary by which a file is read once more as it was read before, whatever was taught meanwhile.

    ``layouts`` is what `Reading.layouts` gave then.
    """
    before = {
        layout["fingerprint"]: {**layout, "columns": dict.fromkeys(layout["unread"]) | layout["columns"]}
        for layout in layouts
        if layout["fingerprint"]
    }
    return Vocabulary(taught.aliases, {**taught.layouts, **before})


def remember(session: Session, office: Office, kind: SheetKind, reading: Reading) -> None:
    """Keep how every sheet of a reading was mapped: a file of the same layout is read the same way next time."""
    keep(session, office, kind, reading.layouts())


def keep(session: Session, office: Office, kind: SheetKind, layouts: Iterable[Mapping[str, Any]]) -> None:
    """Keep layouts as `Reading.layouts` gives them; one that is known already is brought up to date."""
    for layout in layouts:
        if not layout["fingerprint"]:
            continue
        known = session.scalar(
            select(ImportLayout).where(
                ImportLayout.office_id == office.id,
                ImportLayout.kind == kind.identifier,
                ImportLayout.fingerprint == layout["fingerprint"],
            )
        )
        if known is None:
            known = ImportLayout(office_id=office.id, kind=kind.identifier, fingerprint=layout["fingerprint"])
            session.add(known)
        known.sheet = layout["sheet"][:100]
        known.headings = "、".join(layout["headings"])[:_LONGEST_HEADINGS]
        known.mapping = {"header_row": layout["header_row"], "columns": layout["columns"], "rooms": layout["rooms"]}
        known.used_at = clock.now()
        session.flush()


def learn(session: Session, office: Office, kind: SheetKind, heading: str, identifier: str) -> None:
    """Keep that the office calls a column so; the last word on a heading is the one that counts.

    Raises Refusal `column_unknown` for a column the kind has not, `heading_empty` for a heading without a word.
    """
    row = HeadingAlias(office_id=office.id, kind=kind.identifier, heading=heading[:40], identifier=identifier)
    _require_sense(row)
    known = _same_heading(session, row)
    if known is None:
        session.add(row)
    else:
        known.identifier = identifier
    session.flush()


def require_heading(session: Session, row: HeadingAlias) -> None:
    """Raise Refusal for a row that `learn` would refuse, and for a second row of the same heading."""
    _require_sense(row)
    if _same_heading(session, row):
        raise Refusal(
            code="heading_known",
            message=f"「{row.heading}」已经在列名对照里了。请改那一条，不必再加。",
            field="heading",
            value=row.heading,
        )


def _require_sense(row: HeadingAlias) -> None:
    kind = kind_named(row.kind)
    if row.identifier not in {column.identifier for column in kind.columns}:
        message = f"{kind.label}里没有这一列。请从{kind.label}的列里选择。"
        raise Refusal(code="column_unknown", message=message, field="identifier")
    if not comparable(row.heading):
        raise Refusal(code="heading_empty", message="列名是空的，没有可以记住的文字。", field="heading")


def _same_heading(session: Session, row: HeadingAlias) -> HeadingAlias | None:
    """Return another row of the office that says what the same heading means, however it is punctuated."""
    with session.no_autoflush:
        rows = session.scalars(
            select(HeadingAlias).where(HeadingAlias.office_id == row.office_id, HeadingAlias.kind == row.kind)
        )
        words = comparable(row.heading)
        return next((known for known in rows if known is not row and comparable(known.heading) == words), None)


def kept_columns(mapping: Mapping[str, Any]) -> list[tuple[str, str | None]]:
    """Return letter and identifier of what a layout remembers, in the order of the columns."""
    columns: Mapping[str, str | None] = mapping.get("columns", {})
    return sorted(columns.items(), key=lambda one: (len(one[0]), one[0]))
