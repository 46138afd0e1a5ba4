"""Senders killed in the middle of a mail: none is sent twice, none is lost in silence, the doubtful ones are listed."""

import time
from collections import Counter
from datetime import timedelta

from sqlalchemy import select

import make
from kills import kill_sweeps
from tasks.sweeps import run_mail
from tenant.models import Mail
from tenant.rules.terms import MailState
from tenant.unscoped import Reason, across_offices

KILLS, MAILS = 60, 600
WORDS = {
    "defer@rcpt": 30, "defer@content": 20, "drop@data": 15, "refuse@rcpt": 15, "refuse@content": 15,
    "drop@content": 12, "lose": 12, "hang@content": 2,
}  # fmt: skip
"""How often the server does what; all other mails it takes, now at once, now after a quarter of a second."""
DOUBTFUL = ("drop@content", "lose", "hang@content")
"""After these nobody can know whether the mail was taken."""
LATER = [timedelta(hours=hours) for hours in (0, 1, 5, 30, 60, 90)]


def states_of(database):
    with across_offices(database, Reason.REVIEWING) as session:
        rows = session.execute(select(Mail.state, Mail.message_id)).all()
    return {state: {row.message_id for row in rows if row.state is state} for state in MailState}


def test_killed_senders_double_nothing_and_lose_nothing_in_silence(
    database, cast, settings, sink, transport, queue, announce
):
    queue(cast.north, MAILS // 2)
    queue(cast.south, MAILS // 2)
    words = [word for word, number in WORDS.items() for _ in range(number)]
    words += ["take"] * (MAILS - len(words))

    def meanwhile(chance):
        if not sink.connections:
            chance.shuffle(words)
            sink.plan = words
        sink.pause = chance.choice([0.0, 0.0, 0.0, 0.005, 0.25])

    address = f"smtp://127.0.0.1:{sink.port}"
    toll = kill_sweeps(
        database, "mail", settings, make.NOON, wanted=KILLS, lives=(0, 9), freezes=0.05, meanwhile=meanwhile,
        smtp=address,
    )  # fmt: skip
    sink.pause = 0.0
    time.sleep(1.1)
    for later in LATER:
        run_mail(database, make.NOON + later, settings=settings, transport=transport)

    states, taken = states_of(database), Counter(message["Message-ID"] for message in sink.messages())
    sent, doubtful, failed = (states[state] for state in (MailState.SENT, MailState.UNKNOWN, MailState.FAILED))
    doubled, lost = taken.total() - len(taken), len((sent - taken.keys()) | (taken.keys() - sent - doubtful))
    announce(
        f"mail: {toll}; {MAILS} mails: {len(sent)} sent, {len(failed)} refused, {len(doubtful)} unknown "
        f"({len(doubtful & taken.keys())} of them taken), {doubled} doubled, {lost} lost in silence"
    )
    assert toll.landed >= KILLS
    assert doubled == 0, "sent twice"
    assert sent <= taken.keys(), "marked as sent and never taken"
    assert taken.keys() <= sent | doubtful, "taken and neither marked nor listed"
    assert len(sent | doubtful | failed) == MAILS, "left behind"
    assert failed
    assert not failed & taken.keys(), "refused and taken"
    uncertain = toll.landed + toll.elsewhere + toll.frozen + sum(WORDS[word] for word in DOUBTFUL)
    assert 0 < len(doubtful) <= uncertain, "one mail in hand at a time"
