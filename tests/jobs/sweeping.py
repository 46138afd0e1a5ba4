"""A worker to be killed: sweeps once in a process of its own, with a short lease, and says when it begins.

Arguments: kind of sweep, address of the database, home, instant, SMTP address (only for mail).
"""

import sys
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.engine import make_url

from audit.capture import Capture
from tasks import sweeps
from tasks.mail.transport import SmtpTransport
from tasks.sweeps import Pace
from tenant.db import Addresses, Database
from tenant.models import Office
from tenant.settings import Settings
from tenant.unscoped import Reason, across_offices

LEASE = timedelta(seconds=1)


def main(kind, url, home, at, smtp=None):
    """Sweep until nothing is left, or until the parent kills us."""
    address = make_url(url)
    database = Database(Addresses(app=address, owner=address), Capture(), pool_size=2)
    settings = Settings(home=Path(home))
    instant = datetime.fromisoformat(at)
    with across_offices(database, Reason.SIGNING_IN) as session:
        session.scalars(select(Office.id)).all()  # connected and warm: a kill shall fall into the work
    print("begun", flush=True)  # noqa: T201 - the parent waits for this line
    if kind == "mail":
        transport = SmtpTransport(smtp, hello="wuguan.invalid")
        transport.lease = LEASE
        sweeps.run_mail(database, instant, settings=settings, transport=transport)
    elif kind == "dunning":
        sweeps.run_dunning(database, instant, settings=settings, pace=Pace(lease=LEASE))
    else:
        sweeps.run_escalations(database, instant, settings=settings, pace=Pace(lease=LEASE))


if __name__ == "__main__":
    main(*sys.argv[1:])
