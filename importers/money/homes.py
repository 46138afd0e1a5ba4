"""Which unit a row means and in whose name its money stands: by the books, else by an answer, never by a guess."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from importers.cells import compact
from importers.money.reasons import fault
from importers.tally import Doubt

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping, Sequence

    from importers.faults import CellFault
    from importers.people import Name
    from importers.rooms import UnitKey
    from importers.tally import Candidates

_PARTS = 3


class Holder(NamedTuple):
    """Somebody who owns a unit, or did: from a day to a day, None where it is open; `is_payer` pays meanwhile."""

    owner_id: int
    name: str
    is_payer: bool
    from_on: dt.date | None
    to_on: dt.date | None

    def holds_on(self, day: dt.date) -> bool:
        """Tell whether the day lies within, its ends included."""
        return (self.from_on is None or self.from_on <= day) and (self.to_on is None or day <= self.to_on)


@dataclass(frozen=True)
class Homes:
    """The office's units by number, and who owns or owned each, by its id."""

    units: Mapping[str, int] = field(default_factory=dict)
    holders: Mapping[int, Sequence[Holder]] = field(default_factory=dict)
    loose: Mapping[tuple[str, str], Sequence[str]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Find units by building and room too, for sheets that leave the section out."""
        loose: dict[tuple[str, str], list[str]] = {}
        for number in self.units:
            parts = number.split("-")
            if len(parts) == _PARTS:
                loose.setdefault((parts[0], parts[2]), []).append(number)
        object.__setattr__(self, "loose", loose)

    def number_of(self, key: UnitKey) -> str | CellFault:
        """Return the number of the unit a key means; without its section only where no other could be meant."""
        if key.number in self.units:
            return key.number
        found = self.loose.get((key.building or "", key.room), ()) if not key.section else ()
        if len(found) == 1:
            return found[0]
        return fault("conflict_section_unclear" if found else "unit_unknown", key.number)

    def payer(
        self, number: str, names: Sequence[Name], day: dt.date, answers: Iterable[str], known: int | None = None
    ) -> Holder | Doubt:
        """Return in whose name an amount of a unit stands.

        ``names`` are those the row gives, ``day`` when it fell due or was paid, ``answers`` what people said about the
        row, ``known`` who stands there in the books already, None where nobody does.
        """
        holders = self.holders.get(self.units[number], ())
        if not holders:
            return Doubt(fault("conflict_owner_none", number))
        answered = [holder for holder in holders if str(holder.owner_id) in set(answers)]
        if answered:
            return answered[-1]
        meant = [holder for holder in holders if holder.owner_id == known]
        if meant and (not names or any(is_same_name(meant[0].name, name.name) for name in names)):
            return meant[0]
        return self._named(holders, names, day) if names else self._paying(holders, number, day)

    @staticmethod
    def _paying(holders: Sequence[Holder], number: str, day: dt.date) -> Holder | Doubt:
        now = [holder for holder in holders if holder.holds_on(day)]
        paying = next((holder for holder in now if holder.is_payer), None)
        return paying or Doubt(fault("conflict_payer_none", number, day=day), candidates_of(holders))

    @staticmethod
    def _named(holders: Sequence[Holder], names: Sequence[Name], day: dt.date) -> Holder | Doubt:
        """Return the owner of that name, of several the one who pays, of namesakes the one of that day."""
        found = [holder for holder in holders if any(is_same_name(holder.name, name.name) for name in names)]
        then = [holder for holder in found if holder.holds_on(day)] or found
        if len({holder.owner_id for holder in then}) > 1:
            paying = [holder for holder in then if holder.is_payer]
            if len(names) == 1 or len({holder.owner_id for holder in paying}) != 1:
                return Doubt(fault("conflict_payer_unclear", names[0].name), candidates_of(then))
            then = paying
        said = "、".join(name.name for name in names)
        return then[0] if then else Doubt(fault("conflict_payer_unknown", said), candidates_of(holders))


def is_same_name(known: str, said: str) -> bool:
    """Tell whether two names are written alike, blanks aside."""
    return known == said or compact(known) == compact(said)


def candidates_of(holders: Iterable[Holder]) -> Candidates:
    """Return whom a row may mean: the owner's id, and name and time as people read them."""
    latest = {str(holder.owner_id): f"{holder.name}（{_time_of(holder)}）" for holder in holders}
    return tuple(latest.items())


def _time_of(holder: Holder) -> str:
    if holder.to_on:
        return f"原业主，至 {holder.to_on}"
    return f"{holder.from_on} 起" if holder.from_on else "现业主"
