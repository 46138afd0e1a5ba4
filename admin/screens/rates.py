"""办理指标: how offices handle what reaches them, each number with what it counts (A-W14, A-W10, B-C11, B-W17)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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
from tenant.rules.rates import GROUPED_BY, RULES, TARGETS, Share, Waited
from tenant.rules.terms import Act, Area, Grouping, PauseReason, Rate, TicketKind
from tenant.services import rates
from tenant.services.rates import Group, Shares

KINDS: Final = {"request": "报事", "complaint": "投诉"}
GROUPINGS: Final = {"": "管理处", **{grouping.value: grouping.label for grouping in Grouping}}
LONGEST: Final = timedelta(days=366)
NOTHING: Final = Share(0, 0)

screen = Blueprint("rates", __name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for: the days, both included, the kind of matter, what is told apart (None: offices)."""

    first: date
    last: date
    kind: TicketKind
    grouping: Grouping | None

    def of_address(self) -> dict[str, str]:
        """Return what leads back here."""
        by = {"by": self.grouping.value} if self.grouping else {}
        return {"from": self.first.isoformat(), "to": self.last.isoformat(), "kind": self.kind.value} | by

    def words(self) -> str:
        """Return the same for people."""
        apart = f" 按{self.grouping.label}" if self.grouping else ""
        return f"{KINDS[self.kind.value]} {self.first} 至 {self.last}{apart}"


@dataclass(frozen=True, slots=True)
class Line:
    """The rates of one office, or of one group of its matters; ``office`` empty for the sum."""

    office: str
    group: str
    shares: Shares

    @property
    def name(self) -> str:
        """Return whose line it is."""
        return " · ".join(part for part in (self.office, self.group) if part)


@screen.get("/rates")
@needs(Act.VIEW, Area.REPORTS)
def show() -> ResponseReturnValue:
    """Show every office's rates for the days asked for, this month as a rule."""
    asked = _asked()
    table = _table(asked)
    export_url = url_for(".export", _external=False, **asked.of_address())
    return render_template(
        "wuguan/rates.html",
        rates=[(rate.label, *RULES[rate], TARGETS.get(rate)) for rate in Rate],
        rows=[(line.name, [_cell(rate, line.shares.get(rate, NOTHING)) for rate in Rate]) for line in table],
        waits=_waits(asked),
        reasons=[reason.label for reason in PauseReason],
        words=asked.words(),
        heading=GROUPINGS[asked.grouping or ""],
        kinds=KINDS,
        groupings=GROUPINGS,
        grouped_by=[(grouping.label, words) for grouping, words in GROUPED_BY.items()],
        export_url=export_url if access.may(Area.REPORTS, Act.EXPORT) else None,
        **{"by": ""} | asked.of_address(),
    )


@screen.get("/rates/export")
@needs(Act.EXPORT, Area.REPORTS)
def export() -> ResponseReturnValue:
    """Send the table of the screen as a workbook, numerators and denominators apart; put it on the record."""
    asked = _asked()
    table = _table(asked)
    apart = [asked.grouping.label] if asked.grouping else []
    titles = ["管理处", *apart, *(f"{rate.label}{words}" for rate in Rate for words in ("分子", "分母", "（%）"))]
    file, count = write_workbook(titles, _written(table, asked.grouping), "办理指标")
    note_taken(
        session_at_hand(), "rates.exported", None, {"format": "xlsx", "count": count, "filters": [asked.words()]}
    )
    name = f"办理指标-{asked.first}-{asked.last}.xlsx"
    response = send_file(file, mimetype=TYPES["xlsx"], as_attachment=True, download_name=name, max_age=0)
    response.call_on_close(file.close)
    return response


def _asked() -> Asked:
    """Return what is asked for. Raises Refusal for days that are none or too many."""
    today = clock.today(access.zone_of(None))
    first, last = day_asked("from", "起始日", today.replace(day=1)), day_asked("to", "截止日", today)
    if last < first or last - first > LONGEST:
        message = f"「截止日」{last} 应不早于「起始日」{first}，且最多一年。请改正后再查看。"
        raise Refusal(code="period", message=message, field="to", value=last.isoformat())
    kind, by = request.args.get("kind", "request"), request.args.get("by", "")
    grouping = Grouping(by) if by in set(Grouping) else None
    return Asked(first, last, TicketKind(kind) if kind in KINDS else TicketKind.REQUEST, grouping)


def _periods(asked: Asked) -> Iterator[tuple[Sequence[access.OfficeAtHand], datetime, datetime, datetime]]:
    """Yield the offices within reach zone by zone, with the days asked for in that zone and the present.

    What is due later today is not late yet: a period ends now at the latest.
    """
    places, at = workbench.places(), clock.now()
    for zone in {place.zone for place in places}:
        begin, end = start_of_day(asked.first, zone), start_of_day(asked.last + timedelta(days=1), zone)
        yield [place for place in places if place.zone == zone], begin, min(end, at), at


def _table(asked: Asked) -> list[Line]:
    """Return one line an office within reach, or one a group of its matters; and their sum where there are several."""
    session, found = session_at_hand(), dict[tuple[int, Group], Shares]()
    for those, begin, end, at in _periods(asked):
        ids = {place.id for place in those}
        counted = rates.by_group(session, [asked.kind], begin, end, at, asked.grouping)
        found |= {key: shares for key, shares in counted.items() if key[0] in ids}
    places = workbench.places()
    if asked.grouping is None:
        lines = [Line(place.name, "", found.get((place.id, None), {})) for place in places]
    else:
        lines = _groups(asked.grouping, places, found)
    if len(lines) > 1:
        lines.append(Line("", "合计", {rate: _sum(found, rate) for rate in Rate}))
    return lines


def _groups(
    grouping: Grouping, places: Sequence[access.OfficeAtHand], found: dict[tuple[int, Group], Shares]
) -> list[Line]:
    """Return the groups in which anything counts, office by office, by name."""
    names = rates.names(session_at_hand(), grouping, {group for _, group in found})
    offices = {place.id: place.name if len(places) > 1 else "" for place in places}
    lines = [
        Line(offices[office_id], names.get(group, "未注明"), shares)
        for (office_id, group), shares in found.items()
        if any(share.whole for share in shares.values())
    ]
    return sorted(lines, key=lambda line: (line.office, line.group))


def _waits(asked: Asked) -> list[tuple[str, list[str]]]:
    """Return how work waited at each office, by reason: how often, how long, how often past its limit (A-W5, B-W19)."""
    lines: list[tuple[str, list[str]]] = []
    for those, begin, end, at in _periods(asked):
        found = rates.waited(session_at_hand(), [asked.kind], begin, end, at)
        lines += [
            (place.name, [_waited(found[place.id].get(reason)) for reason in PauseReason])
            for place in those
            if place.id in found
        ]
    return sorted(lines)


def _waited(found: Waited | None) -> str:
    if found is None:
        return ""
    past = f"，超过期限 {found.past_limit} 次" if found.past_limit else ""
    return f"{found.count} 次，{wording.duration(timedelta(minutes=found.minutes))}{past}"


def _sum(found: dict[tuple[int, Group], Shares], rate: Rate) -> Share:
    shares = [by_rate[rate] for by_rate in found.values()]
    return Share(sum(share.part for share in shares), sum(share.whole for share in shares))


def _cell(rate: Rate, share: Share) -> dict[str, Any]:
    """Return one number of the screen: the share, what it is made of, and whether it misses its target."""
    target = TARGETS.get(rate)
    is_missed = target is not None and share.whole > 0 and share.part * 100 < target * share.whole
    percent = wording.percent(share.part, share.whole)
    return {"percent": percent, "words": f"{share.part}/{share.whole}", "missed": is_missed}


def _written(table: list[Line], grouping: Grouping | None) -> Iterator[list[Cell]]:
    own = access.office_at_hand()
    for line in table:
        office = line.office or (own.name if own and line is not table[-1] else line.group)
        cells: list[Cell] = [office, line.group] if grouping else [line.name]
        for rate in Rate:
            share = line.shares.get(rate, NOTHING)
            cells += [share.part, share.whole, wording.percent(share.part, share.whole)]
        yield cells


SCREEN: Final = Screen(blueprint=screen, entries=(Entry("reports", "办理指标", "rates.show", Area.REPORTS, order=10),))
