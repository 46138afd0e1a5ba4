"""The product without its walls: the same pages over a database that nothing guards, the office in a WHERE by hand."""

from functools import partial
from typing import Any

from flask import Flask
from flask_admin.contrib.sqla import ModelView
from sqlalchemy.orm import Session

from admin.app import create_app
from bench.world import unguarded_engine
from tenant.db import Database
from tenant.journal import Actor
from tenant.models.base import Walled
from tenant.scoping import Scope
from tenant.settings import Settings


class UnwalledDatabase(Database):
    """Plain sessions as a superuser: no criterion, no check of statements, no policy; still recorded."""

    def __init__(self, walled: Database) -> None:
        """Open what ``walled`` opens, beside it."""
        self.addresses = walled.addresses
        self.recorder = walled.recorder
        self.engine = unguarded_engine(walled.addresses.owner)

    def make_session(self, scope: Scope, actor: Actor, *, reason: str | None = None) -> Any:  # noqa: ANN401, ARG002
        """Return a session that sees everything."""
        info = {"scope": Scope.everywhere(), "actor": actor, "recorder": self.recorder}
        info |= {"reason": reason, "standing_reason": reason, "flushing": True}
        session = Session(self.engine, expire_on_commit=False, info=info)
        self.recorder.watch(session)
        return session


def unwalled_app(settings: Settings, walled: Database, office_id: int) -> Flask:
    """Return the application whose lists are narrowed to ``office_id`` by their own query alone."""
    application = create_app(settings, UnwalledDatabase(walled))
    (admin,) = application.extensions["admin"]
    for view in admin._views:  # noqa: SLF001 - Flask-Admin has no other list of them
        if isinstance(view, ModelView) and issubclass(view.model, Walled):
            view.get_query = partial(_of_office, view, view.get_query, office_id)
    return application


def _of_office(view: Any, get_query: Any, office_id: int) -> Any:  # noqa: ANN401 - Flask-Admin's
    return get_query().filter(view.model.office_id == office_id)
