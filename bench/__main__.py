"""``python -m bench [NAME …] [--full]``: run the benchmarks, all or the named ones, and print their lines."""

import argparse
import os
import platform
from importlib import import_module
from typing import TYPE_CHECKING

from bench.measure import FULL, SMALL, Sizes
from bench.world import World, world

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = {
    "scoping": "what the session wall costs per query",
    "plans": "row-level security: the plans of the usual queries, and their cost against no policy",
    "list_page": "list pages of a large group beside Flask-Admin's default view",
    "roster": "a roster from workbook to tables beside the ORM's add_all of the same rows",
    "importing": "a roster of fifteen columns beside calamine and COPY, and beside django-import-export",
    "importing_web": "pages of three desks while a roster is read and written, beside the import held",
    "annotated": "the annotated workbook beside openpyxl writing the same values anew",
    "billing": "a month posted for an office beside INSERT … SELECT of the same charges and audit entries",
    "due": "due actions drained beside a bare loop, Celery and Procrastinate; lateness; what looking costs",
    "sweeping": "a sweep of what is due among very many open tickets, beside as much due among few",
    "escalating": "escalations with mails and entries in the record, beside a bare loop writing the same rows",
    "replay": "a draft of a time limit tried on 90 days of an office, beside reading the same rows",
    "workbench": "workbench, desk and boards of 5,000 open tickets beside their own statements asked bare",
    "start_up": "the second start of the demo, and its idle memory",
}


def main() -> None:
    """Run what the command line names."""
    listing = "\n".join(f"  {name:<13} {what}" for name, what in NAMES.items())
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=f"Benchmarks, each beside its peer:\n{listing}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], metavar="NAME", help="which; all without any")
    parser.add_argument("--full", action="store_true", help="the sizes the targets are stated for (takes minutes)")
    asked = parser.parse_args()
    sizes = FULL if asked.full else SMALL
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {sizes}")
    with world() as here:
        for name in asked.names or NAMES:
            print(f"\n{name}: {NAMES[name]}", flush=True)
            run: Callable[[World, Sizes], None] = import_module(f"bench.{name}").run
            run(here, sizes)


if __name__ == "__main__":
    main()
