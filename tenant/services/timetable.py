"""What people may change of the timetable: an entry's switch, and the time at which an office has it.

The timetable itself stands in :mod:`tasks.timetable`; a test holds the names here against it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from typing import Final

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tenant import clock
from tenant.calendars import at_local, local_day
from tenant.errors import Refusal
from tenant.models import Office, Schedule, ScheduleFire
from tenant.rules.quiet import is_quiet
from tenant.scoping import scope_of
from tenant.services.lookups import open_office


@dataclass(frozen=True, slots=True)
class OfficeEntry:
    """An entry that each office has for itself: what people call it, and its time where an office has set none."""

    label: str
    at: time


OF_OFFICES: Final[Mapping[str, OfficeEntry]] = {
    "dunning": OfficeEntry("催缴", time(9)),
    "dunning_noon": OfficeEntry("催缴（午间补办）", time(13)),
    "dunning_evening": OfficeEntry("催缴（傍晚补办）", time(17)),
    "reports": OfficeEntry("生成报表", time(0, 30)),
    "duty_gaps": OfficeEntry("次日值班空缺提醒", time(16)),
}
"""Entries that each office has for itself, by name."""
OF_THE_GROUP: Final[dict[str, str]] = {
    "escalations": "升级",
    "handover": "夜间登记转办",
    "warnings": "到期提醒",
    "gathering": "汇总通知",
    "files": "清理无主附件",
    "routing": "投诉通知",
    "report_mails": "报表通知",
    "mail": "发信",
    "seal": "封存审计记录",
    "bounces": "收取退信",
    "dunning_steps": "催缴步骤",
    "replan": "夜间核对",
    "tidy": "清理过期数据",
}
"""Entries that there are once."""
_LABELS: Final = {name: entry.label for name, entry in OF_OFFICES.items()}


def set_time(session: Session, office_id: int, name: str, at: time | None) -> Schedule:
    """Let an office have an entry at its own local time ``at``; None: at the timetable's again.

    A day on which it has run has no second slot, whatever the time. Raises NotFound for an office out of sight, Refusal
    for an archived one, an entry there is not or that offices do not have for themselves, and a time that is not a
    whole minute or lies in the office's quiet hours, when no owner is written to.
    """
    office = open_office(session, office_id)
    _require_of_offices(name)
    if at is not None:
        _require_sensible(office, at)
    row = _row(session, office_id, name)
    if row.at != at:
        row.at = at
        _let_that_day_be(session, row, office)
        session.flush()
    return row


def switch(session: Session, office_id: int | None, name: str, *, on: bool) -> Schedule:
    """Switch an entry on or off, for one office or (None) for the group, where off is off for every office.

    Slots that passed while it was off are not made up for. Raises NotFound for an office out of sight, Refusal for an
    entry there is not, one that offices do not have for themselves, and the group's in an office's session.
    """
    if office_id is None:
        _require_known(name)
        _require_group(session, name)
    else:
        open_office(session, office_id)
        _require_of_offices(name)
    row = _row(session, office_id, name)
    if row.enabled != on:
        row.enabled = on
        if on:
            row.last_fire_at = clock.now()
        session.flush()
    return row


def _row(session: Session, office_id: int | None, name: str) -> Schedule:
    """Return what is kept of an entry, locked; made where nothing is yet, by whoever comes first."""
    place = Schedule.office_id.is_(None) if office_id is None else Schedule.office_id == office_id
    reading = select(Schedule).where(place, Schedule.name == name).with_for_update()
    reading = reading.execution_options(populate_existing=True)
    session.flush()
    row = session.scalars(reading).one_or_none()
    if row is not None:
        return row
    try:
        with session.begin_nested():
            row = Schedule(office_id=office_id, name=name, enabled=True)
            session.add(row)
            session.flush()
        return row
    except IntegrityError:
        return session.scalars(reading).one()


def _let_that_day_be(session: Session, row: Schedule, office: Office) -> None:
    """Mark the slot of the day on which the entry last ran, at the time it has now, as gone: it comes once a day."""
    if row.last_fire_at is None:
        return
    day = local_day(row.last_fire_at, office.zone)
    slot = at_local(day, OF_OFFICES[row.name].at if row.at is None else row.at, office.zone)
    fires = select(ScheduleFire.fire_at).where(
        ScheduleFire.office_id == office.id,
        ScheduleFire.name == row.name,
        ScheduleFire.fire_at.in_([row.last_fire_at, slot]),
    )
    fired = set(session.scalars(fires))
    # what was only switched on that day has not run on it
    if row.last_fire_at in fired and slot not in fired:
        session.add(ScheduleFire(office_id=office.id, name=row.name, fire_at=slot, fired_at=clock.now()))


def _require_known(name: str) -> None:
    if name not in OF_OFFICES and name not in OF_THE_GROUP:
        raise Refusal(
            code="unknown_entry",
            message=f"没有定时任务「{name}」。可用：{_listed(OF_THE_GROUP | _LABELS)}。请从列表中选择。",
            field="name",
            value=name,
        )


def _require_of_offices(name: str) -> None:
    _require_known(name)
    if name not in OF_OFFICES:
        raise Refusal(
            code="entry_of_the_group",
            message=(
                f"定时任务「{OF_THE_GROUP[name]}」全集团统一执行，管理处不能单独设置。"
                f"管理处可以设置的有：{_listed(_LABELS)}；其余请由集团设置。"
            ),
            field="name",
            value=name,
        )


def _require_group(session: Session, name: str) -> None:
    if not scope_of(session).is_everywhere:
        raise Refusal(
            code="group_switch",
            message=f"全集团的定时任务开关「{name}」只能由集团设置。请联系集团系统管理员，或只设置本管理处的任务。",
            field="office",
            value=name,
        )


def _require_sensible(office: Office, at: time) -> None:
    if at.second or at.microsecond or at.tzinfo is not None:
        raise Refusal(
            code="bad_time",
            message=f"时间「{at.isoformat()}」不是整分钟。请填写当地时间的时和分，例如 09:30。",
            field="at",
            value=at.isoformat(),
        )
    today = local_day(clock.now(), office.zone)  # any day will do: the quiet hours are those of the wall clock
    if is_quiet(at_local(today, at, office.zone), office.quiet_from, office.quiet_until, office.zone):
        raise Refusal(
            code="quiet_time",
            message=(
                f"{at:%H:%M} 在「{office.name}」的免打扰时间内，这时不会给业主发信。"
                f"请填写 {office.quiet_until:%H:%M} 到 {office.quiet_from:%H:%M} 之间的时间，或先修改免打扰时间。"
            ),
            field="at",
            value=f"{at:%H:%M}",
        )


def _listed(entries: Mapping[str, str]) -> str:
    return "、".join(f"{name}（{label}）" for name, label in entries.items())
