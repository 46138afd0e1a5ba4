"""Two ways round the one view, and the right one."""

from flask_admin.contrib import sqla
from flask_admin.contrib.sqla import ModelView

from admin.office_view import OfficeView


class OwnerView(ModelView):  # LEAK
    """Scoped by hand."""


class UnitView(sqla.ModelView):  # LEAK
    """Scoped by nobody."""


class BuildingView(OfficeView):
    """Scoped."""
