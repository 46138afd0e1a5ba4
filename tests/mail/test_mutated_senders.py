"""What keeps a mail from going out twice or being lost in silence, taken out piece by piece: the proof must notice.

Every interleaving is made by hand, in one thread: what happens meanwhile is called from the middle of the sending.
"""

from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from itertools import count
from types import SimpleNamespace

import pytest
from sqlalchemy import select
from sqlalchemy.orm import undefer

import make
from tasks.sweeps import Pace, run_mail
from tenant.journal import CLOCKWORK
from tenant.models import Mail
from tenant.rules.terms import MailClass, MailState
from tenant.scoping import Scope
from tenant.services import mails
from tenant.services.mails import MailClaim, MailDraft
from tenant.unscoped import Reason, across_offices

_numbers = count(1)


class Died(BaseException):
    """The process is gone: nothing catches this."""


class Carrier:
    """A transport that keeps whom it wrote to, and calls ``before`` and ``after`` taking a mail."""

    repeatable, paced = False, False

    def __init__(self, taken, *, before=None, after=None, lease=60):
        self.taken, self.before, self.after, self.lease = taken, before, after, timedelta(seconds=lease)

    def send(self, envelope):
        if self.before is not None:
            self.before()
        self.taken.append(envelope.recipient)
        if self.after is not None:
            self.after()

    def close(self):
        """Nothing is held open."""


@pytest.fixture
def office(database):
    """An office of its own for each proof."""
    with across_offices(database, Reason.SETTING_UP) as session:
        office_id = make.office(session).id
        session.commit()
    return SimpleNamespace(id=office_id, scope=lambda: Scope.of([office_id]))


def queue(database, office, times=1):
    """Queue one mail, for one reason, ``times`` over."""
    number = next(_numbers)
    draft = MailDraft(
        office_id=office.id, dedup_key=f"mutation:{number}", mail_class=MailClass.NOTICE, recipient_name="林主任",
        recipient_address=f"lin{number}@wuguan.invalid", subject="催办", text_body="正文", subject_kind="test",
        subject_id=number, not_before=make.NOON,
    )  # fmt: skip
    for _ in range(times):
        with database.session(office.scope(), CLOCKWORK) as session:
            mails.queue(session, draft)
            session.commit()


def send(database, office, settings, carrier):
    with suppress(Died):
        run_mail(database, make.NOON, office.id, settings=settings, transport=carrier, pace=Pace(waits=False))


def faults(database, office, taken):
    """Return what went wrong, counted: mails doubled, lost in silence, or left lying."""
    with database.session(office.scope(), CLOCKWORK) as session:
        rows = session.execute(select(Mail.recipient_address, Mail.state)).all()
    listed = {address for address, state in rows if state in {MailState.SENT, MailState.UNKNOWN}}
    sent = {address for address, state in rows if state is MailState.SENT}
    found = {
        "doubled": len(taken) - len(set(taken)),
        "lost in silence": len(sent - set(taken)) + len(set(taken) - listed),
        "left lying": sum(state in {MailState.QUEUED, MailState.SENDING} for _, state in rows),
    }
    return {what: number for what, number in found.items() if number}


# ---- interleavings
def die():
    raise Died


def _killed(database, office, settings, **when):
    taken = []
    queue(database, office)
    send(database, office, settings, Carrier(taken, lease=-1, **when))
    for _ in range(2):
        send(database, office, settings, Carrier(taken))
    return faults(database, office, taken)


def killed_before_the_content(database, office, settings):
    """A sender dies when nothing has gone out yet."""
    return _killed(database, office, settings, before=die)


def killed_after_the_content(database, office, settings):
    """A sender dies when the server has the mail, and nobody has written that down."""
    return _killed(database, office, settings, after=die)


def two_at_once(database, office, settings):
    """Another sender looks while one is about to send."""
    taken = []
    queue(database, office)
    others = Counter(looks=1)

    def look():
        if others["looks"]:
            others["looks"] = 0
            send(database, office, settings, Carrier(taken))

    send(database, office, settings, Carrier(taken, before=look))
    return faults(database, office, taken)


def one_reason_twice(database, office, settings):
    """A sweep that was killed after its commit runs again and finds the same reason to write."""
    taken = []
    queue(database, office, times=2)
    send(database, office, settings, Carrier(taken))
    return faults(database, office, taken)


INTERLEAVINGS = [killed_before_the_content, killed_after_the_content, two_at_once, one_reason_twice]


# ---- mutations
def _any_holder(session, claim):
    return session.scalars(select(Mail).where(Mail.id == claim.id).options(undefer("*"))).one()


def marked_before_sending(monkeypatch):
    """The row says sent, then the mail is sent."""
    claim = mails.claim

    def marking(session, mail_id, office_id, lease, *, at):
        taken = claim(session, mail_id, office_id, lease, at=at)
        session.get(Mail, mail_id).state = MailState.SENT
        session.flush()
        return taken

    monkeypatch.setattr(mails, "claim", marking)
    monkeypatch.setattr(mails, "claimed", _any_holder)


def sent_without_a_claim(monkeypatch):
    """The mail is sent, then the row is marked; nobody else is told in between."""

    def claiming(_session, mail_id, office_id, _lease, *, at):
        return MailClaim(mail_id, office_id, "")

    monkeypatch.setattr(mails, "claim", claiming)
    monkeypatch.setattr(mails, "claimed", _any_holder)


def sent_again_after_the_lease(monkeypatch):
    """What a dead sender left is taken for not sent."""
    expire = mails.expire
    monkeypatch.setattr(
        mails, "expire", lambda *arguments, **options: expire(*arguments, **options | {"repeatable": True})
    )


def without_the_key_of_the_reason(monkeypatch):
    """Every queueing is a reason of its own."""
    real = mails.queue
    monkeypatch.setattr(
        mails, "queue", lambda session, draft: real(session, replace(draft, dedup_key=f"any:{next(_numbers)}"))
    )


MUTATIONS = [
    (marked_before_sending, killed_before_the_content, {"lost in silence"}),
    (sent_without_a_claim, two_at_once, {"doubled"}),
    (sent_without_a_claim, killed_after_the_content, {"doubled"}),
    (sent_again_after_the_lease, killed_after_the_content, {"doubled"}),
    (without_the_key_of_the_reason, one_reason_twice, {"doubled"}),
]


@pytest.mark.parametrize("interleaving", INTERLEAVINGS)
def test_as_the_product_stands_nothing_is_doubled_and_nothing_lost_in_silence(database, office, settings, interleaving):
    assert interleaving(database, office, settings) == {}


@pytest.mark.parametrize(("mutation", "interleaving", "noticed"), MUTATIONS)
def test_with_a_guard_taken_out_the_proof_fails(
    database, office, settings, monkeypatch, mutation, interleaving, noticed
):
    mutation(monkeypatch)
    found = interleaving(database, office, settings)
    assert noticed <= found.keys(), f"{mutation.__name__} went unnoticed: {found}"
