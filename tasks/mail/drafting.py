"""What was composed, as a mail to one of the staff that is to be queued."""

from tasks.mail.compose import Composed
from tasks.mail.message import read_sender
from tenant.rules.terms import MailClass
from tenant.services.mails import MailDraft
from tenant.services.postings import Recipient
from tenant.settings import Settings

LONGEST_KEY = 200


def to_staff(
    person: Recipient,
    composed: Composed,
    settings: Settings,
    *,
    office_id: int,
    key: str,
    about: tuple[str, int],
    mail_class: MailClass = MailClass.NOTICE,
) -> MailDraft:
    """Return the mail to ``person``; ``key`` names its reason, so that one reason makes one mail to one address.

    ``about`` is what it tells of: kind and id.
    """
    return MailDraft(
        office_id=office_id,
        dedup_key=f"{key}:{person.address}"[:LONGEST_KEY],
        mail_class=mail_class,
        recipient_name=person.name,
        recipient_address=person.address,
        subject=composed.subject,
        text_body=composed.text,
        html_body=composed.html,
        subject_kind=about[0],
        subject_id=about[1],
        domain=read_sender(settings.mail_from).domain,
    )
