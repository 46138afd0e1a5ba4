"""From the queue to the server and back: each mail ends as what really became of it, and none is sent twice."""

from collections import Counter
from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update

import make
from audit.models import AuditEntry
from tasks.mail.transport import Deferred, Rejected, SmtpTransport, TransportDown, Uncertain
from tasks.sweeps import run_mail
from tenant import clock
from tenant.errors import WallBreach
from tenant.journal import CLOCKWORK
from tenant.models import Mail, MailDomain
from tenant.rules.terms import MailClass, MailState
from tenant.scoping import PERMIT
from tenant.services import mail_marks, mail_turns, mails
from tenant.services.mail_marks import RESEND_AFTER, RETRY_AFTER
from tenant.services.mails import MailDraft
from tenant.unscoped import Reason, across_offices

AT = make.NOON


@pytest.fixture(autouse=True)
def nothing_queued(database):
    """Whatever an earlier test left waiting is out of the way."""
    with across_offices(database, Reason.CLAIMING) as session:
        waits = Mail.state.in_([MailState.QUEUED, MailState.SENDING])
        session.execute(update(Mail).where(waits).values(state=MailState.FAILED), execution_options=PERMIT)
        session.execute(delete(MailDomain), execution_options=PERMIT)
        session.commit()


@pytest.fixture
def send(database, settings, transport):
    """Sweep the mails once over the sink's transport; ``send(later)`` does it at a later instant."""
    return lambda later=timedelta(0): run_mail(database, AT + later, settings=settings, transport=transport)


def found(database, mail_id):
    with across_offices(database, Reason.REVIEWING) as session:
        return session.get(Mail, mail_id)


def test_one_reason_and_recipient_make_one_mail_with_one_message_id(database, cast):
    draft = MailDraft(
        office_id=cast.north.id, dedup_key="once", mail_class=MailClass.NOTICE, recipient_name="林主任",
        recipient_address="lin@wuguan.invalid", subject="一次", text_body="正文", subject_kind="test", subject_id=1,
    )  # fmt: skip
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        first = mails.queue(session, draft)
        assert first.message_id.endswith("@wuguan.invalid>")
        assert mails.queue(session, draft) is None
        session.commit()
    with database.session(cast.south.scope(), CLOCKWORK) as session, pytest.raises(WallBreach):
        mails.queue(session, draft)


def test_a_server_that_answers_nothing_mail_after_mail_is_left_alone_by_all_workers(database, cast, queue, sink, send):
    ids = queue(cast.north, 12)
    sink.plan = ["drop@content"] * 12
    assert send().dead == 5, "not the whole queue: nobody could tell which of them arrived"
    assert send().due == 0
    sink.plan = []
    assert send(timedelta(minutes=11)).done == 7
    states = Counter(found(database, mail_id).state for mail_id in ids)
    assert states == {MailState.UNKNOWN: 5, MailState.SENT: 7}


def test_a_rehearsal_of_a_far_day_stops_no_mail_until_then(database, cast, queue, sink, send):
    queue(cast.north, 6)
    sink.plan = ["drop@content"] * 6
    far = clock.now() - AT + timedelta(days=300)
    assert send(far).dead == 5
    sink.plan = []
    assert send(clock.now() - AT + timedelta(minutes=11)).done == 1


def test_what_the_server_takes_is_sent_once(database, cast, queue, sink, send):
    ids = queue(cast.north, 3) + queue(cast.south, 2)
    report = send()
    assert (report.due, report.done, report.mails, report.dead) == (5, 5, 5, 0)
    assert {found(database, mail_id).state for mail_id in ids} == {MailState.SENT}
    assert send().due == 0
    assert len({message["Message-ID"] for message in sink.messages()}) == len(sink.taken) == 5


def test_offices_take_turns_at_the_server(database, cast, queue, sink, send):
    queue(cast.north, 5)
    queue(cast.south, 1, subject="south")
    send()
    assert [message["Subject"] for message in sink.messages()].index("south") <= 1


def test_a_passing_refusal_is_tried_again_later_under_the_same_message_id(database, cast, queue, sink, send):
    (mail_id,) = queue(cast.north)
    sink.plan = ["defer@rcpt"]
    assert send().done == 0
    waiting = found(database, mail_id)
    assert (waiting.state, waiting.attempts, waiting.not_before) == (MailState.QUEUED, 1, AT + RETRY_AFTER[0])
    assert waiting.last_error.startswith("451")
    assert send().due == 0
    assert send(RETRY_AFTER[0]).done == 1
    assert sink.messages()[0]["Message-ID"] == waiting.message_id


def test_a_refusal_that_never_passes_ends_as_failed(database, cast, queue, sink, send):
    (mail_id,) = queue(cast.north)
    sink.plan = ["defer@content"] * (len(RETRY_AFTER) + 1)
    for _ in range(len(RETRY_AFTER) + 1):
        send(timedelta(days=_))
    assert found(database, mail_id).state is MailState.FAILED
    assert send(timedelta(days=99)).due == 0


def test_a_refusal_for_good_is_not_tried_again(database, cast, queue, sink, send):
    (mail_id,) = queue(cast.north)
    sink.plan = ["refuse@rcpt"]
    assert send().dead == 1
    failed = found(database, mail_id)
    assert (failed.state, failed.last_error) == (MailState.FAILED, "550 5.1.1 no such person")
    assert send(timedelta(days=9)).due == 0


@pytest.mark.parametrize("word", ["drop@content", "hang@content", "lose"])
def test_a_connection_that_ends_with_the_content_under_way_waits_for_a_person(database, cast, queue, sink, send, word):
    doubtful, sound = queue(cast.north, 2)
    sink.plan = [word]
    report = send()
    assert (report.done, report.dead) == (1, 1)
    assert found(database, doubtful).state is MailState.UNKNOWN
    assert found(database, sound).state is MailState.SENT
    assert send(timedelta(days=9)).due == 0


def test_a_bad_address_fails_alone(database, cast, queue, sink, send):
    (bad,) = queue(cast.north, recipient_address="张三@")
    (good,) = queue(cast.north)
    send()
    assert found(database, bad).state is MailState.FAILED
    assert "收件地址无效" in found(database, bad).last_error
    assert found(database, good).state is MailState.SENT


@pytest.mark.parametrize("fault", [Rejected, Deferred, Uncertain, TransportDown, ValueError])
def test_an_address_the_server_repeats_is_kept_masked(database, cast, queue, settings, fault):
    class Repeating:
        lease, repeatable, paced = timedelta(seconds=60), False, False

        def send(self, envelope):
            raise fault(f"550 5.1.1 <{envelope.recipient.upper()}>: no such person")

        def close(self):
            pass

    (mail_id,) = queue(cast.north, recipient_address="lin.zhuren@owner.invalid")
    run_mail(database, AT, settings=settings, transport=Repeating())
    kept = found(database, mail_id).last_error
    assert "l***@owner.invalid" in kept
    assert "zhuren" not in kept.lower()
    with across_offices(database, Reason.REVIEWING) as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.subject_id == mail_id)).all()
        assert entries
        assert "zhuren" not in str([entry.after for entry in entries]).lower()


def test_a_server_that_is_down_costs_no_mail_an_attempt(database, cast, queue, settings):
    ids = queue(cast.north, 3)
    nowhere = SmtpTransport("smtp://127.0.0.1:1", hello="wuguan.invalid")
    report = run_mail(database, AT, settings=settings, transport=nowhere)
    assert (report.due, report.dead) == (1, 0)
    assert {(found(database, mail_id).state, found(database, mail_id).attempts) for mail_id in ids} == {
        (MailState.QUEUED, 0)
    }


def test_a_server_that_refuses_the_sender_loses_no_mail(database, cast, queue, sink, send):
    ids = queue(cast.north, 2)
    sink.plan = ["refuse@mail"]
    assert send().dead == 0
    assert {found(database, mail_id).state for mail_id in ids} == {MailState.QUEUED}
    assert send(timedelta(minutes=1)).done == 2


def test_what_a_dead_worker_was_sending_becomes_unknown_and_is_not_sent_again(database, cast, queue, sink, send):
    (mail_id,) = queue(cast.north)
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        assert mails.claim(session, mail_id, cast.north.id, timedelta(seconds=-1))
        session.commit()
    assert send().dead == 1
    assert found(database, mail_id).state is MailState.UNKNOWN
    assert sink.taken == []


def test_into_the_mailbox_it_is_simply_sent_again(database, cast, queue, settings):
    (mail_id,) = queue(cast.north)
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        assert mails.claim(session, mail_id, cast.north.id, timedelta(seconds=-1))
        session.commit()
    assert run_mail(database, AT, settings=settings).done == 1
    assert found(database, mail_id).state is MailState.SENT


def test_a_worker_that_was_only_slow_may_still_say_what_became_of_it(database, cast, queue):
    (mail_id,) = queue(cast.north)
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        claim = mails.claim(session, mail_id, cast.north.id, timedelta(seconds=-1))
        session.commit()
    with across_offices(database, Reason.CLAIMING) as session:
        assert mails.expire(session) == [mail_id]
        session.commit()
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        mail_marks.mark_sent(mails.claimed(session, claim), AT)
        session.commit()
    assert found(database, mail_id).state is MailState.SENT


def test_of_two_workers_one_gets_the_mail(database, cast, queue):
    (mail_id,) = queue(cast.north)
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        assert mails.claim(session, mail_id, cast.north.id, timedelta(minutes=1))
        session.commit()
        assert mails.claim(session, mail_id, cast.north.id, timedelta(minutes=1)) is None


@pytest.mark.parametrize("fate", ["lose", "defer@rcpt"])
def test_what_another_worker_has_put_off_is_not_tried_at_once_by_one_that_saw_it_before(
    database, cast, queue, sink, send, settings, monkeypatch, fate
):
    """Each works off a list of its own; what it says of a mail may be over when its turn comes."""
    (mail_id,) = queue(cast.north, mail_class=MailClass.REMINDER, not_before=AT)
    look, sink.plan = mail_turns.waiting, [fate]

    def looks_before_another_sends(*arguments, **options):
        seen = look(*arguments, **options)
        monkeypatch.setattr(mail_turns, "waiting", look)
        other = SmtpTransport(f"smtp://127.0.0.1:{sink.port}", hello="wuguan.invalid")
        with closing(other):
            run_mail(database, AT, settings=settings, transport=other)
        return seen

    monkeypatch.setattr(mail_turns, "waiting", looks_before_another_sends)
    send()
    waiting = found(database, mail_id)
    assert waiting.state is MailState.QUEUED
    assert waiting.not_before > AT
    assert len(sink.taken) == (fate == "lose")


def test_a_server_that_refuses_the_login_keeps_every_mail_queued_and_says_what_to_check(
    database, cast, queue, sink, settings
):
    ids = queue(cast.north, 2)
    locked_out = SmtpTransport(f"smtp://user:wrong@127.0.0.1:{sink.port}", hello="wuguan.invalid")
    assert run_mail(database, AT, settings=settings, transport=locked_out).dead == 0
    rows = [found(database, mail_id) for mail_id in ids]
    assert {(row.state, row.attempts) for row in rows} == {(MailState.QUEUED, 0)}
    assert "授权码" in "".join(row.last_error or "" for row in rows)


def test_a_reminder_whose_fate_is_unknown_goes_out_once_more_by_itself_and_no_other_mail_does(
    database, cast, queue, sink, send
):
    noon = {"not_before": AT}
    (reminder,) = queue(cast.north, mail_class=MailClass.REMINDER, **noon)
    sink.plan = ["lose"]
    send()
    waiting = found(database, reminder)
    assert (waiting.state, waiting.resends, waiting.not_before) == (MailState.QUEUED, 1, AT + RESEND_AFTER)
    legal, notice = queue(cast.north, mail_class=MailClass.LEGAL, **noon) + queue(cast.north, **noon)
    sink.plan = ["lose", "lose"]
    assert send().dead == 2
    sink.plan = ["lose"]
    assert send(RESEND_AFTER).dead == 1
    assert [found(database, mail_id).state for mail_id in (reminder, legal, notice)] == [MailState.UNKNOWN] * 3
    assert send(timedelta(days=9)).due == 0
    assert len({message["Message-ID"] for message in sink.messages()}) == 3
    assert len(sink.taken) == 4


def test_a_mail_that_is_kept_back_or_stopped_is_not_sent(database, cast, queue, sink, send):
    kept, stopped = queue(cast.north, 2)
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        mails.withhold(session, kept, "业主已缴清")
        session.commit()
    with across_offices(database, Reason.CLAIMING) as session:
        mails.stop_all(session, "模板有误")
        session.commit()
    assert send(timedelta(days=9)).due == 0
    with across_offices(database, Reason.CLAIMING) as session:
        mails.resume_all(session)
        session.commit()
    assert send(timedelta(days=9)).done == 1
    assert [found(database, mail_id).state for mail_id in (kept, stopped)] == [MailState.WITHHELD, MailState.SENT]


def test_the_switch_turned_in_the_middle_of_a_run_stops_it_after_the_mail_in_hand(database, cast, queue, sink, send):
    ids = queue(cast.north, 20)

    def stop_after_five():
        if len(sink.taken) == 5:
            with across_offices(database, Reason.CLAIMING) as session:
                mails.stop_all(session, "模板有误")
                session.commit()

    sink.took = stop_after_five
    assert send().done == len(sink.taken) == 5
    states = [found(database, mail_id).state for mail_id in ids]
    assert (states.count(MailState.SENT), states.count(MailState.QUEUED)) == (5, 15)
    with across_offices(database, Reason.CLAIMING) as session:
        mails.resume_all(session)
        session.commit()
    assert send().done == 15
