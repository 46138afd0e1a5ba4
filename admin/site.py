"""What stands where: the views, the navigation by duty, and what every page knows."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from flask import Blueprint, Flask, current_app, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import Admin, AdminIndexView, expose
from flask_admin.theme import Bootstrap4Theme

from admin import access
from admin.access import SIGNED_IN, door
from admin.session import DB
from tenant.rules.terms import Act, Area

GROUPS: Final = {
    "workbench": ("工作台", "home"),
    "requests": ("报事", "wrench"),
    "complaints": ("投诉", "chat"),
    "rectifications": ("整改", "hammer"),
    "owners": ("业主与房屋", "people"),
    "places": ("车位与表计", "car"),
    "charges": ("收费", "money"),
    "dunning": ("催缴", "dunning"),
    "imports": ("导入", "upload"),
    "reports": ("报表", "chart"),
    "supervision": ("督导", "tower"),
    "audit": ("审计", "shield"),
    "settings": ("设置", "gear"),
}
"""The duties of the navigation, in order: key → what it is called, and its icon."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the navigation: shown to who may do ``act`` in ``area`` (None: to everybody signed in).

    ``count`` tells how many things wait behind it, None where nothing can wait; ``order`` sorts within the group.
    """

    group: str
    label: str
    endpoint: str
    area: Area | None = None
    count: Callable[[], int] | None = None
    order: int = 50
    act: Act = Act.VIEW

    def is_shown(self) -> bool:
        """Tell whether the person asking sees the line."""
        return self.area is None or access.may(self.area, self.act)

    def is_active(self) -> bool:
        """Tell whether the page being shown belongs to this line."""
        return (request.endpoint or "").partition(".")[0] == self.endpoint.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Screen:
    """A screen of our own, which is not the table of an entity: its views, and its lines in the navigation."""

    blueprint: Blueprint
    entries: tuple[Entry, ...] = ()


@dataclass(slots=True)
class Navigation:
    """All lines of the navigation, as the views and screens brought them."""

    entries: list[Entry] = field(default_factory=list)

    def add(self, entries: Iterable[Entry]) -> None:
        """Take lines on; raises ValueError for a duty that does not exist."""
        for entry in entries:
            if entry.group not in GROUPS:
                message = f"{entry.endpoint} stands under no duty: {entry.group}"
                raise ValueError(message)
            self.entries.append(entry)

    def shown(self) -> list[dict[str, Any]]:
        """Return the groups the person asking sees, each with its lines; what may not be opened is not there."""
        return [group for group in (self._group(key) for key in GROUPS) if group["entries"]]

    def _group(self, key: str) -> dict[str, Any]:
        label, icon = GROUPS[key]
        lines = sorted((entry for entry in self.entries if entry.group == key), key=lambda entry: entry.order)
        shown = [
            {
                "label": entry.label,
                "url": url_for(entry.endpoint),
                "count": entry.count() if entry.count else None,
                "active": entry.is_active(),
            }
            for entry in lines
            if entry.is_shown()
        ]
        return {"key": key, "label": label, "icon": icon, "entries": shown}


class FrontPage(AdminIndexView):
    """The address of the site itself: leads to the first page the person may open."""

    @expose()
    @door(SIGNED_IN)
    def index(self) -> ResponseReturnValue:
        """Go to the first line of the navigation."""
        return redirect(next(line["url"] for group in navigation().shown() for line in group["entries"]))


def navigation() -> Navigation:
    """Return the application's navigation."""
    found: Navigation = current_app.extensions["wuguan.navigation"]
    return found


def install(application: Flask, db: DB) -> None:
    """Register every view and screen, and tell the pages what they all need."""
    from admin import screens, views  # noqa: PLC0415 - both are made of what stands above

    lines = Navigation()
    application.extensions["wuguan.navigation"] = lines
    application.context_processor(shell)
    admin = Admin(
        application,
        name="物管",
        url="/",
        index_view=FrontPage(name="工作台", url="/"),
        theme=Bootstrap4Theme(base_template="admin/base.html"),
        csp_nonce_generator=lambda: g.csp_nonce,
    )
    for view in views.all_views(db):
        admin.add_view(view)
        lines.add(view.entries())
    for screen in screens.SCREENS:
        application.register_blueprint(screen.blueprint)
        lines.add(screen.entries)


def shell() -> dict[str, Any]:
    """Return what every page may use: who, where, the navigation, and the nonce of its scripts."""
    person, office = access.identity(), access.office_at_hand()
    several = person is not None and (len(person.offices) > 1 or person.is_headquarters)
    return {
        "identity": person,
        "office": office,
        "offices": person.offices if person else (),
        "navigation": navigation().shown() if person else [],
        "csp_nonce": lambda: g.csp_nonce,
        "may": access.may,
        "home_url": url_for("admin.index"),
        "whole_group": several,
        "visiting": bool(person and person.is_headquarters and office),
        "switch_url": url_for("auth.choose_office"),
        "sign_out_url": url_for("auth.sign_out"),
        "password_url": url_for("auth.password"),
    }
