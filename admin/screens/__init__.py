"""Screens of our own: what is not the table of an entity. ``SCREENS`` is what ``admin.site`` registers."""

from typing import Final

from admin.screens import (
    account,
    boards_department,
    boards_office,
    boards_orders,
    clockwork,
    desk,
    files,
    finding,
    holidays,
    importing,
    limits,
    outbox,
    papers,
    rates,
    record,
    replays,
    reports,
    rota,
    supervision,
    workbench,
)
from admin.site import Screen

SCREENS: Final[tuple[Screen, ...]] = (
    boards_department.SCREEN,
    boards_office.SCREEN,
    boards_orders.SCREEN,
    workbench.SCREEN,
    desk.SCREEN,
    importing.SCREEN,
    outbox.SCREEN,
    supervision.SCREEN,
    record.SCREEN,
    papers.SCREEN,
    rates.SCREEN,
    rota.SCREEN,
    reports.SCREEN,
    replays.SCREEN,
    clockwork.SCREEN,
    limits.SCREEN,
    holidays.SCREEN,
    files.SCREEN,
    finding.SCREEN,
    account.SCREEN,
)
