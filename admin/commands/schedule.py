"""``wuguan schedule``: what comes when, when it last came, and when it will come again."""

from zoneinfo import ZoneInfo

import click

from admin.commands.edge import answer, answers, find_office, open_database, operator
from tasks import schedule
from tasks.schedule import Line
from tenant import clock
from tenant.unscoped import Reason, across_offices


@click.group("schedule", help="定时任务。")
def group() -> None:
    """Hold the commands about the timetable."""


@group.command("list", help="列出定时任务：什么时候执行、最近一次和下一次。")
@click.option("--office", "office_code", help="只看这个管理处自己的时间。")
@answers
def list_entries(*, office_code: str | None, as_json: bool) -> None:
    """Print the timetable by the database's clock."""
    with open_database() as database:
        office = None if office_code is None else find_office(database, office_code)
        at = schedule.now(database)
        with across_offices(database, Reason.REVIEWING, operator()) as session:
            found = schedule.lines(session, at, office.id if office else None)
            session.commit()
    zone = office.zone if office else clock.DEFAULT_ZONE
    payload = {"at": at.isoformat(), "entries": [_describe(line, office.code if office else None) for line in found]}
    answer(payload, as_json=as_json, sentence="\n".join(_told(line, zone) for line in found))


def _describe(line: Line, office_code: str | None) -> dict[str, object]:
    return {
        "name": line.name,
        "label": line.label,
        "when": line.when,
        "at": None if line.at is None else f"{line.at:%H:%M}",
        "own_time": line.is_own_time,
        "catch_up": line.catch_up.value,
        "per_office": line.per_office,
        "enabled": line.enabled,
        "last_fire_at": None if line.last_fire_at is None else line.last_fire_at.isoformat(),
        "next_at": None if line.next_at is None else line.next_at.isoformat(),
        "office": office_code,
    }


def _told(line: Line, zone: str) -> str:
    """Return one line for a person, times in ``zone``."""
    last, coming = (
        "无" if instant is None else f"{instant.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M:%S}"
        for instant in (line.last_fire_at, line.next_at)
    )
    state = "" if line.enabled else "  已停用"
    return f"{line.name}  {line.label}  {line.when}  {line.catch_up.label}  最近 {last}  下次 {coming}{state}"
