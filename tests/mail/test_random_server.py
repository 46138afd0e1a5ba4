"""A server that does whatever it likes with a few hundred mails: none goes out twice, none is lost in silence.

What the server took is what really happened; what the rows say must agree with it, or say that nobody knows.
"""

import random
from collections import Counter
from datetime import timedelta

from sqlalchemy import select

import make
from tasks.mail.transport import SmtpTransport
from tasks.sweeps import run_mail
from tenant.models import Mail
from tenant.rules.terms import MailClass, MailState
from tenant.services.mail_marks import RESEND_AFTER, RETRY_AFTER
from tenant.unscoped import Reason, across_offices

SEED = 20260302
ACTS = {
    "take": 40,
    "delay": 5,
    "defer@mail": 4,
    "defer@rcpt": 5,
    "defer@data": 3,
    "defer@content": 5,
    "refuse@rcpt": 5,
    "refuse@data": 2,
    "refuse@content": 3,
    "tire@mail": 3,
    "tire@rcpt": 3,
    "tire@content": 2,
    "drop@mail": 3,
    "drop@rcpt": 3,
    "drop@data": 3,
    "drop@content": 4,
    "hang@rcpt": 1,
    "hang@content": 1,
    "lose": 6,
}
"""What may happen to a mail, and how often of a hundred or so."""


def test_whatever_the_server_does_none_is_doubled_and_none_lost_in_silence(
    database, cast, settings, sink, queue, announce
):
    chance = random.Random(SEED)  # noqa: S311 - chance, not secrecy
    classes = (MailClass.NOTICE, MailClass.ESCALATION, MailClass.LEGAL)
    for number in range(240):
        house = cast.north if number % 3 else cast.south
        mail_class = MailClass.REMINDER if number % 4 == 0 else classes[number % 3]
        queue(house, mail_class=mail_class, recipient_address=f"zhao{number}@owner{number % 5}.invalid")
    sink.plan = chance.choices(list(ACTS), weights=list(ACTS.values()), k=900)

    transport = SmtpTransport(f"smtp://127.0.0.1:{sink.port}", hello="wuguan.invalid", reply_seconds=0.4)
    due = dead = sent = 0
    steps = sum(RETRY_AFTER, RESEND_AFTER) + timedelta(days=1)
    for hours in range(0, int(steps.total_seconds() // 3600), 3):
        report = run_mail(database, make.NOON + timedelta(hours=hours), settings=settings, transport=transport)
        due, dead, sent = due + report.due, dead + report.dead, sent + report.mails
    transport.close()

    with across_offices(database, Reason.REVIEWING) as session:
        mails = {mail.message_id: mail for mail in session.scalars(select(Mail))}
    taken = Counter(message["Message-ID"] for message in sink.messages())
    by_state = Counter(mail.state for mail in mails.values())
    resent = {name for name, mail in mails.items() if mail.resends}
    doubled = {name for name, times in taken.items() if times > 1}
    lost = {name for name, mail in mails.items() if mail.state is MailState.SENT and name not in taken}
    hidden = {name for name in taken if mails[name].state not in {MailState.SENT, MailState.UNKNOWN}}
    announce(
        f"mail: 240 mails, {due} attempts, {len(sink.taken)} taken by the server; "
        + ", ".join(f"{number} {state}" for state, number in sorted(by_state.items()))
        + f"; {len(resent)} reminders sent once more, {len(doubled - resent)} doubled, {len(lost)} lost in silence"
    )
    assert not sink.plan[:1] or len(sink.plan) < 600, "the plan was hardly used"
    assert doubled <= resent, "sent twice, and not as a reminder of unknown fate"
    assert all(mails[name].mail_class is MailClass.REMINDER and mails[name].resends == 1 for name in resent)
    assert max(taken.values()) <= 2
    assert lost == set(), "marked as sent and never taken"
    assert hidden - resent == set(), "taken by the server, and neither marked as sent nor listed"
    assert set(by_state) <= {MailState.SENT, MailState.FAILED, MailState.UNKNOWN}, "left behind"
    assert all(mail.last_error for mail in mails.values() if mail.state is not MailState.SENT)
    assert sent == by_state[MailState.SENT]
    assert dead == by_state[MailState.FAILED] + by_state[MailState.UNKNOWN]
