"""Spreadsheets in: read, map, normalise, validate, diff, preview, apply, undo."""
