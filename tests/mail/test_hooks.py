"""The address that a mail service reports returned mail to: signed, fresh, small, and without effect a second time."""

import hmac
import json
from datetime import timedelta
from hashlib import sha256

import pytest
from sqlalchemy import update

import make
from admin.app import create_app
from tenant import clock
from tenant.models import Mail
from tenant.rules.terms import MailState
from tenant.scoping import PERMIT
from tenant.settings import Settings
from tenant.unscoped import Reason, across_offices

AT, SECRET = make.NOON, "of the tests"


@pytest.fixture
def sent(database, cast, queue):
    """A mail that is out."""
    (mail_id,) = queue(cast.north, recipient_address="zhao@owner.invalid")
    with across_offices(database, Reason.CLAIMING) as session:
        values = {"state": MailState.SENT, "sent_at": AT}
        session.execute(update(Mail).where(Mail.id == mail_id).values(values), execution_options=PERMIT)
        session.commit()
        return session.get(Mail, mail_id)


@pytest.fixture
def call(database, tmp_path):
    """Report by the real clock, as the address reads it: ``call({...})`` is signed and fresh unless it is said so."""

    def post(report, *, secret=SECRET, signature=None, late=timedelta(0), raw=None):
        application = create_app(Settings(home=tmp_path, secret_key="x" * 32, bounce_secret=secret), database)
        said = {"at": (clock.now() - late).isoformat()} | report if isinstance(report, dict) else report
        body = json.dumps(said).encode() if raw is None else raw
        signature = hmac.new(SECRET.encode(), body, sha256).hexdigest() if signature is None else signature
        return application.test_client().post("/hooks/bounces", data=body, headers={"X-Wuguan-Signature": signature})

    return post


@pytest.fixture
def now(database):
    """Return a mail as it stands."""

    def look(mail):
        with across_offices(database, Reason.CLAIMING) as session:
            return session.get(Mail, mail.id)

    return look


def report(mail, **changes):
    said = {"message_id": mail.message_id, "status": "5.1.1", "recipient": "zhao@owner.invalid"}
    return said | {"reason": "550 zhao@owner.invalid unknown"} | changes


def test_a_signed_report_bounces_the_mail_once(call, sent, now):
    answer = call(report(sent))
    assert (answer.status_code, answer.json) == (200, {"outcome": "bounced"})
    assert now(sent).state is MailState.BOUNCED
    assert now(sent).last_error == "被收件方退回：5.1.1 550 z***@owner.invalid unknown"
    assert call(report(sent)).json == {"outcome": "settled"}


def test_a_delay_is_noted(call, sent, now):
    assert call(report(sent, status="4.2.2", action="delayed")).json == {"outcome": "noted"}
    assert now(sent).state is MailState.SENT


def test_a_mail_that_is_not_ours_changes_nothing(call, sent):
    assert call(report(sent, message_id=f"<{'0' * 32}@wuguan.invalid>")).json == {"outcome": "not_ours"}


def test_a_mail_that_is_being_sent_is_to_be_reported_again(database, call, sent):
    with across_offices(database, Reason.CLAIMING) as session:
        session.execute(
            update(Mail).where(Mail.id == sent.id).values(state=MailState.SENDING), execution_options=PERMIT
        )
        session.commit()
    answer = call(report(sent))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")


def test_without_a_secret_there_is_no_such_address(call, sent, now):
    assert call(report(sent), secret="").status_code == 404
    assert call(report(sent), secret="", signature=hmac.new(b"", b"", sha256).hexdigest()).status_code == 404
    assert now(sent).state is MailState.SENT


@pytest.mark.parametrize("signature", ["", "0" * 64, "sha256=", "签名", "x" * 5000])
def test_a_report_that_is_not_signed_is_refused(call, sent, now, signature):
    answer = call(report(sent), signature=signature.encode().decode("latin-1"))
    assert (answer.status_code, answer.json["error"]["code"]) == (401, "bad_signature")
    assert now(sent).state is MailState.SENT


def test_a_report_changed_on_its_way_is_refused(call, sent):
    body = json.dumps(report(sent) | {"at": clock.now().isoformat()}).encode()
    signature = hmac.new(SECRET.encode(), body, sha256).hexdigest()
    assert call(None, raw=body.replace(b"5.1.1", b"5.1.2"), signature=signature).status_code == 401
    assert call(None, raw=body, signature=f"sha256={signature.upper()}").status_code == 200


@pytest.mark.parametrize("late", [timedelta(minutes=11), timedelta(days=1), -timedelta(minutes=11)])
def test_a_report_overheard_and_sent_again_is_too_old(call, sent, now, late):
    answer = call(report(sent), late=late)
    assert (answer.status_code, answer.json["error"]["code"]) == (401, "stale")
    assert now(sent).state is MailState.SENT


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"message_id": "abc"}, "message_id"),
        ({"message_id": None}, "message_id"),
        ({"message_id": ["x"]}, "message_id"),
        ({"status": "bad"}, "status"),
        ({"status": 550}, "status"),
        ({"action": "exploded"}, "action"),
        ({"reason": {"a": 1}}, "reason"),
        ({"at": "yesterday"}, "at"),
        ({"at": "2026-03-02T12:00:00"}, "at"),
    ],
)
def test_a_report_that_cannot_be_read_says_which_field(call, sent, now, changes, field):
    answer = call(report(sent, **changes))
    assert answer.status_code == 400
    assert field in answer.json["error"]["message"]
    assert now(sent).state is MailState.SENT


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b"{", b"\xff\xfe", b"[" * 10_000, b"1" * 5000])
def test_a_body_that_is_no_object_is_refused(call, raw):
    assert call(None, raw=raw).status_code == 400


def test_a_large_body_is_not_read(call, sent):
    answer = call(report(sent, reason="x" * 20_000))
    assert answer.status_code == 413
    assert answer.get_json()["error"]["code"] == "too_large"
    assert "16 KB" in answer.get_json()["error"]["message"]


def test_control_signs_in_a_reason_are_left_out(call, sent, now):
    assert call(report(sent, reason="a\x00b\r\nc")).status_code == 200
    assert now(sent).last_error == "被收件方退回：5.1.1 a b c"


def test_the_address_takes_reports_and_nothing_else(database, tmp_path):
    client = create_app(Settings(home=tmp_path, secret_key="x" * 32, bounce_secret=SECRET), database).test_client()
    assert client.get("/hooks/bounces").status_code in {404, 405}
    assert "Set-Cookie" not in client.post("/hooks/bounces", data=b"{}").headers
