"""The nursery of workers to be killed: imports everything once, then forks a worker for every line it is sent.

A line is one order as JSON: ``{"kind": …, "slot": …}`` forks a worker and answers its process number; ``{"bury": …}``
waits for one and answers how it ended; ``{"rehearse": …}`` has the nursery itself do some of the work, so that workers
born later find their statements compiled. A worker makes its own connections, sweeps once with short leases, and marks
in shared memory what it is at.
"""

import gc
import json
import os
import signal
import sys
import threading
import time
import traceback
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import configure_mappers

import bells
from audit.capture import Capture
from importers.sheets.kinds import KINDS, kind_named
from kills import PATIENCE, Marks, shared
from tasks import jobs as running
from tasks import sweeps, worker
from tasks.actors import Works
from tasks.mail.transport import SmtpTransport
from tasks.sweeps import Pace
from tenant import clock
from tenant.db import Addresses, Database
from tenant.services import clockwork, gathering, mails
from tenant.services.clockwork import ClaimLost
from tenant.settings import Settings

LEASE = timedelta(seconds=1)
IN_SMALL_ROUNDS = 10
"""How many of one office a round takes, so that a kill leaves few claims that must be made again one by one."""
REHEARSED = 3
"""How many claims the nursery settles; what else it has claimed it leaves behind, as somebody does who is killed."""


class Enough(BaseException):
    """The rehearsal is over: no error, so nobody gives back what is held."""


@cache
def open_at(url):
    address = make_url(url)
    return Database(Addresses(app=address, owner=address), Capture(), pool_size=2)


def watch(database, marks):
    """Mark connections in use and claims held: a claim is held until the transaction that settles it is over."""
    released = [0]

    def out(*_):
        marks.open += 1

    def back(*_):
        marks.open -= 1
        marks.holding = max(marks.holding - released[0], 0)
        marks.settled += released[0]
        released[0] = 0

    event.listen(database.engine, "checkout", out)
    event.listen(database.engine, "checkin", back)
    claim, claim_mail = clockwork.claim, mails.claim

    def claiming(*arguments, **options):
        claims = claim(*arguments, **options)
        marks.holding = len(claims)
        return claims

    def claiming_mail(*arguments, **options):
        claim = claim_mail(*arguments, **options)
        marks.holding = claim is not None
        return claim

    def giving_back(session, claims):
        release(session, claims)
        marks.holding -= len(claims)

    take = gathering.take

    def taking(*arguments):
        parts = take(*arguments)
        marks.holding = bool(parts)
        return parts

    gathering.take, gathering.gather = taking, _counted(gathering.gather, released)
    release = clockwork.release
    clockwork.claim, clockwork.release, mails.claim = claiming, giving_back, claiming_mail
    clockwork.settle, clockwork.fail = _counted(clockwork.settle, released), _counted(clockwork.fail, released)
    return released


def _counted(function, released):
    def call(*arguments):
        try:
            answer = function(*arguments)
        except ClaimLost:
            released[0] += 1
            raise
        released[0] += 1
        return answer

    return call


class MarkedTransport(SmtpTransport):
    """A transport that marks when the fate of the mail in hand is known."""

    lease, paced = LEASE, False

    def send(self, envelope):
        try:
            super().send(envelope)
        finally:
            self.released[0] += 1


def send_mails(database, at, settings, released, smtp):
    transport = MarkedTransport(smtp, hello="wuguan.invalid", reply_seconds=2)
    transport.released = released
    sweeps.run_mail(database, at, settings=settings, transport=transport)


def ring_until_done(database, at, pace, deadly):
    """Ring all bells; when the database goes away come back by ourselves, as a worker's next message does.

    The bells of the owner ``deadly`` kill whoever rings them; None of nobody.
    """

    def effect(session, action):
        if action.subject_id == deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        return bells.ring(session, action)

    while True:
        try:
            return bells.ring_all(database, at, pace, effect)
        except DBAPIError:
            time.sleep(0.05)


def sweep(order, marks):
    """Sweep until nothing is left, or until somebody kills us."""
    database = open_at(order["url"])
    released = watch(database, marks)
    marks.begun = 1
    work(order, database, released)


def work(order, database, released):
    """Do what was ordered; mails count in ``released`` whose fate is known."""
    settings, lease = Settings(home=Path(order["home"])), timedelta(seconds=order.get("lease", LEASE.total_seconds()))
    clockwork.RETRY_AFTER = (LEASE,) * clockwork.MOST_ATTEMPTS  # as short as the leases
    pace = Pace(lease=lease, per_office=IN_SMALL_ROUNDS)
    at = datetime.fromisoformat(order["at"]) + timedelta(seconds=order.get("skew", 0))
    match order["kind"]:
        case "mail":
            send_mails(database, at, settings, released, order["smtp"])
        case "dunning":
            sweeps.run_dunning(database, at, settings=settings, pace=pace)
        case "warnings":
            sweeps.run_warnings(database, at, settings=settings, pace=pace)
        case "escalations":
            sweeps.run_escalations(database, at, settings=settings, pace=pace)
        case "gathering":
            sweeps.run_gathering(database, at, settings=settings, pace=pace)
        case "bells":
            with clock.at(at):
                ring_until_done(database, at, pace, order.get("deadly"))
        case "job":
            running.run(Works(database, settings), order["job"])
        case "worker":
            worker.run(settings, database, threading.Event())


def rehearse(order):
    """Do a job, or settle a few claims, and leave neither a connection nor a thread behind."""
    database, settle, left = open_at(order["url"]), clockwork.settle, [REHEARSED]

    def settle_a_few(*arguments):
        if not left[0]:
            raise Enough
        left[0] -= 1
        return settle(*arguments)

    clockwork.settle = settle_a_few
    with suppress(Enough):
        work(order, database, [0])
    clockwork.settle = settle
    database.engine.dispose()
    return 0


def fork(order, memory):
    child = os.fork()
    if child:
        return child
    status, marks = 1, Marks(memory, order["slot"])
    try:
        os.dup2(2, 1)
        sweep(order, marks)
        status = 0
    except BaseException:  # noqa: BLE001 - a worker ends here whatever happened, and never runs on as a nursery
        traceback.print_exc()
    finally:
        marks.ended = 1
        sys.stderr.flush()
        os._exit(status)


def bury(child):
    """Wait for a worker's end and return how it came; one that goes on beyond all patience is killed."""
    deadline = time.monotonic() + PATIENCE
    while True:
        gone, status = os.waitpid(child, os.WNOHANG)
        if gone:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.002)


def main(path):
    """Fork and bury until the orders end."""
    memory = shared(path)
    configure_mappers()
    for kind in KINDS:
        kind_named(kind)
    open_at("postgresql+psycopg://nobody@nowhere/nothing")  # never connected: it imports what opening needs
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        order = json.loads(line)
        if "bury" in order:
            answer = bury(order["bury"])
        elif "rehearse" in order:
            answer = rehearse(order["rehearse"])
        else:
            assert threading.active_count() == 1, "threads do not survive a fork"
            answer = fork(order, memory)
        print(answer, flush=True)  # noqa: T201 - whoever ordered waits for the answer


if __name__ == "__main__":
    main(*sys.argv[1:])
