"""What every matter has in common: the ticket, its clocks, escalations and follow-ups.

A request, a complaint or a defect is a row of its own table beside one :class:`Ticket` (composed, not inherited: an
UPDATE on an inherited table passes the session wall by).
"""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from tenant.models.base import OfficeScoped, coded, office_ref, personal, refer
from tenant.models.estates import Unit
from tenant.models.organisation import Department
from tenant.models.people import Posting
from tenant.rules.terms import (
    Channel,
    ClockKind,
    ContactMethod,
    PauseReason,
    ReporterKind,
    RequestCategory,
    Role,
    Satisfaction,
    TicketKind,
    TicketState,
)


class NumberSeries(OfficeScoped):
    """编号序列 — the last number given in a series of an office; taken under a row lock, so without gaps."""

    __tablename__ = "number_series"
    __table_args__ = (UniqueConstraint("office_id", "series"),)

    series: Mapped[str] = mapped_column(String(32), doc="序列")
    last: Mapped[int] = mapped_column(default=0, server_default="0", doc="已用到")


class Topic(OfficeScoped):
    """事项分类 — what a matter is about, in the office's own tree: 给排水 and below it 水管渗漏.

    ``category`` None: for complaints. ``department_id`` and ``urgent`` are what the desk is offered at registration.
    ``retired_at`` set: no longer offered, kept for what was registered under it.
    """

    __tablename__ = "topic"
    __table_args__ = (UniqueConstraint("office_id", "parent_id", "name", postgresql_nulls_not_distinct=True),)

    parent_id: Mapped[int | None] = office_ref("topic", doc="上级分类")
    name: Mapped[str] = mapped_column(String(50), doc="名称")
    category: Mapped[RequestCategory | None] = mapped_column(coded(RequestCategory, "category"), doc="报事类别")
    department_id: Mapped[int | None] = office_ref("department", doc="处理部门")
    urgent: Mapped[bool] = mapped_column(default=False, server_default="false", doc="较急")
    retired_at: Mapped[datetime | None] = mapped_column(doc="停用时间")

    parent: Mapped["Topic | None"] = refer("Topic.parent_id", "Topic", remote_side="Topic.id")
    department: Mapped[Department | None] = refer("Topic.department_id", "Department")

    def __str__(self) -> str:
        """Return the name people call it by."""
        return self.name


class Ticket(OfficeScoped):
    """票 — the common row of a request, complaint or defect (A-W2, A-C1).

    ``received_at`` is when it reached the desk; ``cycle`` counts reopenings, so that a clock of an earlier life is
    told from one of this; ``closed_at`` None while the matter is open; ``unit_id`` None for public areas.
    ``parent_id`` names the matter that is the cause of this one and answers it (a burst main); ``merged_into_id`` the
    one this was reported before, where it ended as a double.
    """

    __tablename__ = "ticket"
    __table_args__ = (
        UniqueConstraint("office_id", "number"),
        Index("ix_ticket_open", "office_id", "kind", "received_at", postgresql_where=text("closed_at IS NULL")),
    )

    kind: Mapped[TicketKind] = mapped_column(coded(TicketKind, "kind"), doc="种类")
    number: Mapped[str] = mapped_column(String(32), doc="编号")
    unit_id: Mapped[int | None] = office_ref("unit", doc="房屋")
    location: Mapped[str | None] = mapped_column(String(200), doc="地点")
    reporter_kind: Mapped[ReporterKind] = mapped_column(
        coded(ReporterKind, "reporter_kind"), default=ReporterKind.OWNER, doc="报事人类别"
    )
    reporter_name: Mapped[str | None] = mapped_column(String(100), info=personal(), doc="报事人")
    reporter_phone: Mapped[str | None] = mapped_column(String(64), info=personal(), doc="联系电话")
    channel: Mapped[Channel] = mapped_column(coded(Channel, "channel"), default=Channel.CALL, doc="来源渠道")
    topic_id: Mapped[int | None] = office_ref("topic", doc="事项分类")
    content: Mapped[str] = mapped_column(Text, doc="内容")
    state: Mapped[TicketState] = mapped_column(coded(TicketState, "state"), default=TicketState.REGISTERED, doc="状态")
    received_at: Mapped[datetime] = mapped_column(doc="受理时间")
    promised_at: Mapped[datetime | None] = mapped_column(doc="约定完成时间")
    done_at: Mapped[datetime | None] = mapped_column(doc="完成时间")
    closed_at: Mapped[datetime | None] = mapped_column(doc="关闭时间")
    cycle: Mapped[int] = mapped_column(default=1, server_default="1", doc="轮次")
    registered_by_id: Mapped[int | None] = office_ref("posting", doc="登记人")
    parent_id: Mapped[int | None] = office_ref("ticket", doc="同因主票")
    merged_into_id: Mapped[int | None] = office_ref("ticket", doc="并入")

    unit: Mapped[Unit | None] = refer("Ticket.unit_id", "Unit")
    topic: Mapped[Topic | None] = refer("Ticket.topic_id", "Topic")
    parent: Mapped["Ticket | None"] = refer("Ticket.parent_id", "Ticket", remote_side="Ticket.id")
    merged_into: Mapped["Ticket | None"] = refer("Ticket.merged_into_id", "Ticket", remote_side="Ticket.id")
    registered_by: Mapped[Posting | None] = refer("Ticket.registered_by_id", "Posting")

    def __str__(self) -> str:
        """Return the number printed on the form."""
        return self.number


class Pause(OfficeScoped):
    """等待 — that work on a ticket waits for somebody or something, why, and until when at the longest (A-W5, B-W19).

    The clocks that it stopped name it; they go on with what was left when it ends. ``ended_at`` None while it lasts;
    a ticket has one pause at a time. ``work_order_id`` None: the whole matter waits. ``stood`` is where the matter
    stood before.
    """

    __tablename__ = "pause"
    __table_args__ = (
        Index("uq_pause_lasting", "office_id", "ticket_id", unique=True, postgresql_where=text("ended_at IS NULL")),
        CheckConstraint("until_at > began_at", name="ends_after_it_begins"),
    )

    ticket_id: Mapped[int] = office_ref("ticket", doc="票")
    work_order_id: Mapped[int | None] = office_ref("work_order", doc="报事处理单")
    reason: Mapped[PauseReason] = mapped_column(coded(PauseReason, "reason"), doc="等待原因")
    stood: Mapped[TicketState] = mapped_column(coded(TicketState, "stood"), doc="等待前状态")
    note: Mapped[str | None] = mapped_column(String(500), doc="说明")
    began_at: Mapped[datetime] = mapped_column(doc="开始时间")
    until_at: Mapped[datetime] = mapped_column(doc="最晚至")
    ended_at: Mapped[datetime | None] = mapped_column(doc="结束时间")
    began_by_id: Mapped[int | None] = office_ref("posting", doc="登记人")

    ticket: Mapped[Ticket] = refer("Pause.ticket_id", "Ticket")
    began_by: Mapped[Posting | None] = refer("Pause.began_by_id", "Posting")

    def __str__(self) -> str:
        """Return what is waited for."""
        return self.reason.label


class Clock(OfficeScoped):
    """时限 — one deadline running on a ticket: due, met or cancelled; ``source`` is the rule it carries out.

    ``pause_id`` names the pause that cancelled it: when that ends, another clock goes on with what was left.
    ``policy_id`` or ``office_policy_id`` says by which time limit it runs, neither: by the tables' default; it keeps
    its terms whatever holds for later ones. ``warn_at`` is when somebody is told that it will run out, None for never.
    """

    __tablename__ = "clock"
    __table_args__ = (
        UniqueConstraint("office_id", "ticket_id", "kind", "cycle"),
        Index(
            "ix_clock_running",
            "office_id",
            "due_at",
            postgresql_where=text("met_at IS NULL AND cancelled_at IS NULL"),
        ),
    )

    ticket_id: Mapped[int] = office_ref("ticket", doc="票")
    kind: Mapped[ClockKind] = mapped_column(coded(ClockKind, "kind"), doc="时限")
    cycle: Mapped[int] = mapped_column(default=1, doc="轮次")
    started_at: Mapped[datetime] = mapped_column(doc="起算时间")
    due_at: Mapped[datetime] = mapped_column(doc="到期时间")
    met_at: Mapped[datetime | None] = mapped_column(doc="达成时间")
    cancelled_at: Mapped[datetime | None] = mapped_column(doc="取消时间")
    pause_id: Mapped[int | None] = office_ref("pause", doc="等待")
    policy_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("clock_policy.id"), doc="时限规则")
    office_policy_id: Mapped[int | None] = office_ref("office_clock_policy", doc="管理处时限规则")
    warn_at: Mapped[datetime | None] = mapped_column(doc="提前提醒时间")
    warned_at: Mapped[datetime | None] = mapped_column(doc="已提醒时间")
    source: Mapped[str] = mapped_column(String(16), doc="依据")

    ticket: Mapped[Ticket] = refer("Clock.ticket_id", "Ticket")
    pause: Mapped[Pause | None] = refer("Clock.pause_id", "Pause")

    def __str__(self) -> str:
        """Return the clock's kind in words."""
        return self.kind.label


class Escalation(OfficeScoped):
    """升级 — that a clock ran out and the matter went one level up the line, once per level and cycle."""

    __tablename__ = "escalation"
    __table_args__ = (
        UniqueConstraint("office_id", "clock_id", "level", "cycle"),
        CheckConstraint("level >= 1", name="level_counts_from_one"),
    )

    ticket_id: Mapped[int] = office_ref("ticket", doc="票")
    clock_id: Mapped[int] = office_ref("clock", doc="时限")
    level: Mapped[int] = mapped_column(doc="级别")
    cycle: Mapped[int] = mapped_column(default=1, doc="轮次")
    role: Mapped[Role] = mapped_column(coded(Role, "role"), doc="升级对象")
    told: Mapped[int] = mapped_column(default=0, doc="通知人数")
    raised_at: Mapped[datetime] = mapped_column(doc="升级时间")
    late_minutes: Mapped[int] = mapped_column(doc="超时（分钟）")
    acknowledged_at: Mapped[datetime | None] = mapped_column(doc="确认时间")
    acknowledged_by_id: Mapped[int | None] = office_ref("posting", doc="确认人")
    source: Mapped[str] = mapped_column(String(16), doc="依据")

    ticket: Mapped[Ticket] = refer("Escalation.ticket_id", "Ticket")
    clock: Mapped[Clock] = refer("Escalation.clock_id", "Clock")

    def __str__(self) -> str:
        """Return ticket and level."""
        return f"{self.ticket} 第 {self.level} 级"


class Contact(OfficeScoped):
    """联系记录 — one contact with the customer until the matter is done: how, when, by whom, what was said (A-W7)."""

    __tablename__ = "contact"

    ticket_id: Mapped[int] = office_ref("ticket", doc="票")
    made_at: Mapped[datetime] = mapped_column(doc="联系时间")
    made_by_id: Mapped[int | None] = office_ref("posting", doc="联系人")
    method: Mapped[ContactMethod] = mapped_column(
        coded(ContactMethod, "method"), default=ContactMethod.PHONE, doc="联系方式"
    )
    told: Mapped[str | None] = mapped_column(String(500), doc="告知内容")
    answer: Mapped[str | None] = mapped_column(String(500), doc="客户答复")

    ticket: Mapped[Ticket] = refer("Contact.ticket_id", "Ticket")
    made_by: Mapped[Posting | None] = refer("Contact.made_by_id", "Posting")

    def __str__(self) -> str:
        """Return how the customer was spoken to."""
        return self.method.label


class FollowUp(OfficeScoped):
    """回访 — one contact with the customer after the work: when, by whom, what was answered (A-W10, B-W11, B-C11)."""

    __tablename__ = "follow_up"

    ticket_id: Mapped[int] = office_ref("ticket", doc="票")
    made_at: Mapped[datetime] = mapped_column(doc="回访时间")
    made_by_id: Mapped[int | None] = office_ref("posting", doc="回访人")
    satisfaction: Mapped[Satisfaction] = mapped_column(coded(Satisfaction, "satisfaction"), doc="满意度")
    answer: Mapped[str | None] = mapped_column(String(500), doc="客户意见")

    ticket: Mapped[Ticket] = refer("FollowUp.ticket_id", "Ticket")
    made_by: Mapped[Posting | None] = refer("FollowUp.made_by_id", "Posting")

    def __str__(self) -> str:
        """Return the customer's verdict."""
        return self.satisfaction.label
