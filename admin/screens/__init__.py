"""Screens of our own: what is not the table of an entity. ``SCREENS`` is what ``admin.site`` registers."""

from typing import Final

from admin.screens import (
    account,
    clockwork,
    desk,
    finding,
    importing,
    outbox,
    papers,
    rates,
    record,
    supervision,
    workbench,
)
from admin.site import Screen

SCREENS: Final[tuple[Screen, ...]] = (
    workbench.SCREEN,
    desk.SCREEN,
    importing.SCREEN,
    outbox.SCREEN,
    supervision.SCREEN,
    record.SCREEN,
    papers.SCREEN,
    rates.SCREEN,
    clockwork.SCREEN,
    finding.SCREEN,
    account.SCREEN,
)
