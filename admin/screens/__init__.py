"""Screens of our own: what is not the table of an entity. ``SCREENS`` is what ``admin.site`` registers."""

from typing import Final

from admin.screens import account, finding, importing, mailbox, record, supervision, workbench
from admin.site import Screen

SCREENS: Final[tuple[Screen, ...]] = (
    workbench.SCREEN,
    importing.SCREEN,
    mailbox.SCREEN,
    supervision.SCREEN,
    record.SCREEN,
    finding.SCREEN,
    account.SCREEN,
)
