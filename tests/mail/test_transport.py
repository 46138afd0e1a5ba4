"""SMTP in phases: before the content is asked for nothing can have gone out; afterwards only an answer is an answer."""

import socket

import pytest

from tasks.mail.message import Envelope
from tasks.mail.transport import (
    BEFORE_CONTENT_SECONDS,
    REPLY_SECONDS,
    Deferred,
    MailboxTransport,
    Rejected,
    SmtpTransport,
    TransportDown,
    Uncertain,
    transport_for,
)
from tenant.settings import Settings

LETTER = Envelope(
    "noreply@wuguan.invalid", "lin@wuguan.invalid", "<abc@wuguan.invalid>", b"Subject: x\r\n\r\n.\r\nbody"
)


@pytest.mark.parametrize(
    ("word", "outcome"),
    [
        ("defer@mail", Deferred),
        ("defer@rcpt", Deferred),
        ("defer@data", Deferred),
        ("defer@content", Deferred),
        ("refuse@mail", TransportDown),
        ("refuse@rcpt", Rejected),
        ("refuse@data", Rejected),
        ("refuse@content", Rejected),
        ("drop@mail", Deferred),
        ("drop@rcpt", Deferred),
        ("drop@data", Deferred),
        ("drop@content", Uncertain),
        ("hang@rcpt", Deferred),
        ("hang@content", Uncertain),
        ("lose", Uncertain),
    ],
)
def test_each_failure_is_what_it_can_be(sink, transport, word, outcome):
    sink.plan = [word]
    with pytest.raises(outcome):
        transport.send(LETTER)
    transport.send(LETTER)
    assert len(sink.taken) == (2 if word == "lose" else 1)


def test_what_is_sent_arrives_byte_for_byte_with_its_lonely_dots(sink, transport):
    transport.send(LETTER)
    assert sink.taken == [b"Subject: x\r\n\r\n.\r\nbody\r\n"]


def test_one_connection_carries_many_mails(sink, transport):
    for _ in range(20):
        transport.send(LETTER)
    assert sink.connections == 1
    assert len(sink.taken) == 20


def test_a_connection_that_ended_meanwhile_is_made_again(sink, transport):
    transport.send(LETTER)
    transport._connection.sock.shutdown(socket.SHUT_RDWR)
    transport.send(LETTER)
    assert sink.connections == 2


def test_a_server_that_cannot_be_reached_is_not_the_mails_fault():
    with pytest.raises(TransportDown):
        SmtpTransport("smtp://127.0.0.1:1", hello="wuguan.invalid").send(LETTER)


def test_a_password_is_not_sent_in_the_clear(sink, monkeypatch):
    monkeypatch.setattr("tasks.mail.transport.LOOPBACK", frozenset())
    with pytest.raises(TransportDown, match="明文"):
        SmtpTransport(f"smtp://user:secret@127.0.0.1:{sink.port}", hello="wuguan.invalid").send(LETTER)


def test_no_conversation_outlasts_its_lease():
    longest = BEFORE_CONTENT_SECONDS + 3 * REPLY_SECONDS
    assert longest < SmtpTransport.lease.total_seconds()


def test_the_mailbox_keeps_one_file_a_mail_and_a_repeat_overwrites_it(tmp_path):
    box = MailboxTransport(tmp_path / "mailbox")
    box.send(LETTER)
    box.send(LETTER)
    assert [file.name for file in (tmp_path / "mailbox").iterdir()] == ["abc.eml"]
    assert (tmp_path / "mailbox" / "abc.eml").read_bytes() == LETTER.content


def test_a_message_id_never_names_a_file_elsewhere(tmp_path):
    box = MailboxTransport(tmp_path / "mailbox")
    box.send(Envelope("a@b", "c@d", "<../../escape@x>", b"x"))
    assert [file.name for file in (tmp_path / "mailbox").iterdir()] == [".._.._escape.eml"]


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "mailbox").write_text("in the way")
    with pytest.raises(TransportDown):
        MailboxTransport(tmp_path / "mailbox").send(LETTER)


def test_without_an_address_mail_stays_in_the_house(tmp_path):
    assert isinstance(transport_for(Settings(home=tmp_path)), MailboxTransport)
    assert isinstance(transport_for(Settings(home=tmp_path, smtp_url="smtp://127.0.0.1:25")), SmtpTransport)
