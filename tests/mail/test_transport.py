"""SMTP in phases: before the content is asked for nothing can have gone out; afterwards only an answer is an answer."""

import socket
import ssl
import time
from datetime import datetime

import pytest
import trustme

from tasks.mail.message import Envelope
from tasks.mail.transport import (
    BEFORE_CONTENT_SECONDS,
    CONTENT_SECONDS,
    REPLY_SECONDS,
    Deferred,
    MailboxTransport,
    Rejected,
    SmtpTransport,
    TransportDown,
    Uncertain,
    transport_for,
)
from tenant.errors import SettingsError
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
        ("tire@mail", Deferred),
        ("tire@rcpt", Deferred),
        ("tire@content", Deferred),
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
    assert SmtpTransport.lease.total_seconds() > BEFORE_CONTENT_SECONDS + CONTENT_SECONDS
    assert REPLY_SECONDS < BEFORE_CONTENT_SECONDS


@pytest.mark.parametrize(
    ("word", "outcome"), [("drip@rcpt", Deferred), ("drip@data", Deferred), ("drip@content", Uncertain)]
)
def test_a_server_that_says_a_letter_now_and_then_is_cut_off(sink, transport, monkeypatch, word, outcome):
    monkeypatch.setattr("tasks.mail.transport.BEFORE_CONTENT_SECONDS", 1)
    monkeypatch.setattr("tasks.mail.transport.CONTENT_SECONDS", 1)
    sink.plan = [word]
    begun = time.monotonic()
    with pytest.raises(outcome):
        transport.send(LETTER)
    assert time.monotonic() - begun < 9, "the ten seconds of dripping were sat out"


def test_a_server_that_was_slow_before_the_content_is_not_given_the_content(sink, transport, monkeypatch):
    monkeypatch.setattr("tasks.mail.transport.BEFORE_CONTENT_SECONDS", -1)
    with pytest.raises(Deferred):
        transport.send(LETTER)
    assert sink.taken == []


def test_a_kept_connection_the_server_is_tired_of_is_made_anew_for_the_same_mail(sink, transport):
    transport.send(LETTER)
    sink.plan = ["tire@mail"]
    transport.send(LETTER)
    sink.plan = ["tire@rcpt"]
    transport.send(LETTER)
    assert (len(sink.taken), sink.connections) == (3, 3)


def test_a_server_that_is_tired_of_one_recipient_goes_on_with_the_next(sink, transport):
    transport.send(LETTER)
    sink.plan = ["tire@rcpt", "tire@rcpt"]
    with pytest.raises(Deferred, match="421"):
        transport.send(LETTER)
    transport.send(LETTER)
    assert len(sink.taken) == 2


# ---- TLS
@pytest.fixture(scope="module")
def authority():
    """An authority of our own, which no machine trusts unless told to."""
    return trustme.CA()


@pytest.fixture
def ca_file(authority, tmp_path):
    """Its certificate as a file."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return tmp_path / "ca.pem"


@pytest.fixture(params=["smtp", "smtps"])
def over_tls(request, sink, ca_file):
    """Make the server speak TLS with a certificate, and a transport to it: ``over_tls(certificate)``."""
    carriers = []

    def speak(certificate, *, login="", **options):
        sink.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(sink.tls)
        sink.is_wrapped = request.param == "smtps"
        url = f"{request.param}://{login}localhost:{sink.port}"
        carriers.append(SmtpTransport(url, **{"hello": "wuguan.invalid", "ca_file": ca_file} | options))
        return carriers[-1]

    yield speak
    for carrier in carriers:
        carrier.close()


def test_a_server_with_a_certificate_of_its_name_is_spoken_to_in_private(sink, over_tls, authority):
    carrier = over_tls(authority.issue_cert("localhost"))
    carrier.send(LETTER)
    carrier.send(LETTER)
    assert (len(sink.taken), sink.connections) == (2, 1)
    assert not any(line.startswith(b"MAIL") for line in sink.seen)


def long_gone(authority):
    return authority.issue_cert("localhost", not_before=datetime(2000, 1, 1), not_after=datetime(2001, 1, 1))  # noqa: DTZ001 - what trustme takes


@pytest.mark.parametrize(
    ("certificate", "trusted", "words"),
    [
        (lambda ours: ours.issue_cert("mail.elsewhere.invalid"), True, "localhost"),
        (lambda ours: ours.issue_cert("localhost"), False, "issuer"),
        (long_gone, True, "expired"),
    ],
    ids=["another name", "an authority nobody knows", "expired"],
)
def test_a_certificate_that_does_not_verify_stops_the_mail(sink, over_tls, authority, certificate, trusted, words):
    carrier = over_tls(certificate(authority), **({} if trusted else {"ca_file": None}))
    with pytest.raises(TransportDown, match="证书未通过校验") as down:
        carrier.send(LETTER)
    assert words in str(down.value)
    assert "WUGUAN_SMTP_CA_FILE" in str(down.value)
    assert sink.taken == []
    assert not any(line.startswith((b"MAIL", b"AUTH")) for line in sink.seen)


def test_a_server_that_offers_tls_and_refuses_it_gets_nothing_in_the_clear(sink, over_tls, authority):
    carrier = over_tls(authority.issue_cert("localhost"), login="user:secret@")
    sink.is_wrapped, sink.keeps_its_promise = False, False
    with pytest.raises(TransportDown):
        carrier.send(LETTER)
    assert not any(line.startswith((b"MAIL", b"AUTH")) for line in sink.seen)


def test_tls_spoken_to_a_port_without_it_names_the_ports(sink):
    with pytest.raises(TransportDown, match="465"):
        SmtpTransport(f"smtps://localhost:{sink.port}", hello="wuguan.invalid", reply_seconds=2).send(LETTER)


def test_who_is_known_is_let_in_and_only_in_private(sink, over_tls, authority):
    sink.password = "geheim:@"
    carrier = over_tls(authority.issue_cert("localhost"), login="user:geheim%3A%40@")
    carrier.send(LETTER)
    assert len(sink.taken) == 1
    assert not any(line.startswith(b"AUTH") for line in sink.seen)


def test_a_server_that_refuses_the_login_says_what_to_check(sink, over_tls, authority):
    carrier = over_tls(authority.issue_cert("localhost"), login="user:secret@")
    with pytest.raises(TransportDown, match=r"拒绝登录.*授权码") as down:
        carrier.send(LETTER)
    assert "secret" not in str(down.value)


def test_a_file_without_certificates_is_a_setting_to_be_mended(tmp_path):
    (tmp_path / "empty.pem").write_text("nothing")
    with pytest.raises(SettingsError) as refused:
        transport_for(Settings(home=tmp_path, smtp_url="smtp://127.0.0.1", smtp_ca_file=tmp_path / "empty.pem"))
    assert refused.value.field == "WUGUAN_SMTP_CA_FILE"


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
