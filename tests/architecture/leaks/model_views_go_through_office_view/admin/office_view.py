"""The one subclass."""

from flask_admin.contrib.sqla import ModelView


class OfficeView(ModelView):
    """The one."""
