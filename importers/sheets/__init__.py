"""The kinds of sheet an office can import, one declarative file each."""

from importers.sheets.kinds import SheetKind, kind_named

__all__ = ["SheetKind", "kind_named"]
