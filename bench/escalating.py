"""Escalations raised, each with its mail and its entries in the record, beside a bare loop that writes the same rows.

One worker drains; the bare loop claims fifty, commits, and writes for each the level, the mail, the entries, the next
level's due action and the mark in one transaction, in psycopg and nothing else: no looking up, no template, no wall.
"""

from statistics import median
from time import perf_counter
from typing import Final

import psycopg

from bench.due_work import address
from bench.due_workers import CLAIM, DONE
from bench.measure import Sizes, compare, say, verdict
from bench.overdue import BATCH, EPOCH, load, plan
from bench.world import World, superuser
from tasks.sweeps import run_escalations
from tenant.db import Database
from tenant.services import escalations
from tenant.services.clockwork import A_ROUND
from tenant.settings import Settings

OFFICES: Final = 200
FIRST_OFFICE: Final = 2
"""Whose the first ticket is."""
ROUNDS: Final = 3
PER_SECOND: Final = 2_000
TARGET: Final = 2.0

_RAISE: Final = """
INSERT INTO escalation (office_id, ticket_id, clock_id, level, cycle, role, told, raised_at, late_minutes, source)
VALUES (%(office)s, %(clock)s, %(clock)s, 1, 1, 'front_desk', 1, now(), 0, 'A-W4') RETURNING id
"""
_FOLLOWING: Final = """
INSERT INTO due_action (office_id, rule, subject_kind, subject_id, level, cycle, due_at, facts)
VALUES (%(office)s, 'later', 'clock', %(clock)s, 2, '1', now(), '{}')
"""
_MAIL: Final = """
INSERT INTO mail (office_id, dedup_key, message_id, mail_class, recipient_name, recipient_address, domain, subject,
    text_body, html_body, body_digest, subject_kind, subject_id, state, not_before)
SELECT %(office)s, 'escalation:' || %(id)s, '<' || gen_random_uuid() || '>', mail_class, recipient_name,
    recipient_address, domain, subject, text_body, html_body, body_digest, subject_kind, %(id)s, 'queued', now()
FROM bench_letter RETURNING id
"""
_ENTRY: Final = """
INSERT INTO audit_entry (at, office_id, actor_kind, actor_name, verb, subject_kind, subject_id, before, after)
SELECT now(), %(office)s, actor_kind, actor_name, verb, subject_kind, %(id)s, before, after FROM bench_entry
WHERE subject_kind = %(kind)s
"""
_MODELS: Final = """
CREATE TABLE bench_letter AS SELECT * FROM mail ORDER BY id LIMIT 1;
CREATE TABLE bench_entry AS SELECT audit_entry.* FROM audit_entry JOIN bench_letter AS letter
    ON (audit_entry.subject_kind, audit_entry.subject_id) = ('mail', letter.id)
    OR (audit_entry.subject_kind, audit_entry.subject_id) = ('escalation', letter.subject_id);
"""
"""What ours has written once is what the bare loop writes again and again."""


def run(world: World, sizes: Sizes) -> None:
    """Print how many a worker raises in a second, and the ratio to the bare loop."""
    count, settings = sizes.due_actions, Settings(home=world.folder)
    with world.database("escalating") as database:
        load(database, offices=OFFICES, tickets=count, due=count)
        run_escalations(database, EPOCH + BATCH, FIRST_OFFICE, settings=settings)
        with superuser(database) as connection:
            connection.execute(_MODELS)

        def bare() -> None:
            _bare(database, count)

        def ours() -> None:
            report = run_escalations(database, EPOCH + BATCH, settings=settings)
            assert (report.done, report.mails) == (count, count), report

        legs = {"ours": ours, "bare loop": bare}
        taken: dict[str, list[float]] = {name: [] for name in legs}
        for _ in range(ROUNDS):
            for name, leg in legs.items():
                plan(database)
                start = perf_counter()
                leg()
                taken[name].append(perf_counter() - start)
        compare(f"{count:,} raised, mailed, recorded", taken, "ours", "bare loop", target=TARGET)
        rate = count / median(taken["ours"])
        least = f"{count / median(taken['bare loop']):,.0f} by the bare loop"
        say(f"a second, by one worker (≥ {PER_SECOND:,})", f"{rate:,.0f}", least, verdict(PER_SECOND / rate, 1.0))


def _bare(database: Database, count: int) -> None:
    """Claim fifty, commit; then write what one escalation writes, and the mark, in one transaction each."""
    done = 0
    with psycopg.connect(address(database)) as connection:
        while claims := connection.execute(CLAIM.encode(), (escalations.RULE, A_ROUND)).fetchall():
            connection.commit()
            for action_id, office_id, clock_id in claims:
                facts = {"office": office_id, "clock": clock_id}
                raised = _write(connection, _RAISE, facts)
                mail = _write(connection, _MAIL, facts | {"id": raised})
                connection.execute(_FOLLOWING.encode(), facts)
                for kind, subject_id in (("escalation", raised), ("mail", mail)):
                    connection.execute(_ENTRY.encode(), facts | {"id": subject_id, "kind": kind})
                connection.execute(DONE.encode(), (action_id,))
                connection.commit()
                done += 1
    assert done == count, f"{done} of {count}"


def _write(connection: psycopg.Connection, statement: str, values: dict[str, object]) -> int:
    row = connection.execute(statement.encode(), values).fetchone()
    assert row is not None
    return int(row[0])
