"""The same roster through django-import-export: load, dry run, load, import, into a table of its fifteen columns.

As it comes: a `ModelResource` that looks each row up by its key. Fastest: bulk writes, no diff, all instances loaded
beforehand; it then tells no row from another when one fails. Neither records anything, joins units to owners, nor
checks more than the types of the columns. Django is configured here, in a process of its own.
"""

import io
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.importing_rows import HEADINGS
from bench.spending import Spent, spending
from bench.world import World

FIELDS = tuple(f"field{number}" for number in range(len(HEADINGS)))
KEY = FIELDS[:3]


def flow(world: World, content: bytes, rows: int, *, fast: bool) -> Spent | None:
    """Return what the whole flow costs in a fresh database; None where the peer is not installed.

    What its process takes to start, to configure Django and to make the table is left out.
    """
    if find_spec("import_export") is None:
        return None
    with world.database(f"django_{'fast' if fast else 'plain'}") as database:
        url = database.addresses.owner
        told: dict[str, object] = {
            "name": url.database,
            "user": url.username,
            "host": url.query.get("host") or url.host,
            "port": url.port,
        }
        asked = json.dumps({"fast": fast, "database": told | {"password": url.password}})
        path = world.folder / "peer.xlsx"
        path.write_bytes(content)
        command = [sys.executable, "-m", "bench.peer_django", asked, str(path)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            begun = float(process.stdout.readline())
            with spending(world) as spent:
                process.stdin.close()
                imported = json.loads(process.stdout.readline())
                process.wait()
    spent.computing -= begun
    assert imported == rows, imported
    return spent


def main(asked: dict[str, Any], content: bytes) -> None:
    """Configure Django and make the table; say what was computed till then, wait, take the flow, say how many rows."""
    import django  # noqa: PLC0415  only where it is installed
    from django.conf import settings  # noqa: PLC0415  only where it is installed
    from django.db import connection, models  # noqa: PLC0415  only where it is installed

    told = asked["database"]
    upper = {key.upper(): value for key, value in told.items() if value is not None}
    settings.configure(
        DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", **upper}},
        INSTALLED_APPS=["django.contrib.contenttypes", "import_export"],
        USE_TZ=True,
    )
    django.setup()
    columns: dict[str, Any] = {name: models.TextField(null=True, blank=True) for name in FIELDS}
    # a model belongs to an installed application: theirs, for none is ours
    meta = type("Meta", (), {"app_label": "import_export", "db_table": "roster", "unique_together": [KEY]})
    model: Any = type("Roster", (models.Model,), {"__module__": __name__, "Meta": meta, **columns})
    with connection.schema_editor() as editor:
        editor.create_model(model)
    resource = _resource(model, fast=asked["fast"])
    print(sum(os.times()[:2]), flush=True)
    sys.stdin.read()
    for dry in (True, False):
        result = resource.import_data(_loaded(content, joined=asked["fast"]), dry_run=dry, use_transactions=True)
        assert not result.has_errors(), result.row_errors()[:1]
    print(model.objects.count())


def _resource(model: Any, *, fast: bool) -> Any:  # noqa: ANN401  Django's
    from import_export import resources  # noqa: PLC0415  only where it is installed
    from import_export.instance_loaders import CachedInstanceLoader  # noqa: PLC0415  only where it is installed

    options: dict[str, Any] = {"model": model, "import_id_fields": KEY, "fields": FIELDS}
    if fast:
        # its cached loader knows keys of one column: building, section and room are joined before
        options |= {"import_id_fields": FIELDS[:1], "use_bulk": True, "skip_diff": True, "batch_size": 1000}
        options |= {"instance_loader_class": CachedInstanceLoader}
    meta = type("Meta", (), options)
    return type("RosterResource", (resources.ModelResource,), {"Meta": meta})()


def _loaded(content: bytes, *, joined: bool) -> Any:  # noqa: ANN401  tablib's
    import tablib  # noqa: PLC0415  only where it is installed

    loaded = tablib.Dataset().load(io.BytesIO(content), format="xlsx")
    rows = [("-".join(map(str, row[:3])), *row[1:]) if joined else row for row in loaded]
    return tablib.Dataset(*rows, headers=FIELDS)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), Path(sys.argv[2]).read_bytes())
