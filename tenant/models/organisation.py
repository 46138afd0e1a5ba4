"""Who belongs to whom: company, office, department (A-O1)."""

from datetime import datetime, time

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship, synonym

from tenant.models.base import GroupShared, OfficeScoped, Walled, coded
from tenant.rules.terms import DepartmentKind


class Company(GroupShared):
    """公司 — a property company of the group; has many offices (A-O1)."""

    __tablename__ = "company"

    code: Mapped[str] = mapped_column(String(32), unique=True, doc="编码")
    name: Mapped[str] = mapped_column(String(100), doc="名称")

    def __str__(self) -> str:
        """Return the name people call it by."""
        return self.name


class Office(Walled):
    """管理处 — one office, the tenant: everything an office has carries its id (A-O1).

    ``zone`` is the zone its clocks run in; ``desk_opens``/``desk_closes`` bound the manned desk by day (B-S1);
    between ``quiet_from`` and ``quiet_until``, both local, no owner gets a mail, the same for none such hours.
    Staff who got ``gather_after`` mails within an hour get the next ones gathered into one; 0: never.
    """

    __tablename__ = "office"
    wall_column = "id"
    kept_by_group = True

    code: Mapped[str] = mapped_column(String(32), unique=True, doc="编码")
    name: Mapped[str] = mapped_column(String(100), doc="名称")
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"), index=True, doc="所属公司")
    zone: Mapped[str] = mapped_column(String(64), default="Asia/Shanghai", server_default="Asia/Shanghai", doc="时区")
    desk_opens: Mapped[time] = mapped_column(default=time(8), server_default="08:00", doc="前台上班")
    desk_closes: Mapped[time] = mapped_column(default=time(17, 30), server_default="17:30", doc="前台下班")
    quiet_from: Mapped[time] = mapped_column(default=time(21), server_default="21:00", doc="免打扰开始")
    quiet_until: Mapped[time] = mapped_column(default=time(8), server_default="08:00", doc="免打扰结束")
    gather_after: Mapped[int] = mapped_column(default=10, server_default="10", doc="每小时超过几封并为汇总")
    phone: Mapped[str | None] = mapped_column(String(32), doc="电话")
    address: Mapped[str | None] = mapped_column(String(200), doc="地址")
    archived_at: Mapped[datetime | None] = mapped_column(doc="归档时间")
    version: Mapped[int] = mapped_column(server_default="1", default=1, sort_order=91, doc="版本")

    office_id = synonym("id")
    company: Mapped[Company] = relationship()

    __mapper_args__ = {"version_id_col": version, "eager_defaults": True}

    def __str__(self) -> str:
        """Return the name people call it by."""
        return self.name


class Department(OfficeScoped):
    """部门 — a department of an office that takes work orders and complaints (A-O3)."""

    __tablename__ = "department"
    __table_args__ = (UniqueConstraint("office_id", "name"),)

    name: Mapped[str] = mapped_column(String(50), doc="名称")
    kind: Mapped[DepartmentKind] = mapped_column(coded(DepartmentKind, "kind"), doc="类别")

    def __str__(self) -> str:
        """Return the name people call it by."""
        return self.name
