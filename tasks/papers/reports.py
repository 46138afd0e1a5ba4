"""What the reports of an office say on paper: figures with part and whole, causes, measures (A-W15, A-C12)."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy.orm import Session

from tasks.papers import facts
from tasks.papers.facts import Words, moment
from tenant import policy
from tenant.models import Office, Report
from tenant.rules.terms import Grouping, PauseReason, Rate
from tenant.services.consolidation import BEFORE, NOW, received, share

_MINUTES_AN_HOUR: Final = 60


def gather(session: Session, office: Office, rows: Sequence[Report]) -> Words:
    """Return the facts of the reports' papers, one a report, in the order given."""
    return facts.frame(session, office) | {
        "rates": [rate.label for rate in Rate],
        "reports": [_report(row, office) for row in rows],
    }


def _report(row: Report, office: Office) -> Words:
    total = row.figures.get("total", {})
    return {
        "title": row.kind.label,
        "form": policy.report(row.kind).form or "",
        "number": row.number,
        "period": f"{row.from_on} 至 {row.until_on - timedelta(days=1)}",
        "due": facts.day(row.due_on),
        "drawn": moment(row.drawn_at, office),
        "open": str(row.figures.get("open", "")),
        "submitted": moment(row.submitted_at, office),
        "submitted_by": row.submitted_by.staff.name if row.submitted_by else "",
        "total": _line("合计", total.get(NOW, {}), total.get(BEFORE, {})),
        "tables": [
            {
                "title": f"按{Grouping(table['by']).label}",
                "rows": [_line(one["name"], one[NOW], one[BEFORE]) for one in table["rows"]],
            }
            for table in row.figures.get("tables", ())
            if table["rows"]
        ],
        "waits": [_waited(one) for one in row.figures.get("waits", ())],
        "findings": row.findings or "",
        "measures": row.measures or "",
    }


def _line(name: str, now: Mapping[str, Sequence[int]], before: Mapping[str, Sequence[int]]) -> list[str]:
    """Return name, how many came (and before), and each rate as part of whole with its share."""
    cells = []
    for rate in Rate:
        one = share(now, rate)
        cells.append(f"{one.part}/{one.whole}\n{one.part * 100 / one.whole:.1f}%" if one.whole else "—")
    return [name, f"{received(now)}（{received(before)}）", *cells]


def _waited(one: Mapping[str, Any]) -> list[str]:
    hours, minutes = divmod(one["minutes"], _MINUTES_AN_HOUR)
    return [PauseReason(one["reason"]).label, str(one["count"]), f"{hours} 小时 {minutes} 分", str(one["past_limit"])]
