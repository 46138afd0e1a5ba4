"""办理指标: how offices handle what reaches them, each number with what it counts (A-W14, A-W10)."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any, Final

from flask import Blueprint, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue

from admin import access
from admin.access import needs
from admin.exports import TYPES, Cell, note_taken, write_workbook
from admin.screens import wording, workbench
from admin.screens.days import day_asked
from admin.session import session_at_hand
from admin.site import Entry, Screen
from tenant import clock
from tenant.calendars import start_of_day
from tenant.errors import Refusal
from tenant.rules.rates import RULES, TARGETS, Share
from tenant.rules.terms import Act, Area, Rate, TicketKind
from tenant.services import rates

KINDS: Final = {"request": "报事", "complaint": "投诉"}
LONGEST: Final = timedelta(days=366)
NOTHING: Final = Share(0, 0)

screen = Blueprint("rates", __name__)


@screen.get("/rates")
@needs(Act.VIEW, Area.REPORTS)
def show() -> ResponseReturnValue:
    """Show every office's rates for the days asked for, this month as a rule."""
    first, last, kind = _asked()
    table = _table(first, last, kind)
    asked: dict[str, Any] = {"from": first.isoformat(), "to": last.isoformat(), "kind": kind.value}
    return render_template(
        "wuguan/rates.html",
        rates=[(rate.label, *RULES[rate], TARGETS.get(rate)) for rate in Rate],
        rows=[(name, [_cell(rate, shares.get(rate, NOTHING)) for rate in Rate]) for name, shares in table],
        kinds=KINDS,
        export_url=url_for(".export", **asked) if access.may(Area.REPORTS, Act.EXPORT) else None,
        **asked,
    )


@screen.get("/rates/export")
@needs(Act.EXPORT, Area.REPORTS)
def export() -> ResponseReturnValue:
    """Send the table of the screen as a workbook, numerators and denominators apart; put it on the record."""
    first, last, kind = _asked()
    table = _table(first, last, kind)
    titles = ["管理处", *(f"{rate.label}{words}" for rate in Rate for words in ("分子", "分母", "（%）"))]
    file, count = write_workbook(titles, _written(table), "办理指标")
    words = f"{KINDS[kind.value]} {first} 至 {last}"
    note_taken(session_at_hand(), "rates.exported", None, {"format": "xlsx", "count": count, "filters": [words]})
    response = send_file(
        file, mimetype=TYPES["xlsx"], as_attachment=True, download_name=f"办理指标-{first}-{last}.xlsx", max_age=0
    )
    response.call_on_close(file.close)
    return response


def _asked() -> tuple[date, date, TicketKind]:
    """Return the days and the kind of matter asked for. Raises Refusal for days that are none or too many."""
    today = clock.today(access.zone_of(None))
    first, last = day_asked("from", "起始日", today.replace(day=1)), day_asked("to", "截止日", today)
    if last < first or last - first > LONGEST:
        message = f"「截止日」{last} 应不早于「起始日」{first}，且最多一年。请改正后再查看。"
        raise Refusal(code="period", message=message, field="to", value=last.isoformat())
    kind = request.args.get("kind", "request")
    return first, last, TicketKind(kind) if kind in KINDS else TicketKind.REQUEST


def _table(first: date, last: date, kind: TicketKind) -> list[tuple[str, dict[Rate, Share]]]:
    """Return one line an office within reach, its days in its own zone, and, where they are several, their sum."""
    places, at = workbench.places(), clock.now()
    found: dict[int, dict[Rate, Share]] = {}
    for zone in {place.zone for place in places}:
        begin, end = start_of_day(first, zone), start_of_day(last + timedelta(days=1), zone)
        counted = rates.by_office(session_at_hand(), [kind], begin, _until(end, at), at)
        found |= {place.id: counted[place.id] for place in places if place.zone == zone and place.id in counted}
    lines = [(place.name, found.get(place.id, {})) for place in places]
    if len(places) > 1:
        lines.append(("合计", {rate: _sum(found, rate) for rate in Rate}))
    return lines


def _until(end: datetime, at: datetime) -> datetime:
    """Return the end of what can be counted: what is due later today is not late yet."""
    return min(end, at)


def _sum(found: dict[int, dict[Rate, Share]], rate: Rate) -> Share:
    shares = [by_rate[rate] for by_rate in found.values()]
    return Share(sum(share.part for share in shares), sum(share.whole for share in shares))


def _cell(rate: Rate, share: Share) -> dict[str, Any]:
    """Return one number of the screen: the share, what it is made of, and whether it misses its target."""
    target = TARGETS.get(rate)
    is_missed = target is not None and share.whole > 0 and share.part * 100 < target * share.whole
    percent = wording.percent(share.part, share.whole)
    return {"percent": percent, "words": f"{share.part}/{share.whole}", "missed": is_missed}


def _written(table: list[tuple[str, dict[Rate, Share]]]) -> Iterator[list[Cell]]:
    for name, by_rate in table:
        cells: list[Cell] = [name]
        for rate in Rate:
            share = by_rate.get(rate, NOTHING)
            cells += [share.part, share.whole, wording.percent(share.part, share.whole)]
        yield cells


SCREEN: Final = Screen(blueprint=screen, entries=(Entry("reports", "办理指标", "rates.show", Area.REPORTS, order=10),))
