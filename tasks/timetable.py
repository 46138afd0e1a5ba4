"""The timetable, whole, and how it stands: what comes when, whom it wakes, what was changed on the screen."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from functools import lru_cache
from typing import Any, TypeAlias

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session

from tasks.slots import Daily, Every, Slots, placed
from tenant.calendars import zone_of
from tenant.errors import SettingsError
from tenant.models import Office, Schedule
from tenant.rules.terms import CatchUp
from tenant.scoping import scope_of

log = logging.getLogger(__name__)

Kept: TypeAlias = Row[Any]
"""A row of ``schedule`` as :func:`kept_rows` reads it."""
TOLERANCE = timedelta(minutes=15)
"""How late a slot may still be fired whose entry skips what was missed."""
SET_BACK = timedelta(minutes=5)
"""An entry that fired so far in the future was fired by a clock that went wrong: it is not waited for."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timetable: its name, what people call it, when, and the actor it wakes.

    ``catch_up`` says what becomes of slots that were missed. ``per_office``: each office that is in use has slots of
    its own, in its zone and at its own time where it set one, and the actor is woken with ``office_id``.
    """

    name: str
    label: str
    slots: Slots
    wakes: str
    catch_up: CatchUp = CatchUp.LATEST
    per_office: bool = False


TIMETABLE = (
    Entry("escalations", "升级", Every(timedelta(seconds=5)), "sweep_escalations"),
    Entry("routing", "投诉通知", Every(timedelta(seconds=5)), "sweep_routing"),
    Entry("handover", "夜间登记转办", Every(timedelta(seconds=15)), "sweep_handover"),
    Entry("warnings", "到期提醒", Every(timedelta(seconds=15)), "sweep_warnings"),
    # each minute, so that the end of quiet hours is met; floods are gathered for the next quarter
    Entry("gathering", "汇总通知", Every(timedelta(minutes=1)), "gather_mails"),
    Entry("duty_gaps", "次日值班空缺提醒", Daily(time(16)), "tell_gaps", per_office=True),
    Entry("mail", "发信", Every(timedelta(seconds=5)), "sweep_mail"),
    Entry("seal", "封存审计记录", Every(timedelta(seconds=10)), "seal_record"),
    Entry("bounces", "收取退信", Every(timedelta(minutes=1)), "read_bounces"),
    Entry("dunning", "催缴", Daily(time(9)), "sweep_dunning", per_office=True),
    # twice more a day: what was paid in or voided meanwhile, and what a killed run did not come to plan
    Entry("dunning_noon", "催缴（午间补办）", Daily(time(13)), "sweep_dunning", per_office=True),
    Entry("dunning_evening", "催缴（傍晚补办）", Daily(time(17)), "sweep_dunning", per_office=True),
    Entry("dunning_steps", "催缴步骤", Every(timedelta(seconds=15)), "take_dunning_steps"),
    Entry("reports", "生成报表", Daily(time(0, 30)), "draw_reports", per_office=True),
    Entry("report_mails", "报表通知", Every(timedelta(minutes=1)), "tell_of_reports"),
    Entry("replan", "夜间核对", Daily(time(2, 30)), "replan"),
    Entry("files", "清理无主附件", Daily(time(3)), "sweep_files"),
    # made up for in the morning: a machine that is off at night would keep people's data for ever
    Entry("tidy", "清理过期数据", Daily(time(3, 30)), "tidy"),
)


@dataclass(frozen=True, slots=True)
class Standing:
    """How one entry stands, of the group or (``office_id``) of one office, in whose ``zone`` its slots are then.

    ``at`` is the office's own time, None for the timetable's. ``last`` is the latest slot that was dealt with, None
    when none ever was; nothing up to ``since``, when the entry was last switched on for the group, is made up for.
    ``row_id`` None: nothing is kept yet.
    """

    entry: Entry
    office_id: int | None = None
    zone: str | None = None
    at: time | None = None
    enabled: bool = True
    last: datetime | None = None
    since: datetime | None = None
    row_id: int | None = None

    @property
    def slots(self) -> Slots:
        """Return the slots as they are here."""
        return self.entry.slots if self.zone is None else placed(self.entry.slots, self.zone, self.at)

    @property
    def key(self) -> tuple[str, int | None]:
        """Return what names the standing."""
        return self.entry.name, self.office_id

    def kept(self, row: Kept | None) -> "Standing":
        """Return the standing as the database keeps it in ``row``."""
        if row is None:
            return self
        last = max(filter(None, (row.last_fire_at, self.since)), default=None)
        return replace(self, at=row.at, enabled=self.enabled and row.enabled, last=last, row_id=row.id)

    def missed(self, at: datetime) -> list[datetime] | None:
        """Return the slots to fire at ``at``, none where they are only to be marked; None when nothing has come.

        A latest slot far in the future was fired by a clock that went wrong: then nothing is known of what was missed.
        """
        slot, last = latest_slot(self.slots, at), self.last
        known = None if last is None or last > at + SET_BACK else last
        if not self.enabled or (known is not None and known >= slot):
            return None
        if self.entry.catch_up is CatchUp.ALL and known is not None:
            return self.slots.between(known, at)
        return [] if self.entry.catch_up is CatchUp.SKIP and at - slot > TOLERANCE else [slot]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the timetable for people; ``when`` in Chinese, instants in UTC, None where there is none.

    With no ``office_id`` it is the group's: of an entry that offices have for themselves it then tells the latest and
    the next slot of any of them. ``at`` is the local time in force, None for what comes every so often; ``is_own_time``
    tells that the office set it.
    """

    name: str
    label: str
    when: str
    catch_up: CatchUp
    per_office: bool
    enabled: bool
    last_fire_at: datetime | None
    next_at: datetime | None
    office_id: int | None
    at: time | None
    is_own_time: bool


@lru_cache(maxsize=256)
def latest_slot(slots: Slots, at: datetime) -> datetime:
    """Return the latest slot at or before ``at``, reckoned once for all offices that have the same."""
    return slots.latest(at)


@lru_cache(maxsize=256)
def next_slot(slots: Slots, at: datetime) -> datetime:
    """Return the first slot later than ``at``, reckoned once for all offices that have the same."""
    return slots.after(at)


def kept_rows() -> Select[*tuple[Any, ...]]:
    """Return the query for what is kept of the timetable, to be narrowed by the caller; its rows are :data:`Kept`."""
    return select(Schedule.id, Schedule.office_id, Schedule.name, Schedule.at, Schedule.enabled, Schedule.last_fire_at)


def standings(
    session: Session, timetable: tuple[Entry, ...] = TIMETABLE, office_id: int | None = None
) -> list[Standing]:
    """Return how the timetable stands for all that ``session`` sees, in its order; two queries, however many offices.

    ``office_id`` narrows the entries of offices to one. Archived offices have no slots; an office in a zone that nobody
    knows is logged and passed over, it holds up no other.
    """
    rows = {(row.name, row.office_id): row for row in session.execute(kept_rows())}
    zones: dict[int, str] = {}
    if any(entry.per_office for entry in timetable):
        offices = select(Office.id, Office.zone).where(Office.archived_at.is_(None)).order_by(Office.id)
        if office_id is not None:
            offices = offices.where(Office.id == office_id)
        zones = {found: zone for found, zone in session.execute(offices) if _is_known(zone, found)}
    return [standing for entry in timetable for standing in _standings(entry, rows, zones)]


def lines(
    session: Session, at: datetime, office_id: int | None = None, timetable: tuple[Entry, ...] = TIMETABLE
) -> list[Line]:
    """Return the timetable for people at ``at``.

    For a session that sees every office: the group's lines, or with ``office_id`` that office's. For an office's
    session: the lines of its own; whether the group has switched an entry off is not for it to see.
    """
    found = standings(session, timetable, office_id)
    if office_id is not None or not scope_of(session).is_everywhere:
        return [_line(standing, [standing], at) for standing in found if standing.entry.per_office]
    rows = {row.name: row for row in session.execute(kept_rows().where(Schedule.office_id.is_(None)))}
    group = [Standing(entry).kept(rows.get(entry.name)) for entry in timetable]
    return [_line(standing, [own for own in found if own.entry is standing.entry], at) for standing in group]


def _standings(entry: Entry, rows: Mapping[tuple[str, int | None], Kept], zones: Mapping[int, str]) -> list[Standing]:
    group = rows.get((entry.name, None))
    if not entry.per_office:
        return [Standing(entry).kept(group)]
    enabled, since = (True, None) if group is None else (group.enabled, group.last_fire_at)
    return [
        Standing(entry, office_id, zone, enabled=enabled, last=since, since=since).kept(
            rows.get((entry.name, office_id))
        )
        for office_id, zone in zones.items()
    ]


def _is_known(zone: str, office_id: int) -> bool:
    try:
        zone_of(zone)
    except SettingsError:
        log.exception("office %s has no slots", office_id)
        return False
    return True


def _line(standing: Standing, those: Sequence[Standing], at: datetime) -> Line:
    """Return the line of ``standing``, with the latest and the next slot of ``those``, itself or its offices'."""
    entry, slots = standing.entry, standing.slots
    coming = [next_slot(own.slots, at) for own in those if own.enabled and standing.enabled]
    of_offices = "（各管理处当地时间）" if entry.per_office and standing.office_id is None else ""
    return Line(
        name=entry.name,
        label=entry.label,
        when=slots.words() + of_offices,
        catch_up=entry.catch_up,
        per_office=entry.per_office,
        enabled=standing.enabled,
        last_fire_at=max((own.last for own in those if own.last is not None), default=None),
        next_at=min(coming, default=None),
        office_id=standing.office_id,
        at=None if isinstance(slots, Every) else slots.at,
        is_own_time=standing.at is not None,
    )
