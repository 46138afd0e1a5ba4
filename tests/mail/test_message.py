"""The message on the wire: Chinese arrives as it was written, and nobody writes a header of their own."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import default
from email.utils import parseaddr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.mail.message import BadAddress, Bodiless, build, in_header, read_sender
from tenant.errors import SettingsError
from tenant.models import Mail

AT = datetime(2026, 3, 2, 4, tzinfo=UTC)
SENDER = read_sender("物管客户服务中心 <noreply@wuguan.invalid>")


def mail(**columns):
    values = {
        "recipient_name": "林主任", "recipient_address": "lin@wuguan.invalid", "subject": "报事 BS-2026-0042 已超时",
        "text_body": "林主任，您好：\n.\n厨房漏水", "html_body": "<p>厨房漏水</p>",
        "message_id": "<abc@wuguan.invalid>",
    }  # fmt: skip
    return Mail(**values | columns)


def parsed(row):
    return message_from_bytes(build(row, SENDER, AT).content, policy=default)


def shown(message, name):
    """Read a header as mail programs do: RFC 2047 alone, without what Python's parser of addresses makes of it."""
    (raw,) = [value for header, value in message.raw_items() if header == name]
    return str(make_header(decode_header(raw)))


def test_chinese_subject_names_and_body_arrive_as_written():
    found = parsed(mail())
    assert found["Subject"] == "报事 BS-2026-0042 已超时"
    assert found["From"].addresses[0].display_name == "物管客户服务中心"
    assert found["To"].addresses[0].display_name == "林主任"
    assert found["To"].addresses[0].addr_spec == "lin@wuguan.invalid"
    assert found.get_body(("plain",)).get_content().replace("\r\n", "\n") == "林主任，您好：\n.\n厨房漏水\n"
    assert "厨房漏水" in found.get_body(("html",)).get_content()


def test_the_wire_carries_ascii_in_short_lines():
    content = build(mail(subject="【升级】" + "很长的主题" * 30, text_body="长" * 5000), SENDER, AT).content
    assert content.isascii()
    assert max(map(len, content.split(b"\r\n"))) <= 998
    assert b"\n" not in content.replace(b"\r\n", b"")


def test_plain_text_is_there_with_and_without_html():
    assert parsed(mail()).get_body(("plain",)) is not None
    alone = parsed(mail(html_body=None))
    assert alone.get_content_type() == "text/plain"


def test_the_same_row_has_the_same_message_id_for_ever():
    row = mail()
    assert parsed(row)["Message-ID"] == parsed(row)["Message-ID"] == "<abc@wuguan.invalid>"


@given(st.text(max_size=200), st.text(max_size=60))
def test_whatever_is_written_in_subject_or_name_stays_there(subject, name):
    found = parsed(mail(subject=subject, recipient_name=name))
    assert str(found["Subject"] or "") == in_header(subject)
    assert [address.addr_spec for address in found["To"].addresses] == ["lin@wuguan.invalid"]
    assert set(found.keys()) == {
        "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"
    }  # fmt: skip


@pytest.mark.parametrize(
    "address",
    [
        *("", "nobody", "a b@c.d", "张三@wuguan.invalid", "a@b\r\nRCPT TO:<x@y.z>", "a@b,c@d", "<a@b>", "a@b.c\n"),
        *(
            "a@b\x00c.d",
            "a\x1b@b.c",
            "a@-b.c",
            "a@b..c",
            ".a@b.c",
            "a.@b.c",
            '"a b"@b.c',
            "a@[127.0.0.1]",
            "a@\ud800.c",
        ),
        *("a@\ud800.c", f"{'a' * 65}@b.c", f"a@{'b' * 64}.c", f"a@{'b.' * 130}c"),
    ],
)
def test_an_address_that_is_none_is_refused_before_anything_is_sent(address):
    with pytest.raises(BadAddress):
        build(mail(recipient_address=address), SENDER, AT)


def test_a_domain_in_chinese_travels_in_ascii():
    envelope = build(mail(recipient_address="lin@例子.中国"), SENDER, AT)
    assert envelope.recipient == "lin@xn--fsqu00a.xn--fiqs8s"
    assert b"xn--fsqu00a.xn--fiqs8s" in envelope.content


@pytest.mark.parametrize(
    "text",
    [
        '王"小"明, 先生; <经理>',
        "李\\四 (工程部)",
        "👨‍👩‍👧‍👦 一家四口 🏠",
        'Ärger & Söhne, Büro "Ost"',
        "很长的名字" * 20,
        "=?utf-8?b?5byg?=",
        "a" * 100,
        "undisclosed-recipients:;",
        "lin@wuguan.invalid, wang@wuguan.invalid",
    ],
)
def test_names_and_subjects_of_any_kind_come_back_as_they_were_written(text):
    found = parsed(mail(recipient_name=text, subject=f"{text} · {text}"[:200]))
    assert [address.addr_spec for address in found["To"].addresses] == ["lin@wuguan.invalid"]
    assert shown(found, "Subject") == in_header(f"{text} · {text}"[:200])
    name, address = parseaddr(shown(found, "To"))
    assert (address, name) == ("lin@wuguan.invalid", in_header(text)) or in_header(text) in shown(found, "To")
    raw = build(mail(recipient_name=text, subject=text), SENDER, AT).content
    assert raw.isascii()
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))


def test_a_mail_whose_body_was_cleared_is_not_sent_empty():
    with pytest.raises(Bodiless):
        build(mail(text_body=None), SENDER, AT)


def test_a_sender_without_an_address_is_a_setting_to_be_mended():
    with pytest.raises(SettingsError) as refused:
        read_sender("物管")
    assert refused.value.field == "WUGUAN_MAIL_FROM"
