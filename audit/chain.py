"""Proof that the record was not altered: entries are sealed, after the fact, into one hash chain per office.

Each seal's digest covers its entry and the seal before it: an entry that is changed, removed, swapped or slipped in
breaks the chain from there on. Sealing happens after commit and in the order of transactions, because a chain kept up
to date within them would let the writers of an office wait for each other.

A chain does not show that its tail was cut, or that all of it was written anew by somebody who can write anything:
whoever must know keeps the :class:`Head` of each chain outside the database and has it checked by :func:`verify`.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Row, Text, cast, func, insert, or_, select
from sqlalchemy.orm import Session

from audit.models import AuditEntry, AuditSeal
from tenant.scoping import PERMIT

GROUP_CHAIN: Final = 0
"""The chain of entries without an office."""
BATCH: Final = 5_000
LOCK: Final = 7719002
START: Final = sha256(b"wuguan").hexdigest()
COLUMNS: Final = tuple(AuditEntry.__table__.columns)


@dataclass(frozen=True, slots=True)
class Head:
    """The last link of a chain: how many links there are and the digest of the last."""

    position: int
    digest: str


@dataclass(frozen=True, slots=True)
class Fault:
    """Where a chain breaks: its office (None for the group's), the link, the entry, and what is wrong in one word.

    ``altered``: entry and digest do not match; ``missing``: the entry is gone; ``gap``: a link is gone; ``slipped_in``:
    an entry that claims to be older than what is sealed; ``rewritten``: the chain does not contain the head given.
    """

    office_id: int | None
    position: int | None
    entry_id: int | None
    kind: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What :func:`verify` found; ``entries`` counts all there are, ``sealed`` those in a chain.

    ``first_bad`` is the id of the first entry at fault, None where all is well or only links are at fault.
    """

    ok: bool
    entries: int
    sealed: int
    fault: Fault | None
    heads: Mapping[int, Head] = field(default_factory=dict)

    @property
    def first_bad(self) -> int | None:
        """The entry to look at first."""
        return self.fault.entry_id if self.fault else None


def seal(session: Session) -> int:
    """Seal the entries whose transactions are over, and return how many; at most 5,000 at a time.

    ``session`` must see every office. Two at once wait for each other. An entry of a transaction that is still running,
    or younger than one that is, waits for the next call.
    """
    session.scalar(select(func.pg_advisory_xact_lock(LOCK)))
    entries = session.execute(_unsealed(session)).all()
    if not entries:
        return 0
    heads = _heads(session, {entry.office_id or GROUP_CHAIN for entry in entries})
    seals = []
    for entry in entries:
        chain = entry.office_id or GROUP_CHAIN
        head = heads.get(chain, Head(0, START))
        heads[chain] = Head(head.position + 1, link(head.digest, entry))
        seals.append(
            {
                "chain": chain,
                "position": heads[chain].position,
                "entry_id": entry.id,
                "xid": entry.xid,
                "digest": heads[chain].digest,
            }
        )
    # PERMIT: seals are no change of the domain's, and the record of the record would never end
    session.execute(insert(AuditSeal), seals, execution_options=PERMIT)
    return len(seals)


def verify(session: Session, known: Mapping[int, Head] | None = None) -> Verification:
    """Recompute every chain and say where the first break is.

    ``session`` must see every office. ``known`` are heads kept outside the database from an earlier verification (by
    office, 0 for the group): each must still stand in its chain.
    """
    heads: dict[int, Head] = {}
    faults: list[Fault] = []
    wanted = dict(known or {})
    rows = session.execute(_links().execution_options(yield_per=2_000))
    for chain, links in groupby(rows, key=attrgetter("chain")):
        heads[chain], fault = _follow(chain, links, wanted)
        faults += [fault] if fault else []
    faults += [Fault(chain or None, head.position, None, "rewritten") for chain, head in wanted.items()]
    faults += [
        Fault(entry.office_id, None, entry.id, "slipped_in") for entry in session.execute(_slipped_in(session).limit(1))
    ]
    entries = session.scalar(select(func.count(AuditEntry.id))) or 0
    sealed = sum(head.position for head in heads.values())
    return Verification(not faults, entries, sealed, faults[0] if faults else None, heads)


def link(previous: str, entry: Row[Any]) -> str:
    """Return the digest of ``entry`` behind the link with the digest ``previous``."""
    content = {column.name: getattr(entry, column.name) for column in COLUMNS}
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_as_text)
    return sha256(f"{previous}\n{text}".encode()).hexdigest()


def _as_text(value: Any) -> str:  # noqa: ANN401 - json's own
    return str(value.isoformat())


def _follow(chain: int, links: Iterator[Row[Any]], wanted: dict[int, Head]) -> tuple[Head, Fault | None]:
    """Go along one chain; return its head and the first fault. A head that is met is taken out of ``wanted``."""
    head, fault = Head(0, START), None
    for row in links:
        if fault is None:
            fault = _fault(head, row)
        head = Head(row.position, row.digest)
        if wanted.get(chain) == head:
            del wanted[chain]
    return head, fault


def _fault(head: Head, row: Row[Any]) -> Fault | None:
    if row.position != head.position + 1:
        kind = "gap"
    elif row.id is None:
        kind = "missing"
    elif row.digest != link(head.digest, row) or (row.office_id or GROUP_CHAIN) != row.chain:
        kind = "altered"
    else:
        return None
    return Fault(row.chain or None, row.position, row.entry_id, kind)


def _links() -> Any:  # noqa: ANN401 - a Select of some twenty columns
    return (
        select(AuditSeal.chain, AuditSeal.position, AuditSeal.entry_id, AuditSeal.digest, *_entry_columns())
        .outerjoin(AuditEntry, AuditEntry.id == AuditSeal.entry_id)
        .order_by(AuditSeal.chain, AuditSeal.position)
    )


def _entry_columns() -> list[ColumnElement[Any]]:
    """Return the columns of an entry as the ORM knows them, so that the wall knows them too."""
    return [getattr(AuditEntry, column.name) for column in COLUMNS]


def _snapshot(function: str) -> ColumnElement[int]:
    """Return one end of the current snapshot as a number."""
    snapshot = func.pg_current_snapshot()
    return cast(cast(getattr(func, function)(snapshot), Text), BigInteger)


def _unsealed(session: Session) -> Any:  # noqa: ANN401 - a Select of some twenty columns
    """Return the select of the entries to seal next, in the order of their transactions.

    Everything below the highest sealed transaction is sealed, so the search begins there. After a restore into another
    server that number may lie in its future: then all entries are looked through, and a transaction number that has
    not been given out yet is one of the old server's, and over.
    """
    over = or_(AuditEntry.xid < _snapshot("pg_snapshot_xmin"), AuditEntry.xid >= _snapshot("pg_snapshot_xmax"))
    found = (
        select(*_entry_columns())
        .outerjoin(AuditSeal, AuditSeal.entry_id == AuditEntry.id)
        .where(AuditSeal.id.is_(None), over)
        .order_by(AuditEntry.xid, AuditEntry.id)
        .limit(BATCH)
    )
    highest, present = _highest(session)
    return found if highest is None or highest >= present else found.where(AuditEntry.xid >= highest)


def _slipped_in(session: Session) -> Any:  # noqa: ANN401 - a Select of some twenty columns
    """Return the select of unsealed entries that claim to be older than the last sealed one."""
    highest, present = _highest(session)
    return (
        select(AuditEntry.id, AuditEntry.office_id)
        .outerjoin(AuditSeal, AuditSeal.entry_id == AuditEntry.id)
        .where(AuditSeal.id.is_(None), AuditEntry.xid < (highest if highest is not None and highest < present else 0))
        .order_by(AuditEntry.id)
    )


def _highest(session: Session) -> tuple[int | None, int]:
    """Return the highest sealed transaction number (None: nothing is sealed) and the server's next one."""
    row = session.execute(
        select(select(func.max(AuditSeal.xid)).scalar_subquery(), _snapshot("pg_snapshot_xmax"))
    ).one()
    return row[0], row[1]


def _heads(session: Session, chains: set[int]) -> dict[int, Head]:
    """Return the last link of each of ``chains`` that has one; one look at the end of an index for each."""
    heads = {}
    for chain in chains:
        last = select(AuditSeal.position, AuditSeal.digest).where(AuditSeal.chain == chain)
        row = session.execute(last.order_by(AuditSeal.position.desc()).limit(1)).one_or_none()
        if row is not None:
            heads[chain] = Head(row.position, row.digest)
    return heads
