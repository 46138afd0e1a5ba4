"""What the boards share: the lanes of a page or of one request for more, the address of what follows, coming back."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import render_template, request, url_for

from admin import access
from admin.references import parse_id
from admin.screens import presence
from admin.screens.boards_cards import Filled, Looking, cards_of
from tenant import clock
from tenant.rules.terms import PauseReason, Role
from tenant.services.boards import NEVER, Lane, Place

MOST: Final = 20
"""Cards a lane shows at first; more are asked for, from the last one on."""
USUAL_WAIT: Final = timedelta(hours=2)
"""How long a wait is offered to last before somebody says otherwise."""
SEPARATOR: Final = "~"
PARTS: Final = 4


def asked() -> dict[str, Any]:
    """Return what the address asks of the board: all lanes, or more of one from behind a place."""
    lane = request.args.get("lane", "").replace("\x00", "") or None
    return {"most": MOST, "lane": lane, "after": place_of(request.args.get("after", "")) if lane else None}


def place_of(spelled: str) -> Place | None:
    """Return the place that an address spells, None for anything else."""
    parts = spelled.split(SEPARATOR)
    row_id = parse_id(parts[-1])
    if len(parts) != PARTS or row_id is None or not parts[0].removeprefix("-").isdecimal():
        return None
    try:
        due_at = datetime.fromisoformat(parts[1])
    except ValueError:
        return None
    rank = int(parts[0][:4])
    return Place(
        rank, due_at if due_at.tzinfo else due_at.replace(tzinfo=UTC), parts[2][:20].replace("\x00", ""), row_id
    )


def spelled(place: Place) -> str:
    """Return a place as an address holds it."""
    due_at = place.due_at.astimezone(UTC).replace(tzinfo=None) if place.due_at < NEVER else NEVER.replace(tzinfo=None)
    return SEPARATOR.join((str(place.rank), due_at.isoformat(), place.kind, str(place.row_id)))


def here(endpoint: str) -> str:
    """Return the address of the board as it is shown: who acts on a card comes back to it."""
    return url_for(endpoint, lane=request.args.get("lane"), after=request.args.get("after"))


def choices() -> dict[str, Any]:
    """Return what the forms on the cards offer, and where the board itself is."""
    until = clock.now().astimezone(ZoneInfo(access.zone_of(None))) + USUAL_WAIT
    return {
        "reasons": [(reason.value, reason.label) for reason in PauseReason],
        "usual_until": until.strftime("%Y-%m-%dT%H:%M"),
        "only": request.args.get("lane"),
        "board_url": request.path,
    }


def filled(looking: Looking, lanes: Sequence[Lane], labels: Mapping[str, str], endpoint: str) -> list[Filled]:
    """Return the lanes with their cards and the addresses of what follows."""
    cards = cards_of(looking, lanes)
    return [
        Filled(
            name=lane.name,
            label=labels[lane.name],
            cards=cards[lane.name],
            count=lane.count,
            following=url_for(endpoint, lane=lane.name, after=spelled(lane.last)) if lane.last else None,
        )
        for lane in lanes
    ]


def page(template: str, **words: Any) -> str:
    """Return the page of a board, or only its lanes where the page itself asks for them again."""
    is_part = request.args.get("part") == "lanes"
    if is_part:
        return render_template("wuguan/board_lanes.html", several=_is_several(), **words)
    return render_template(template, several=_is_several(), away=presence.away_today(), **words)


def postings_here(*roles: Role) -> list[int]:
    """Return the postings in these roles through which the person works in the office at hand, or in all of theirs."""
    person, office = access.identity(), access.office_at_hand()
    return [
        post.posting_id
        for post in (person.posts if person else ())
        if post.role in roles and (office is None or post.office_id == office.id)
    ]


def _is_several() -> bool:
    person = access.identity()
    return access.office_at_hand() is None and person is not None and len(person.offices) > 1
