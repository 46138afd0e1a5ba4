"""Screens of our own: what is not the table of an entity. ``SCREENS`` is what ``admin.site`` registers."""

from typing import Final

from admin.screens import account, clockwork, finding, importing, outbox, record, supervision, workbench
from admin.site import Screen

SCREENS: Final[tuple[Screen, ...]] = (
    workbench.SCREEN,
    importing.SCREEN,
    outbox.SCREEN,
    supervision.SCREEN,
    record.SCREEN,
    clockwork.SCREEN,
    finding.SCREEN,
    account.SCREEN,
)
