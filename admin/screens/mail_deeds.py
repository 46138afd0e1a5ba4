"""What a person may do about a mail: say that it arrived, send it again, keep it back, let it go.

Each is one service of the domain; here stand its words, and the guard against a decision on what has changed since.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from admin.screens import figures
from audit.redaction import mask_address
from tenant.errors import NotFound, Refusal
from tenant.models import Mail
from tenant.rules.terms import MailState
from tenant.services import mails

ADVICE: Final[dict[MailState, str]] = {
    MailState.QUEUED: "到时自动发出；不该发的可以先扣下。",
    MailState.UNKNOWN: "发送途中连接中断：可能已送达，也可能没有。系统不会自行重发，请先向收件人核实，再决定。",
    MailState.FAILED: "没有发出，系统已不再尝试。请看「最近错误」，核对邮箱后重新发送，或改用电话通知。",
    MailState.BOUNCED: "对方的邮件服务器已退回，收件人没有收到。请核对邮箱后重新发送，或改用电话通知。",
    MailState.WITHHELD: "有人把它扣下了，恢复之前不会发出。",
    MailState.GATHERED: "一小时内发给此人的升级通知已很多，或当时在免打扰时段，它的内容已写进一封汇总邮件。",
}
"""What a person should know before deciding on a mail."""


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that can be done about a mail in one of ``states``.

    ``carry_out`` takes the session, the mail's id and the reason; ``risks`` says what follows, by the state it is done
    in (None: in any). ``tone`` is that of the button's dialog.
    """

    name: str
    label: str
    states: tuple[MailState, ...]
    carry_out: Callable[[Session, int, str], Any]
    risks: dict[MailState | None, str]
    done: str
    needs_reason: bool = False
    needs_body: bool = False
    tone: str = "plain"

    def fits(self, state: MailState, *, has_body: bool) -> bool:
        """Tell whether it can be done about a mail in ``state``; one whose body is cleared cannot be sent."""
        return state in self.states and (has_body or not self.needs_body)

    def risk(self, state: MailState) -> str:
        """Return what follows from doing it in ``state``."""
        return self.risks.get(state, self.risks[None])


DEEDS: Final[dict[str, Deed]] = {
    deed.name: deed
    for deed in (
        Deed(
            name="delivered",
            label="确认已送达",
            states=(MailState.UNKNOWN,),
            carry_out=lambda session, mail_id, _: mails.mark_delivered(session, mail_id),
            risks={None: "将记为已发送，不再重发。请确认收件人已经收到。"},
            done="已确认送达",
        ),
        Deed(
            name="again",
            label="重新发送",
            states=figures.TROUBLE,
            carry_out=lambda session, mail_id, _: mails.send_again(session, mail_id),
            risks={
                None: "将按原内容再发一次。",
                MailState.UNKNOWN: "将按原内容再发一次。如果上一次其实已经送达，收件人会收到两封。",
            },
            done="已排入待发送",
            needs_body=True,
        ),
        Deed(
            name="withhold",
            label="扣发",
            states=(MailState.QUEUED,),
            carry_out=mails.withhold,
            risks={None: "恢复之前，这封邮件不会发出。"},
            done="已扣发",
            needs_reason=True,
            tone="danger",
        ),
        Deed(
            name="release",
            label="恢复发送",
            states=(MailState.WITHHELD,),
            carry_out=lambda session, mail_id, _: mails.release(session, mail_id),
            risks={None: "将重新排入待发送，到时发出。"},
            done="已恢复发送",
        ),
    )
}


def about(mail: Mail) -> str:
    """Return whom a mail goes to, the address masked (B-O5)."""
    return f"{mail.recipient_name} <{mask_address(mail.recipient_address)}>"


def carry_out(session: Session, deed: Deed, mail_id: int, version: int | None, reason: str = "") -> Mail:
    """Do ``deed`` about a mail and return it; ``version`` is the state of it that the person had seen.

    Raises NotFound alike for a missing mail and another office's, and Refusal when it has changed since it was seen: a
    second click, or a colleague's, decides nothing.
    """
    statement = select(Mail).where(Mail.id == mail_id)
    mail = session.scalar(statement.with_for_update(key_share=True).execution_options(populate_existing=True))
    if mail is None:
        raise NotFound
    if version != mail.version or not deed.fits(mail.state, has_body=mail.text_body is not None):
        words = f"「{mail.subject}」现在是「{mail.state.label}」，在您打开之后有过变动，没有再办理。请看后再决定。"
        raise Refusal(code="mail_moved_on", message=words)
    deed.carry_out(session, mail_id, reason)
    session.flush()
    return mail
