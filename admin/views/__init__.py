"""The views of the entities, one file for each area of the domain."""

from collections.abc import Iterator

from admin.office_view import OfficeView
from admin.session import DB
from admin.views import estates, owners


def all_views(db: DB) -> Iterator[OfficeView]:
    """Yield every view of an entity, bound to the session of the request."""
    for area in (owners, estates):
        for view, model in area.VIEWS:
            yield view(model, db)
