"""Returned mail as servers write it, to the standard and not: whose it is, and whether it failed for good.

All of it is invented; only the shapes are those of real servers.
"""

from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.mail.returned import masked, read

OURS = "<0123456789abcdef0123456789abcdef@wuguan.invalid>"
AT = datetime(2026, 3, 2, 4, tzinfo=UTC)

ORIGINAL = f"""\
From: =?utf-8?b?54mp566h?= <noreply@wuguan.invalid>
To: <zhao@owner.invalid>
Subject: =?utf-8?b?5YKs57y0?=
Message-ID: {OURS}
Content-Type: text/plain; charset=utf-8

Amount due: 450.00. Code 5.1.1 is nothing but a number here.
"""


REFUSED = "smtp; 550 5.1.1 <zhao@owner.invalid>: no such person"


def report(action, status, diagnosis=REFUSED, *, brought=ORIGINAL, kind="message/rfc822"):
    """Return a report to the standard, as Postfix, Exim and Exchange write them."""
    return f"""\
Return-Path: <>
From: MAILER-DAEMON@relay.invalid (Mail Delivery System)
To: noreply@wuguan.invalid
Subject: Undelivered Mail Returned to Sender
Message-ID: <ffffffffffffffffffffffffffffffff@relay.invalid>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="=_edge"

--=_edge
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--=_edge
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.invalid
Arrival-Date: Mon, 2 Mar 2026 12:00:00 +0800

Final-Recipient: rfc822; zhao@owner.invalid
Action: {action}
Status: {status}
Diagnostic-Code: {diagnosis}

--=_edge
Content-Type: {kind}

{brought}
--=_edge--
""".encode()


def letter(sender, subject, body, *, subtype="plain", charset="utf-8", attach=True, **headers):
    """Return a letter as servers write that do not keep to the standard."""
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Subject"] = sender, "noreply@wuguan.invalid", subject
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(body, subtype=subtype, charset=charset)
    if attach:
        message.add_attachment(
            ORIGINAL.encode(), maintype="application", subtype="octet-stream", filename="original.eml"
        )
        (attached,) = message.iter_attachments()
        attached.replace_header("Content-Type", "text/rfc822-headers")
        del attached["Content-Disposition"]
    return message.as_bytes()


QQ = """<html><body><table><tr><td>抱歉，您的邮件被退回来了……</td></tr>
<tr><td>退信原因：</td><td>收件人邮箱不存在（550 Mailbox not found）</td></tr>
<tr><td>收件人：</td><td>12345@qq.invalid</td></tr></table></body></html>"""
NETEASE = """尊敬的用户，您好：
您发往 zhao@163.invalid 的邮件未能投递成功。
退信代码：5.2.2
说明：收件人邮箱空间已满，对方服务器拒绝接收。
"""
ENTERPRISE = """您的邮件暂时没有投递到 zhao@corp.invalid，系统会在 48 小时内继续尝试，请勿重复发送。
对方返回：451 4.7.1 请稍后重试
"""
QMAIL = f"""Hi. This is the qmail-send program at relay.invalid.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<zhao@owner.invalid>:
203.0.113.9 does not like recipient.
Remote host said: 550 sorry, no mailbox here by that name

--- Below this line is a copy of the message.

{ORIGINAL}"""
EXIM = f"""This message was created automatically by mail delivery software.
A message that you sent could not be delivered to one or more of its recipients.

  zhao@owner.invalid
    host mx.owner.invalid: 550 unknown user

------ This is a copy of your message, including all the headers. ------

{ORIGINAL}"""

RETURNED = {
    "to the standard": (report("failed", "5.1.1"), True, "5.1.1"),
    "to the standard, headers only": (report("failed", "5.1.1", kind="text/rfc822-headers"), True, "5.1.1"),
    "to the standard, given up after days": (report("failed", "4.4.7", "smtp; 451 4.4.1 timeout"), True, "4.4.7"),
    "to the standard, spelled its own way": (report("Failed (permanently)", "5.0.0 (other)"), True, "5.0.0"),
    "to the standard, without an action": (report("", "5.1.10"), True, "5.1.10"),
    "to the standard, delayed": (report("delayed", "4.4.1", "smtp; connect timed out"), False, "4.4.1"),
    "to the standard, delayed with a final code": (report("delayed", "5.4.1"), False, "5.4.1"),
    "like QQ": (
        letter("PostMaster@qq.invalid", "来自qq.invalid的退信", QQ, subtype="html", charset="gb18030"),
        True,
        "5.0.0",
    ),
    "like 163": (letter("Postmaster@163.invalid", "系统退信", NETEASE, charset="gbk"), True, "5.2.2"),
    "like an enterprise mail, delayed": (
        letter("系统管理员 <admin@corp.invalid>", "投递延迟通知", ENTERPRISE),
        False,
        "4.7.1",
    ),
    "like qmail": (letter("MAILER-DAEMON@relay.invalid", "failure notice", QMAIL, attach=False), True, "5.0.0"),
    "like Exim": (
        letter(
            "Mail Delivery System <Mailer-Daemon@mx.invalid>",
            "Mail delivery failed: returning message to sender",
            EXIM,
            attach=False,
            X_Failed_Recipients="zhao@owner.invalid",
        ),
        True,
        "5.0.0",
    ),
    "with words alone": (letter("postmaster@mx.invalid", "退信通知", "收件人账号不存在，邮件已被退回。"), True, ""),
    "with the mail named in a header": (
        letter("mailer-daemon@mx.invalid", "Undeliverable: x", "550 5.7.1 rejected", attach=False, In_Reply_To=OURS),
        True,
        "5.7.1",
    ),
    "with nothing but its title": (
        letter("postmaster@mx.invalid", "Delivery Status Notification", "Hello."),
        False,
        "",
    ),
}

NO_RETURNS = {
    "an owner who answers": letter("zhao@owner.invalid", "回复：催缴", "我昨天已经缴了 450 元。", In_Reply_To=OURS),
    "somebody on leave": letter(
        "zhao@owner.invalid", "自动回复：无法投递", "休假中", Auto_Submitted="auto-replied", In_Reply_To=OURS
    ),
    "somebody who writes of a failure": letter("zhao@owner.invalid", "退信", "你们的信 550 退回了", In_Reply_To=OURS),
    "a report of what arrived": report("delivered", "2.0.0", "smtp; 250 ok"),
    "a report of another's mail": report("failed", "5.1.1", brought=ORIGINAL.replace(OURS, "<other@x.invalid>")),
    "nothing": b"",
    "no mail at all": bytes(range(256)) * 50,
}


@pytest.mark.parametrize("name", RETURNED)
def test_a_returned_mail_is_read_whatever_its_shape(name):
    content, is_final, status = RETURNED[name]
    (returned,) = read(content, AT)
    assert (returned.message_id, returned.is_final, returned.status) == (OURS, is_final, status)
    assert returned.received_at == AT
    assert "zhao@" not in returned.reason
    assert "\n" not in returned.reason
    assert len(returned.reason) <= 300


@pytest.mark.parametrize("name", NO_RETURNS)
def test_what_is_no_return_is_none(name):
    assert read(NO_RETURNS[name]) == []


def test_the_reason_is_the_servers_own_with_the_address_masked():
    (returned,) = read(report("failed", "5.1.1"))
    assert returned.reason == "550 5.1.1 <z***@owner.invalid>: no such person"
    assert masked("to a.b@c.d\r\nand e@f.g\x00") == "to a***@c.d and e***@f.g"


def test_one_report_of_several_recipients_counts_as_its_worst():
    block = "\nFinal-Recipient: rfc822; b@owner.invalid\nAction: {}\nStatus: {}\n"
    both = report("delayed", "4.2.2").replace(b"\n--=_edge\nContent-Type: message/rfc822", (
        block.format("failed", "5.1.1") + "\n--=_edge\nContent-Type: message/rfc822").encode())  # fmt: skip
    (returned,) = read(both)
    assert (returned.is_final, returned.status) == (True, "5.1.1")


SEEDS = [content for content, _, _ in RETURNED.values()] + list(NO_RETURNS.values())


@given(st.binary(max_size=4000))
def test_no_bytes_make_it_raise(content):
    read(content)


@given(st.sampled_from(SEEDS), st.data())
def test_no_damage_to_a_real_one_makes_it_raise(seed, data):
    content = bytearray(seed)
    for _ in range(data.draw(st.integers(1, 12))):
        if not content:
            break
        at = data.draw(st.integers(0, len(content) - 1))
        act = data.draw(st.sampled_from(["cut", "byte", "insert", "repeat", "drop"]))
        if act == "cut":
            del content[at:]
        elif act == "byte":
            content[at] = data.draw(st.integers(0, 255))
        elif act == "insert":
            content[at:at] = data.draw(st.binary(max_size=40))
        elif act == "repeat":
            content[at:at] = content[at : at + 200]
        else:
            del content[at : at + data.draw(st.integers(1, 60))]
    for returned in read(bytes(content)):
        assert returned.reason.isprintable()
        assert "zhao@owner.invalid" not in returned.reason


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=400))
@example("=?utf-8?b?%%%?=", "=?nope?q?=FF?=", "")
def test_no_header_makes_it_raise(charset, encoded, body):
    head = f"From: {encoded}\nSubject: 退信 {encoded}\nReturn-Path: <>\nContent-Type: text/plain; charset={charset}\n"
    read(f"{head}Content-Transfer-Encoding: {encoded}\n\n{body}\n{OURS}".encode("utf-8", "surrogatepass"))


def test_deep_and_long_ones_are_cut_short():
    nested = ORIGINAL
    for _ in range(500):
        nested = f"Content-Type: message/rfc822\n\n{nested}"
    read(nested.encode())
    read(b"From: mailer-daemon@x.invalid\nSubject: failure notice\n\n" + b"5.1.1 a@b.c <" * 200_000)
