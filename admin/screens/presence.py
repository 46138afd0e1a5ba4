"""Who is away today and who stands in, as the boards say it (A-O3)."""

from admin import access
from admin.screens import workbench
from admin.session import session_at_hand
from tenant import clock
from tenant.rules.terms import Area
from tenant.services import absences


def away_today() -> list[str]:
    """Return who of the office at hand is away today, each with who stands in; nothing across offices."""
    office = access.office_at_hand() or (workbench.places()[0] if len(workbench.places()) == 1 else None)
    if office is None or not access.may(Area.DUTIES):
        return []
    found = absences.on(session_at_hand(), [office.id], clock.today(office.zone))
    return [
        f"{row.posting.staff.name}（{f'代理人 {row.substitute.staff.name}' if row.substitute else '没有代理人'}）"
        for row in found
    ]
