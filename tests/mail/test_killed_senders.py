"""Senders killed in the middle of a mail: none is sent twice, none is lost in silence, the doubtful ones are listed."""

import time
from collections import Counter

from sqlalchemy import select

import make
from kills import kill_sweeps
from tasks.sweeps import run_mail
from tenant.models import Mail
from tenant.rules.terms import MailState
from tenant.unscoped import Reason, across_offices

KILLS = 12


def test_killed_senders_double_nothing_and_lose_nothing_in_silence(
    database, cast, settings, sink, transport, queue, announce
):
    queue(cast.north, 100)
    queue(cast.south, 100)
    sink.pause = 0.02
    address = f"smtp://127.0.0.1:{sink.port}"

    landed = kill_sweeps(database, "mail", settings, make.NOON, address, wanted=KILLS, longest=0.4)
    time.sleep(1.1)
    run_mail(database, make.NOON, settings=settings, transport=transport)

    with across_offices(database, Reason.REVIEWING) as session:
        states = {mail.message_id: mail.state for mail in session.scalars(select(Mail))}
    taken = Counter(message["Message-ID"] for message in sink.messages())
    sent = {message_id for message_id, state in states.items() if state is MailState.SENT}
    doubtful = {message_id for message_id, state in states.items() if state is MailState.UNKNOWN}
    doubled = len(sink.taken) - len(taken)
    announce(f"mail: {landed} kills landed, {len(sent)} sent, {len(doubtful)} unknown, {doubled} doubled")
    assert landed == KILLS
    assert doubled == 0, "sent twice"
    assert sent <= set(taken), "marked as sent and never taken"
    assert set(taken) <= sent | doubtful, "taken and neither marked nor listed"
    assert sent | doubtful == set(states), "left behind"
    assert len(doubtful) <= landed, "one mail in hand at a time"
