"""Records of any kind of sheet out of plain rows, and all that an office holds of some tables."""

from sqlalchemy import select

from importers.headings import Heading, SheetMapping
from importers.rows import RowReader
from importers.workbook import Sheet


def records_of(kind, header, rows):
    """Return the records of rows below a header in row 1, as far as the kind knows its headings."""
    known = {heading: column.identifier for column in kind.columns for heading in column.headings}
    headings = [Heading(place, text, known.get(text)) for place, text in enumerate(header, 1)]
    reader = RowReader(Sheet("表", [list(header), *map(list, rows)]), SheetMapping("表", 1, tuple(headings)), kind)
    return [kind.assemble(row) for row in reader.rows()]


def held_by(session, *models):
    """Return all that the office has of these tables, but the count of changes."""
    session.expire_all()
    found = {}
    for model in models:
        columns = [attr.class_attribute for attr in model.__mapper__.column_attrs if attr.key != "version"]
        found[model.__tablename__] = sorted(map(repr, session.execute(select(*columns))))
    return found
