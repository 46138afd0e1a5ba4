"""What people decide on mails, what the sender may decide alone, and the switch that stops them all."""

import threading
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

import make
from audit.models import AuditEntry
from desk import at_desk
from tenant import clock
from tenant.errors import NotFound, Refusal, WallBreach
from tenant.journal import CLOCKWORK
from tenant.models import Mail
from tenant.rules.fates import MAY_FOLLOW, Hand, may, sends_itself_again
from tenant.rules.terms import MailClass, MailState, Role
from tenant.scoping import PERMIT
from tenant.services import mail_marks, mail_turns, mails
from tenant.services.mail_marks import RESEND_AFTER
from tenant.unscoped import Reason, across_offices

AT = make.NOON
LEASE = timedelta(minutes=1)
ACTS = {
    "mark_delivered": (mails.mark_delivered, {MailState.UNKNOWN}, MailState.SENT),
    "send_again": (
        mails.send_again,
        {MailState.UNKNOWN, MailState.FAILED, MailState.BOUNCED, MailState.WITHHELD},
        MailState.QUEUED,
    ),
    "withhold": (
        lambda session, mail_id: mails.withhold(session, mail_id, "业主已缴"),
        {MailState.QUEUED},
        MailState.WITHHELD,
    ),
    "release": (mails.release, {MailState.WITHHELD}, MailState.QUEUED),
}


@pytest.fixture
def group(database):
    """Open a session of headquarters, as every reader of all offices does."""
    return lambda: across_offices(database, Reason.CLAIMING)


@pytest.fixture
def put(database, queue, group):
    """Queue one mail of a house and bring its row into a state: ``put(house, state, …)`` returns its id."""

    def put_one(house, state=MailState.QUEUED, *, columns=None, **draft):
        (mail_id,) = queue(house, **draft)
        with group() as session:
            values = {"state": state, **(columns or {})}
            session.execute(update(Mail).where(Mail.id == mail_id).values(values), execution_options=PERMIT)
            session.commit()
        return mail_id

    return put_one


@pytest.fixture
def found(group):
    """Return a mail as it stands."""

    def look(mail_id):
        with group() as session:
            return session.get(Mail, mail_id)

    return look


@pytest.fixture(autouse=True)
def open_gate(group):
    """The group's mail goes out again after each test."""
    yield
    with group() as session:
        switch = mails.gate(session)
        if switch is not None and switch.stopped_at is not None:
            mails.resume_all(session)
            session.commit()


# ---- the table
@pytest.mark.parametrize("state", MailState)
@pytest.mark.parametrize("act", ACTS)
def test_each_act_of_a_person_is_open_in_just_its_states(database, cast, put, found, act, state):
    doing, before, after = ACTS[act]
    mail_id = put(cast.north, state)
    with at_desk(database, cast.north, role=Role.DIRECTOR) as session:
        if state in before:
            assert doing(session, mail_id).state is after
            session.commit()
        else:
            with pytest.raises(Refusal) as refused:
                doing(session, mail_id)
            assert refused.value.code == "wrong_state"
            assert state.label in refused.value.message
            assert refused.value.message.endswith("。")
            session.rollback()
    assert found(mail_id).state is (after if state in before else state)


@given(st.lists(st.tuples(st.sampled_from(Hand), st.sampled_from(MailState)), max_size=30))
def test_whatever_is_tried_a_mail_only_goes_where_the_table_lets_it(steps):
    mail = Mail(state=MailState.QUEUED)
    for hand, following in steps:
        before = mail.state
        try:
            mail_marks.turn(mail, following, hand)
        except ValueError:
            assert not may(hand, before, following)
            assert mail.state is before
        else:
            assert may(hand, before, following)
            assert mail.state is following


def test_nothing_but_the_sender_sends_and_nothing_unsends_what_arrived():
    for hand in Hand:
        for state, following in MAY_FOLLOW[hand].items():
            assert state not in following
            assert hand is Hand.SENDER or MailState.SENDING not in following
    assert {hand for hand in Hand if MAY_FOLLOW[hand].get(MailState.SENT)} == {Hand.BOUNCES}
    assert {hand for hand in Hand if MAY_FOLLOW[hand].get(MailState.WITHHELD)} == {Hand.PERSON}
    for hand in Hand:
        reached = {following for row in MAY_FOLLOW[hand].values() for following in row}
        assert (MailState.BOUNCED in reached) == (hand is Hand.BOUNCES)


@given(st.sampled_from(MailClass), st.integers(0, 5))
def test_only_a_reminder_sends_itself_again_and_only_once(mail_class, resends):
    assert sends_itself_again(mail_class, resends) == (mail_class is MailClass.REMINDER and resends == 0)


# ---- people
def test_a_decision_stands_in_the_record_with_who_took_it(database, cast, put, group):
    mail_id = put(cast.north, MailState.UNKNOWN, columns={"last_error": "连接中断"})
    with at_desk(database, cast.north, role=Role.DIRECTOR) as session:
        assert mails.mark_delivered(session, mail_id).sent_at == AT
        session.commit()
    with group() as session:
        entry = session.scalars(
            select(AuditEntry).where(AuditEntry.subject_kind == "mail", AuditEntry.subject_id == mail_id)
            .order_by(AuditEntry.id.desc())
        ).first()  # fmt: skip
        assert (entry.verb, entry.actor_name) == ("mail.update", "北苑管理处主任")
        assert (entry.before["state"], entry.after["state"]) == ("unknown", "sent")


def test_what_is_sent_again_is_the_same_mail_under_the_same_message_id(database, cast, put, found):
    mail_id = put(cast.north, MailState.FAILED, columns={"attempts": 8, "last_error": "550"})
    before = found(mail_id)
    with at_desk(database, cast.north, AT + timedelta(days=1)) as session:
        mails.send_again(session, mail_id)
        session.commit()
    after = found(mail_id)
    assert (after.message_id, after.text_body) == (before.message_id, before.text_body)
    assert (after.state, after.resends, after.attempts) == (MailState.QUEUED, 1, 0)
    assert (after.not_before, after.last_error) == (AT + timedelta(days=1), None)


def test_a_mail_without_its_body_is_not_sent_again_and_the_way_out_is_said(database, cast, put):
    for state, act in ((MailState.FAILED, mails.send_again), (MailState.WITHHELD, mails.release)):
        mail_id = put(cast.north, state, columns={"text_body": None, "html_body": None})
        with at_desk(database, cast.north) as session, pytest.raises(Refusal, match="电话") as refused:
            act(session, mail_id)
        assert refused.value.code == "body_cleared"


def test_keeping_a_mail_back_needs_a_reason_and_says_it(database, cast, put, found, group):
    mail_id = put(cast.north)
    with at_desk(database, cast.north) as session, pytest.raises(Refusal, match="扣发原因"):
        mails.withhold(session, mail_id, "  ")
    with at_desk(database, cast.north) as session:
        mails.withhold(session, mail_id, "业主已到前台缴清")
        session.commit()
    assert found(mail_id).last_error == "已扣发：业主已到前台缴清"
    with group() as session:
        reasons = session.scalars(select(AuditEntry.reason).where(AuditEntry.subject_id == mail_id)).all()
        assert "业主已到前台缴清" in reasons


def test_a_mail_that_is_kept_back_is_claimed_by_nobody(database, cast, put, group):
    mail_id = put(cast.north, MailState.WITHHELD)
    with group() as session:
        assert mails.claim(session, mail_id, cast.north.id, LEASE) is None
        assert mail_id not in [mail.id for mail in mail_turns.waiting(session, AT)]


def test_a_decision_takes_the_mail_out_of_the_senders_hand(database, cast, put, found):
    mail_id = put(cast.north)
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        claim = mails.claim(session, mail_id, cast.north.id, timedelta(seconds=-1))
        session.commit()
    with across_offices(database, Reason.CLAIMING) as session:
        assert mails.expire(session) == [mail_id]
        session.commit()
    with at_desk(database, cast.north) as session:
        mails.mark_delivered(session, mail_id)
        session.commit()
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        assert mails.claimed(session, claim) is None
    assert found(mail_id).claim_token is None


def test_a_mail_of_another_office_is_not_there(database, cast, put):
    mail_id = put(cast.south, MailState.UNKNOWN)
    with at_desk(database, cast.north) as session, pytest.raises(NotFound):
        mails.mark_delivered(session, mail_id)


# ---- by itself
def test_a_reminder_of_a_dead_sender_goes_out_once_more_and_then_waits_for_a_person(database, cast, put, found, group):
    mail_id = put(cast.north, mail_class=MailClass.REMINDER)
    for round_number, state in ((1, MailState.QUEUED), (2, MailState.UNKNOWN)):
        with group() as session:
            assert mails.claim(session, mail_id, cast.north.id, timedelta(seconds=-1))
            session.commit()
            left = mails.expire(session, at=AT)
            session.commit()
        assert (found(mail_id).state, found(mail_id).resends) == (state, 1), round_number
        assert left == ([] if state is MailState.QUEUED else [mail_id])
    assert found(mail_id).not_before == AT + RESEND_AFTER


@pytest.mark.parametrize("mail_class", [MailClass.LEGAL, MailClass.ESCALATION, MailClass.NOTICE])
def test_nothing_else_ever_sends_itself_again(database, cast, put, found, group, mail_class):
    mail_id = put(cast.north, mail_class=mail_class)
    with group() as session:
        assert mails.claim(session, mail_id, cast.north.id, timedelta(seconds=-1))
        session.commit()
        assert mails.expire(session, at=AT) == [mail_id]
        session.commit()
    assert (found(mail_id).state, found(mail_id).resends) == (MailState.UNKNOWN, 0)


def test_a_sender_that_was_only_slow_still_tells_what_became_of_a_reminder(database, cast, put, found, group):
    delivered, doubtful = put(cast.north, mail_class=MailClass.REMINDER), put(cast.north, mail_class=MailClass.REMINDER)
    claims = {}
    with group() as session:
        for mail_id in (delivered, doubtful):
            claims[mail_id] = mails.claim(session, mail_id, cast.north.id, timedelta(seconds=-1))
        session.commit()
        mails.expire(session, at=AT)
        session.commit()
        mail_marks.mark_sent(mails.claimed(session, claims[delivered]), AT)
        mail_marks.mark_unknown(mails.claimed(session, claims[doubtful]), AT, "连接中断")
        session.commit()
        assert mails.claimed(session, claims[doubtful]) is None
    assert found(delivered).state is MailState.SENT
    assert (found(doubtful).state, found(doubtful).resends) == (MailState.QUEUED, 1)


# ---- the switch
def test_the_switch_stops_every_claim_from_its_commit_on(database, cast, put, group):
    mail_id = put(cast.north)
    with group() as session:
        assert mails.gate(session) is None or mails.gate(session).stopped_at is None
        mails.stop_all(session, "模板有误")
        session.commit()
        assert mail_turns.waiting(session, AT) == []
        assert not mail_turns.outstanding(session, AT).waiting
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        assert mails.gate(session).reason == "模板有误"
        assert mails.claim(session, mail_id, cast.north.id, LEASE) is None
    with group() as session:
        mails.resume_all(session)
        session.commit()
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        assert mails.claim(session, mail_id, cast.north.id, LEASE) is not None


def test_the_switch_waits_for_claims_under_way_and_the_next_ones_wait_for_it(database, cast, put, group):
    first, second = put(cast.north), put(cast.north)
    stopped, claims = threading.Event(), []

    def stop():
        with group() as session:
            mails.stop_all(session, "模板有误")
            stopped.set()
            session.commit()

    def claim_second():
        with group() as session:
            claims.append(mails.claim(session, second, cast.north.id, LEASE))
            session.commit()

    with group() as session:
        assert mails.claim(session, first, cast.north.id, LEASE)
        stopping = threading.Thread(target=stop)
        stopping.start()
        assert not stopped.wait(0.5), "the switch must wait until this claim is committed"
        claiming = threading.Thread(target=claim_second)
        claiming.start()
        session.commit()
    stopping.join(60)
    claiming.join(60)
    assert stopped.is_set()
    assert claims == [None]


def test_the_switch_is_the_groups_and_tells_who_turned_it(database, cast, group):
    with at_desk(database, cast.north, role=Role.DIRECTOR) as session, pytest.raises(WallBreach):
        mails.stop_all(session, "试试")
    with group() as session, clock.at(AT):
        with pytest.raises(Refusal) as refused:
            mails.resume_all(session)
        assert refused.value.code == "not_stopped"
        with pytest.raises(Refusal, match="停发原因"):
            mails.stop_all(session, "")
        switch = mails.stop_all(session, "模板有误")
        assert (switch.stopped_at, switch.stopped_by) == (AT, CLOCKWORK.name)
        with pytest.raises(Refusal, match="模板有误") as refused:
            mails.stop_all(session, "再停一次")
        assert refused.value.code == "already_stopped"
        session.commit()
        entry = session.scalars(
            select(AuditEntry).where(AuditEntry.subject_kind == "mail_gate").order_by(AuditEntry.id.desc())
        ).first()
        assert (entry.verb, entry.reason) == ("mail_gate.update", "模板有误")


# ---- bodies
def test_bodies_go_after_their_time_and_their_digests_stay(database, cast, put, found, group):
    long_ago = {"created_at": AT - timedelta(days=91)}
    gone = [put(house, MailState.SENT, columns=long_ago, html_body="<p>正文</p>") for house in (cast.north, cast.south)]
    without = put(cast.north, MailState.BOUNCED, columns=long_ago | {"body_digest": None})
    kept = [put(cast.north, state, columns=long_ago) for state in
            (MailState.QUEUED, MailState.UNKNOWN, MailState.WITHHELD)]  # fmt: skip
    young = put(cast.north, MailState.SENT)
    with group() as session:
        before = AT - mails.BODY_KEPT
        assert mails.clear_bodies(session, before, 2) + mails.clear_bodies(session, before, 100) >= 3
        assert mails.clear_bodies(session, before, 100) == 0
        session.commit()
        acts = session.scalars(select(AuditEntry).where(AuditEntry.verb == "mail.bodies_cleared")).all()
        assert {entry.office_id for entry in acts} >= {cast.north.id, cast.south.id}
        assert set(gone) <= {mail_id for entry in acts for mail_id in entry.after["ids"]}
        assert not any("正文" in str(entry.after) for entry in acts)
    for mail_id in gone:
        assert (found(mail_id).text_body, found(mail_id).html_body) == (None, None)
        assert found(mail_id).body_digest == mails.digest_of("正文", "<p>正文</p>")
    assert found(without).body_digest == mails.digest_of("正文", None)
    assert all(found(mail_id).text_body for mail_id in [*kept, young])


def test_the_digest_of_a_body_is_that_of_its_json():
    plain, both = "2554b462a4fab28e", "0a3b96040d9796a2"  # printf '["正文",null]' | sha256sum
    assert mails.digest_of("正文", None).startswith(plain)
    assert mails.digest_of("正文", "<p>正文</p>").startswith(both)


# ---- figures
def test_the_pulse_counts_what_is_due_and_what_stands_in_each_state(put, cast, group):
    with group() as session:
        was = mails.pulse(session, AT)
    early = AT - timedelta(days=400)
    put(cast.north, not_before=early)
    put(cast.south, not_before=AT + timedelta(days=1))
    put(cast.south, MailState.BOUNCED)
    with group() as session:
        now = mails.pulse(session, AT)
    assert (now.oldest_due_at, now.waiting) == (early, was.waiting + 1)
    grown = {state: now.by_state[state] - was.by_state[state] for state in MailState}
    assert {state: number for state, number in grown.items() if number} == {
        MailState.QUEUED: 2,
        MailState.BOUNCED: 1,
    }
