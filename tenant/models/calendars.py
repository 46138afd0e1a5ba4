"""The public calendar: which days differ from their weekday."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tenant.models.base import GroupShared, coded
from tenant.rules.terms import DayKind


class CalendarYear(GroupShared):
    """节假日安排 — one edition of a year's holidays and make-up days, as the state published or as it is expected.

    The latest confirmed edition of a year is in force; ``confirmed_at`` None: expected, not confirmed. ``published``
    says where it was announced. A confirmed edition is not edited any more: a correction is the next edition.
    """

    __tablename__ = "calendar_year"
    __table_args__ = (UniqueConstraint("year", "edition"),)

    year: Mapped[int] = mapped_column(doc="年份")
    edition: Mapped[int] = mapped_column(default=1, server_default="1", doc="版次")
    published: Mapped[str | None] = mapped_column(String(200), doc="公布文件")
    confirmed_at: Mapped[datetime | None] = mapped_column(doc="确认时间")
    confirmed_by: Mapped[str | None] = mapped_column(String(100), doc="确认人")
    version: Mapped[int] = mapped_column(server_default="1", default=1, sort_order=91, doc="版本")

    days: Mapped[list["CalendarDay"]] = relationship(back_populates="calendar_year", order_by="CalendarDay.day")

    __mapper_args__ = {"version_id_col": version, "eager_defaults": True}

    def __str__(self) -> str:
        """Return year and edition."""
        return f"{self.year} 年第 {self.edition} 版"


class CalendarDay(GroupShared):
    """节假日 — a day that is off though a weekday, or worked though a weekend (调休)."""

    __tablename__ = "calendar_day"
    __table_args__ = (UniqueConstraint("calendar_year_id", "day"),)

    calendar_year_id: Mapped[int] = mapped_column(ForeignKey("calendar_year.id"), doc="节假日安排")
    day: Mapped[date] = mapped_column(doc="日期")
    kind: Mapped[DayKind] = mapped_column(coded(DayKind, "kind"), doc="种类")
    name: Mapped[str] = mapped_column(String(50), doc="名称")

    calendar_year: Mapped[CalendarYear] = relationship(back_populates="days")

    def __str__(self) -> str:
        """Return the day and what it is."""
        return f"{self.day} {self.name}"
