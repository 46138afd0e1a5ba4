"""A nursery of uploads to be killed: imports everything once, then forks an upload for every line it is sent.

A line is one order as JSON: where the database and the folder are, who uploads to which ticket, and the ``point`` at
which the upload kills itself (None: it goes on until somebody else does). The answer is the process number; an empty
line waits for the latest one and answers how it ended.
"""

import json
import os
import signal
import sys
from itertools import count
from pathlib import Path

from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.orm import configure_mappers

import pictures
from audit.capture import Capture
from tenant.db import Addresses, Database
from tenant.files import prepared
from tenant.files.folder import Folder
from tenant.journal import CLOCKWORK
from tenant.scoping import Scope
from tenant.services import attachments

LARGEST = 1_000_000


def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)


class Doomed(Folder):
    """A folder whose user dies at a point: ``half`` way, after the first (``one``) or the second file (``both``)."""

    def __init__(self, root, point):
        super().__init__(root)
        self.point, self.kept = point, 0

    def put(self, key, content, media_type):
        if self.point == "half":
            path = self._path(key).with_name(f"{key}.part")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content[: len(content) // 2])
            die()
        super().put(key, content, media_type)
        self.kept += 1
        if (self.point, self.kept) in {("one", 1), ("both", 2)}:
            die()


def upload(order):
    url = make_url(order["url"])
    database = Database(Addresses(app=url, owner=url), Capture(), pool_size=1)
    store, point = Doomed(Path(order["folder"]), order["point"]), order["point"]
    for number in count(order["seed"]):
        content = pictures.photo(200 + number % 100, 200 + number // 100)
        with database.session(Scope.of([order["office"]]), CLOCKWORK) as session:
            attachments.attach(session, store, order["ticket"], prepared(f"{number}.jpg", content, LARGEST))
            if point == "flushed":
                die()
            if point == "committing":
                event.listen(database.engine, "commit", die)
            session.commit()
            if point == "committed":
                die()


def main():
    configure_mappers()
    latest = None
    for line in sys.stdin:
        if line.strip():
            latest = os.fork()
            if latest == 0:
                upload(json.loads(line))
                os._exit(1)
            answer = latest
        else:
            _, status = os.waitpid(latest, 0)
            answer = -os.waitstatus_to_exitcode(status)
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


main()
