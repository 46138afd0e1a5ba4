"""What is due among very many open tickets, beside as much that is due among few: both sweeps do the same work.

The due ones fall due in batches, and the two are swept by turns, batch by batch. The plans of what a sweep asks the
clockwork stand below, with the indexes they use: what is not due must cost nothing.
"""

from functools import partial
from typing import Final

from bench.due import asked_by, say_plans
from bench.measure import Sizes, compare, race, say
from bench.overdue import BATCH, EPOCH, load
from bench.world import World
from tasks.sweeps import run_escalations
from tenant.db import Database
from tenant.services import clockwork, escalations
from tenant.settings import Settings
from tenant.unscoped import Reason, across_offices

OFFICES: Final = 200
BATCHES: Final = 20
TARGET: Final = 1.3


def run(world: World, sizes: Sizes) -> None:
    """Print the ratio of a sweep over as many open tickets as there are owners to one over none but what is due."""
    due = sizes.due_actions
    settings = Settings(home=world.folder)
    with world.database("crowd") as crowd, world.database("few") as few:
        load(crowd, offices=OFFICES, tickets=sizes.owners, due=due, batches=BATCHES)
        load(few, offices=OFFICES, tickets=due, due=due, batches=BATCHES)
        say(f"{due:,} due in {BATCHES} batches, {OFFICES} offices", "", "")
        many, alone = f"among {sizes.owners:,}", f"among {due:,}"
        legs = {many: _Sweeps(crowd, settings), alone: _Sweeps(few, settings)}
        taken = race({name: sweeps.next for name, sweeps in legs.items()}, BATCHES - 1, warm=1)
        assert all(sweeps.done == due for sweeps in legs.values()), "not all that was due was raised"
        compare("a batch swept", taken, many, alone, target=TARGET)
        _looking(crowd, sizes.owners, settings)


class _Sweeps:
    """The sweeps of one database, a batch each; ``done`` counts what was raised."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database, self.settings = database, settings
        self.at, self.done = EPOCH, 0

    def next(self) -> None:
        """Sweep at the instant at which the next batch is due."""
        self.at += BATCH
        self.done += run_escalations(self.database, self.at, settings=self.settings).done


def _looking(database: Database, tickets: int, settings: Settings) -> None:
    """Print what the clockwork is asked when nothing is due and when a batch is, with the plans."""
    nothing, something = EPOCH, EPOCH + (BATCHES + 1) * BATCH

    def claim() -> None:
        with across_offices(database, Reason.CLAIMING) as session:
            clockwork.claim(session, escalations.RULE, something)

    say(f"a sweep with nothing due among {tickets:,}", "", "")
    say_plans(database, asked_by(database, partial(run_escalations, database, nothing, settings=settings)))
    say(f"a round of those due among {tickets:,}", "", "")
    say_plans(database, asked_by(database, claim))
