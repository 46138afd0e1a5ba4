"""Who is at the desk when, and who stands in for whom (B-S1)."""

from datetime import date, time

from sqlalchemy import CheckConstraint, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tenant.models.base import OfficeScoped, office_ref, refer
from tenant.models.people import Posting


class Shift(OfficeScoped):
    """班次 — hours of duty that come again every day: noon 12:00 to 14:00, night 17:30 to 08:00 (B-S1).

    In the office's local time; one that ends before it begins runs past midnight, into the day after.
    """

    __tablename__ = "shift"
    __table_args__ = (UniqueConstraint("office_id", "name"), CheckConstraint("begins <> ends", name="lasts_a_while"))

    name: Mapped[str] = mapped_column(String(50), doc="名称")
    begins: Mapped[time] = mapped_column(doc="开始")
    ends: Mapped[time] = mapped_column(doc="结束")
    note: Mapped[str | None] = mapped_column(String(200), doc="说明")

    def __str__(self) -> str:
        """Return the name people call it by."""
        return self.name


class Duty(OfficeScoped):
    """排班 — that somebody has a shift on a day: the day on which the shift begins (B-S1)."""

    __tablename__ = "duty"
    __table_args__ = (UniqueConstraint("office_id", "duty_on", "shift_id", "posting_id"),)

    duty_on: Mapped[date] = mapped_column(doc="日期")
    shift_id: Mapped[int] = office_ref("shift", doc="班次")
    posting_id: Mapped[int] = office_ref("posting", doc="值班人")

    shift: Mapped[Shift] = refer("Duty.shift_id", "Shift")
    posting: Mapped[Posting] = refer("Duty.posting_id", "Posting")

    def __str__(self) -> str:
        """Return day and shift."""
        return f"{self.duty_on} {self.shift}"


class Absence(OfficeScoped):
    """请假 — that somebody is away from a day to a day, both included, and who stands in; None: nobody was named."""

    __tablename__ = "absence"
    __table_args__ = (CheckConstraint("to_on >= from_on", name="ends_after_it_begins"),)

    posting_id: Mapped[int] = office_ref("posting", doc="请假人")
    from_on: Mapped[date] = mapped_column(doc="起始日")
    to_on: Mapped[date] = mapped_column(doc="截止日")
    substitute_id: Mapped[int | None] = office_ref("posting", doc="代理人")
    note: Mapped[str | None] = mapped_column(String(200), doc="说明")

    posting: Mapped[Posting] = refer("Absence.posting_id", "Posting")
    substitute: Mapped[Posting | None] = refer("Absence.substitute_id", "Posting")

    def __str__(self) -> str:
        """Return who is away, and since when."""
        return f"{self.posting} {self.from_on}"
