"""Mail that came back: written down once, however often it is said; its mailbox is marked after the commit."""

import os
from datetime import timedelta

import pytest
import trustme
from sqlalchemy import select, update

import dovecot
import make
from audit.models import AuditEntry
from tasks.mail.inbox import Inbox, InboxDown
from tasks.sweeps import Pace, run_bounces
from tasks.sweeps import bounces as sweep
from tenant.errors import SettingsError
from tenant.journal import CLOCKWORK
from tenant.models import Mail
from tenant.rules.terms import MailState
from tenant.scoping import PERMIT
from tenant.services import bounces, mails
from tenant.services.bounces import Outcome, Returned
from tenant.settings import Settings
from tenant.unscoped import Reason, across_offices

AT = make.NOON


@pytest.fixture
def put(database, queue):
    """Queue a mail and bring it into a state; returns its row."""

    def put_one(house, state=MailState.SENT, **columns):
        (mail_id,) = queue(house, recipient_address="zhao@owner.invalid")
        with across_offices(database, Reason.CLAIMING) as session:
            values = {"state": state, "sent_at": AT, **columns}
            session.execute(update(Mail).where(Mail.id == mail_id).values(values), execution_options=PERMIT)
            session.commit()
        return found_in(database, mail_id)

    return put_one


def found_in(database, mail_id):
    with across_offices(database, Reason.CLAIMING) as session:
        return session.get(Mail, mail_id)


@pytest.fixture
def take(database):
    """Write down a returned mail as every reader does."""
    return lambda mail, **said: sweep.take(database, Returned(mail.message_id, **said), AT, CLOCKWORK)


FAILED = {"status": "5.1.1", "action": "failed", "reason": "550 <z***@owner.invalid> unknown"}
DELAYED = {"status": "4.2.2", "action": "delayed", "reason": "mailbox full"}


# ---- what becomes of the mail
@pytest.mark.parametrize("state", [MailState.SENT, MailState.UNKNOWN])
def test_what_came_back_for_good_is_bounced_with_its_reason(database, cast, put, take, state):
    mail = put(cast.north, state)
    assert take(mail, **FAILED) is Outcome.BOUNCED
    row = found_in(database, mail.id)
    assert (row.state, row.bounced_at) == (MailState.BOUNCED, AT)
    assert row.last_error == "被收件方退回：5.1.1 550 <z***@owner.invalid> unknown"
    with across_offices(database, Reason.CLAIMING) as session:
        entries = session.scalars(
            select(AuditEntry).where(AuditEntry.subject_kind == "mail", AuditEntry.subject_id == mail.id)
        ).all()
    assert [entry.after.get("state") for entry in entries if entry.verb == "mail.update"] == ["bounced"]
    assert {entry.office_id for entry in entries} == {cast.north.id}


def test_the_same_said_again_changes_nothing(database, cast, put, take):
    mail = put(cast.north)
    assert [take(mail, **FAILED), take(mail, **FAILED)] == [Outcome.BOUNCED, Outcome.SETTLED]
    other = put(cast.south)
    assert [take(other, **DELAYED), take(other, **DELAYED)] == [Outcome.NOTED, Outcome.NOTED]
    with across_offices(database, Reason.CLAIMING) as session:
        for row in (mail, other):
            told = session.scalars(
                select(AuditEntry.verb).where(AuditEntry.subject_kind == "mail", AuditEntry.subject_id == row.id)
            ).all()
            assert told == ["mail.create", "mail.update"]


def test_what_is_only_delayed_is_noted_and_the_mail_stays_sent(database, cast, put, take):
    mail = put(cast.north)
    assert take(mail, **DELAYED) is Outcome.NOTED
    assert found_in(database, mail.id).state is MailState.SENT
    assert found_in(database, mail.id).last_error == "收件方暂未投递：4.2.2 mailbox full"
    assert take(mail, status="", action="", reason="?") is Outcome.NOTED
    assert take(mail, **FAILED) is Outcome.BOUNCED


@pytest.mark.parametrize("state", [MailState.QUEUED, MailState.FAILED, MailState.WITHHELD])
def test_a_mail_that_is_not_out_does_not_bounce(database, cast, put, take, state):
    mail = put(cast.north, state)
    assert take(mail, **FAILED) is Outcome.SETTLED
    assert found_in(database, mail.id).state is state


def test_a_mail_that_is_being_sent_is_asked_for_again_later(cast, put, take):
    assert take(put(cast.north, MailState.SENDING), **FAILED) is Outcome.UNDER_WAY


def test_a_return_of_an_earlier_sending_does_not_bounce_the_later_one(cast, put, take):
    again = put(cast.north, resends=1, sent_at=AT)
    assert take(again, received_at=AT - timedelta(hours=1), **FAILED) is Outcome.SETTLED
    assert take(again, received_at=AT - timedelta(seconds=30), **FAILED) is Outcome.BOUNCED
    first = put(cast.north, sent_at=AT)
    assert take(first, received_at=AT - timedelta(hours=1), **FAILED) is Outcome.BOUNCED


def test_a_mail_that_is_not_ours_is_nobodys(database):
    assert sweep.take(database, Returned("<none@wuguan.invalid>"), AT, CLOCKWORK) is Outcome.NOT_OURS


def test_what_bounced_may_be_sent_again_and_bounce_again(database, cast, put, take):
    mail = put(cast.north)
    take(mail, **FAILED)
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        mails.send_again(session, mail.id)
        session.commit()
    assert found_in(database, mail.id).bounced_at is None
    with across_offices(database, Reason.CLAIMING) as session:
        sent = {"state": MailState.SENT, "sent_at": AT + timedelta(hours=1)}
        session.execute(update(Mail).where(Mail.id == mail.id).values(sent), execution_options=PERMIT)
        session.commit()
    assert take(mail, received_at=AT, **FAILED) is Outcome.SETTLED
    assert take(mail, received_at=AT + timedelta(hours=2), **FAILED) is Outcome.BOUNCED


def test_an_office_never_sees_the_return_of_anothers_mail(database, cast, put):
    mail = put(cast.south)
    with database.session(cast.north.scope(), CLOCKWORK) as session:
        assert bounces.take(session, Returned(mail.message_id, **FAILED), AT) is Outcome.NOT_OURS


# ---- from a real mailbox
def message(mail, *, action="failed", status="5.1.1"):
    return f"""\
From: MAILER-DAEMON@relay.invalid
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="=_edge"

--=_edge
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.invalid

Final-Recipient: rfc822; zhao@owner.invalid
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 5.1.1 <zhao@owner.invalid>: no such person

--=_edge
Content-Type: text/rfc822-headers

Message-ID: {mail.message_id}

--=_edge--
""".encode()


SPAM = b"From: anybody@x.invalid\nSubject: hello\n\nbuy now\n"


@pytest.fixture(scope="module")
def authority():
    """An authority of our own."""
    return trustme.CA()


@pytest.fixture(scope="module")
def imap(authority):
    """A dovecot with a certificate for localhost."""
    with dovecot.running(authority.issue_cert("localhost"), os.environ["WUGUAN_TEST_DOVECOT"]) as running:
        yield running


@pytest.fixture
def stated(authority, imap, tmp_path):
    """Settings that name a mailbox of the server: ``stated("anna")``."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))

    def name(user, **options):
        url = imap.url(user, **options)
        return Settings(home=tmp_path, bounce_imap_url=url, smtp_ca_file=tmp_path / "ca.pem")

    return name


@pytest.mark.imap
@pytest.mark.parametrize("scheme", ["imaps", "imap"])
def test_the_mailbox_is_read_and_everything_in_it_is_marked(database, cast, put, imap, stated, scheme):
    failed, other, delayed = put(cast.north), put(cast.south), put(cast.north)
    user = f"read-{scheme}"
    stranger = Mail(message_id=f"<{'f' * 32}@wuguan.invalid>")
    late = message(delayed, action="delayed", status="4.4.1")
    imap.put(user, message(failed), SPAM, message(other), late, message(stranger))
    assert run_bounces(database, AT, settings=stated(user, scheme=scheme)) == 2
    assert imap.unseen(user) == 0
    states = [found_in(database, mail.id).state for mail in (failed, other, delayed)]
    assert states == [MailState.BOUNCED, MailState.BOUNCED, MailState.SENT]
    assert "zhao@" not in found_in(database, failed.id).last_error
    assert run_bounces(database, AT, settings=stated(user, scheme=scheme)) == 0


@pytest.mark.imap
def test_what_was_committed_and_not_marked_has_no_second_effect(database, cast, put, imap, stated, monkeypatch):
    mail = put(cast.north)
    imap.put("killed", message(mail))

    def killed(_inbox, _letter):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Inbox, "done", killed)
        with pytest.raises(KeyboardInterrupt):
            run_bounces(database, AT, settings=stated("killed"))
    assert found_in(database, mail.id).state is MailState.BOUNCED
    assert imap.unseen("killed") == 1
    assert run_bounces(database, AT + timedelta(hours=1), settings=stated("killed")) == 0
    assert (imap.unseen("killed"), found_in(database, mail.id).bounced_at) == (0, AT)


@pytest.mark.imap
def test_what_could_not_be_written_down_is_not_marked(database, cast, put, imap, stated, monkeypatch):
    sound, unlucky = put(cast.north), put(cast.north)
    imap.put("unlucky", message(sound), message(unlucky))
    taken = bounces.take

    def sometimes(session, returned, at):
        if returned.message_id == unlucky.message_id:
            raise OSError("the database went away")
        return taken(session, returned, at)

    with monkeypatch.context() as patched:
        patched.setattr(bounces, "take", sometimes)
        assert run_bounces(database, AT, settings=stated("unlucky")) == 1
    assert imap.unseen("unlucky") == 1
    assert run_bounces(database, AT, settings=stated("unlucky")) == 1
    assert imap.unseen("unlucky") == 0


@pytest.mark.imap
def test_one_run_reads_so_many_the_newest_first_and_stops_when_asked(database, cast, put, imap, stated, monkeypatch):
    rows = [put(cast.north) for _ in range(5)]
    imap.put("many", *map(message, rows))
    monkeypatch.setattr(sweep, "A_RUN", 2)
    assert run_bounces(database, AT, settings=stated("many")) == 2
    assert [found_in(database, row.id).state is MailState.BOUNCED for row in rows] == [False] * 3 + [True] * 2
    assert run_bounces(database, AT, settings=stated("many"), pace=Pace(waits=False, seconds=-1)) == 0
    assert run_bounces(database, AT, settings=stated("many")) == 2
    assert imap.unseen("many") == 1


@pytest.mark.imap
def test_the_return_of_a_mail_that_is_being_sent_stays_unmarked(database, cast, put, imap, stated):
    mail = put(cast.north, MailState.SENDING)
    imap.put("early", message(mail))
    assert run_bounces(database, AT, settings=stated("early")) == 0
    assert imap.unseen("early") == 1


@pytest.mark.imap
def test_a_large_message_is_read_only_at_its_beginning(database, cast, put, imap, stated):
    mail = put(cast.north)
    imap.put("large", message(mail) + b"x" * 77 + b"\n" * 3_000_000)
    assert run_bounces(database, AT, settings=stated("large")) == 1


@pytest.mark.imap
def test_a_mailbox_that_does_not_let_us_in_says_why(database, imap, stated, tmp_path, caplog):
    wrong = imap.url("anna").replace(dovecot.PASSWORD, "wrong")
    refused = {
        "无法读取": Settings(home=tmp_path, bounce_imap_url=wrong, smtp_ca_file=stated("anna").smtp_ca_file),
        "证书未通过校验": Settings(home=tmp_path, bounce_imap_url=imap.url("anna")),
        "拒绝了请求": stated("anna", folder="Nowhere"),
    }
    for words, settings in refused.items():
        caplog.clear()
        assert run_bounces(database, AT, settings=settings) == 0
        assert words in caplog.text
        assert "WUGUAN_BOUNCE_IMAP_URL" in caplog.text
        assert "wrong" not in caplog.text


@pytest.mark.imap
def test_the_certificate_must_bear_the_servers_name(imap, stated):
    settings = stated("anna")
    with pytest.raises(InboxDown, match="证书未通过校验"):
        Inbox(settings.bounce_imap_url.replace("localhost", "127.0.0.1"), ca_file=settings.smtp_ca_file)


def test_a_server_that_does_not_answer_is_logged(database, tmp_path, caplog):
    nowhere = Settings(home=tmp_path, bounce_imap_url="imap://user:secret@127.0.0.1:1/")
    assert run_bounces(database, AT, settings=nowhere) == 0
    assert "退信邮箱 127.0.0.1:1 无法读取" in caplog.text
    assert "secret" not in caplog.text


def test_without_a_mailbox_nothing_is_read(database, tmp_path):
    assert run_bounces(database, AT, settings=Settings(home=tmp_path)) == 0


@pytest.mark.parametrize("url", ["imap://user:secret@mail.wuguan.invalid/", "imaps://user:%E5%8F%A3@localhost/"])
def test_an_address_that_cannot_be_meant_is_a_setting_to_be_mended(url):
    with pytest.raises(SettingsError) as refused:
        Inbox(url)
    assert refused.value.field == "WUGUAN_BOUNCE_IMAP_URL"
    assert "secret" not in refused.value.message
