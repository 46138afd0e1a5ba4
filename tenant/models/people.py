"""Who works here, in which post, and which of their sign-ins are alive (A-O3, A-O4)."""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, deferred, mapped_column, relationship

from tenant.models.base import GroupOnly, OfficeOptional, coded, office_ref, personal, refer
from tenant.models.organisation import Company, Department, Office
from tenant.rules.terms import PostingLevel, Role


class Staff(GroupOnly):
    """员工 — a person who works for the group; what they may do follows from their postings.

    Offices see a colleague only through a posting in the office (row-level policy), and refer to the posting, never
    to the person. ``password_hash`` None: no password has been set, so no one can sign in;
    an office session may not read it at all, so it is loaded only where it is checked.
    """

    __tablename__ = "staff"
    __table_args__ = (Index("uq_staff_login_lower", text("lower(login)"), unique=True),)

    login: Mapped[str] = mapped_column(String(64), doc="登录名")
    name: Mapped[str] = mapped_column(String(50), doc="姓名")
    email: Mapped[str | None] = mapped_column(String(254), info=personal(), doc="邮箱")
    phone: Mapped[str | None] = mapped_column(String(32), info=personal(), doc="电话")
    password_hash: Mapped[str | None] = deferred(mapped_column(String(255), info={"secret": True}, doc="密码摘要"))
    password_changed_at: Mapped[datetime | None] = mapped_column(doc="密码修改时间")
    must_change_password: Mapped[bool] = mapped_column(default=True, server_default="true", doc="须改密码")
    disabled_at: Mapped[datetime | None] = mapped_column(doc="停用时间")
    version: Mapped[int] = mapped_column(server_default="1", default=1, sort_order=91, doc="版本")

    postings: Mapped[list["Posting"]] = relationship(back_populates="staff")

    __mapper_args__ = {"version_id_col": version, "eager_defaults": True}

    def __str__(self) -> str:
        """Return the person's name."""
        return self.name


class Posting(OfficeOptional):
    """任职 — a person's role at the group, a company or an office, from a day to a day (A-O3).

    The only source of what someone may see: a group posting reaches every office, a company posting its company's
    offices, an office posting that office. ``to_on`` is the last day; None while it goes on.
    """

    __tablename__ = "posting"
    __table_args__ = (
        CheckConstraint(
            "(level = 'group' AND company_id IS NULL AND office_id IS NULL)"
            " OR (level = 'company' AND company_id IS NOT NULL AND office_id IS NULL)"
            " OR (level = 'office' AND company_id IS NULL AND office_id IS NOT NULL)",
            name="level_names_its_place",
        ),
        CheckConstraint("to_on IS NULL OR to_on >= from_on", name="ends_after_it_begins"),
    )

    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True, doc="员工")
    role: Mapped[Role] = mapped_column(coded(Role, "role"), doc="角色")
    level: Mapped[PostingLevel] = mapped_column(coded(PostingLevel, "level"), doc="层级")
    company_id: Mapped[int | None] = mapped_column(ForeignKey("company.id"), index=True, doc="公司")
    department_id: Mapped[int | None] = office_ref("department", doc="部门")
    from_on: Mapped[date] = mapped_column(doc="起始日")
    to_on: Mapped[date | None] = mapped_column(doc="截止日")

    staff: Mapped[Staff] = relationship(back_populates="postings")
    company: Mapped[Company | None] = relationship()
    office: Mapped[Office | None] = relationship()
    department: Mapped[Department | None] = refer("Posting.department_id", "Department")

    def __str__(self) -> str:
        """Return name and role, as in 王敏（客服主管）."""
        return f"{self.staff.name}（{self.role.label}）"


class SignIn(GroupOnly):
    """登录会话 — one signed-in browser, kept on the server so that it can be ended at once.

    The cookie holds the token, the row only its SHA-256; ``ended_at`` set means the cookie is worthless.
    ``staff_id`` None: a failed attempt, kept for the throttle.
    """

    __tablename__ = "sign_in"
    __table_args__ = (Index("ix_sign_in_login_started_at", "login", "started_at"),)

    staff_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"), index=True, doc="员工")
    login: Mapped[str] = mapped_column(String(64), doc="登录名")
    token_digest: Mapped[str | None] = mapped_column(String(64), unique=True, info={"secret": True}, doc="会话摘要")
    address: Mapped[str] = mapped_column(String(64), doc="来源地址")
    user_agent: Mapped[str] = mapped_column(String(300), default="", doc="浏览器")
    started_at: Mapped[datetime] = mapped_column(doc="登录时间")
    seen_at: Mapped[datetime] = mapped_column(doc="最近活动")
    ended_at: Mapped[datetime | None] = mapped_column(doc="结束时间")
    ended_why: Mapped[str | None] = mapped_column(String(32), doc="结束原因")
    succeeded: Mapped[bool] = mapped_column(doc="成功")
