"""What of mail can be looked at before anything is sent: whoever starts a worker hears of it at once."""

from tasks.mail.compose import check_templates
from tasks.mail.inbox import read_place
from tasks.mail.transport import transport_for
from tenant.settings import Settings


def check_mail(settings: Settings) -> None:
    """Read the templates and all that the settings say of mail; nothing is connected. Raises SettingsError."""
    check_templates()
    transport_for(settings).close()
    if settings.bounce_imap_url is not None:
        read_place(settings.bounce_imap_url)
