"""The queue of record: what is due, what wakes whom, which slots have fired.

The database is the only clock. A message on a broker says "look now" and nothing more; every row here is claimed
under a lock and done once by a unique key.
"""

from datetime import datetime, time

from sqlalchemy import Index, String, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from tenant.models.base import GroupOnly, OfficeOptional, OfficeScoped, coded, office_ref
from tenant.rules.terms import BeatKind, DueState, JobState

_FRESH, _TRIED = "state = 'pending' AND attempts = 0", "state = 'pending' AND attempts > 0"


class DueAction(OfficeScoped):
    """到期事项 — one thing to do once at a time, planned in the transaction of the change that causes it.

    The business key is ``(office, subject, rule, level, cycle)``. ``claim_token`` and ``lease_until`` say who is doing
    it; ``attempts`` counts before each run, so that a row that kills its process is not run for ever. A pending row
    that was tried before waits until ``lease_until``.
    ``rule_version`` says which wording of the policy planned it, None for rows older than that column.
    """

    __tablename__ = "due_action"
    __table_args__ = (
        UniqueConstraint("office_id", "subject_kind", "subject_id", "rule", "level", "cycle"),
        # three for what is pending: never tried, by age and by office; tried before, by office and end of its wait
        Index("ix_due_action_pending", "rule", "due_at", "id", postgresql_where=text(_FRESH)),
        Index("ix_due_action_turn", "rule", "office_id", "due_at", "id", postgresql_where=text(_FRESH)),
        Index("ix_due_action_tried", "rule", "office_id", "lease_until", "id", postgresql_where=text(_TRIED)),
        Index("ix_due_action_claimed", "lease_until", postgresql_where=text("state = 'claimed'")),
        Index("ix_due_action_dead", "office_id", "id", postgresql_where=text("state = 'dead'")),
    )

    rule: Mapped[str] = mapped_column(String(32), doc="规则")
    subject_kind: Mapped[str] = mapped_column(String(32), doc="对象种类")
    subject_id: Mapped[int] = mapped_column(doc="对象")
    level: Mapped[int] = mapped_column(default=1, doc="级别")
    cycle: Mapped[str] = mapped_column(String(32), default="1", doc="轮次")
    due_at: Mapped[datetime] = mapped_column(doc="到期时间")
    state: Mapped[DueState] = mapped_column(
        coded(DueState, "state"), default=DueState.PENDING, server_default="pending", doc="状态"
    )
    claim_token: Mapped[str | None] = mapped_column(String(36), doc="领取凭证")
    lease_until: Mapped[datetime | None] = mapped_column(doc="领取有效期")
    attempts: Mapped[int] = mapped_column(default=0, server_default="0", doc="尝试次数")
    last_error: Mapped[str | None] = mapped_column(Text, doc="最近错误")
    settled_at: Mapped[datetime | None] = mapped_column(doc="了结时间")
    facts: Mapped[dict[str, object]] = mapped_column(JSONB, default=dict, server_default="{}", doc="参数")
    rule_version: Mapped[str | None] = mapped_column(String(16), doc="规则版本")

    def __str__(self) -> str:
        """Return what people call it: its number, because rule and subject are codes."""
        return f"到期事项 #{self.id}"


class OutboxMessage(OfficeOptional):
    """待投递消息 — a wake-up for a worker, written with the change it belongs to and put on the broker after commit.

    ``request_id`` ties what the worker does to the request, command or job that asked for it.
    """

    __tablename__ = "outbox_message"
    __table_args__ = (Index("ix_outbox_message_waiting", "id", postgresql_where=text("relayed_at IS NULL")),)

    actor: Mapped[str] = mapped_column(String(64), doc="执行者")
    arguments: Mapped[dict[str, object]] = mapped_column(JSONB, default=dict, doc="参数")
    request_id: Mapped[str | None] = mapped_column(String(32), doc="请求编号")
    relayed_at: Mapped[datetime | None] = mapped_column(doc="投递时间")


class Job(OfficeScoped):
    """后台任务 — long work that somebody asked for, done in chunks by a worker, with its progress.

    ``attempts`` counts before each run; ``done`` of ``total`` rows are through (None: not known yet) in ``phase``.
    ``lease_until`` is when somebody must look again: at a job that waits and was not taken up, at one whose worker is
    gone. ``cancel_asked_at`` is looked at between chunks. A subject has at most one job of a kind waiting or running.
    """

    __tablename__ = "job"
    __table_args__ = (
        Index(
            "uq_job_live",
            "office_id",
            "kind",
            "subject_id",
            unique=True,
            postgresql_where=text("state IN ('waiting', 'running')"),
        ),
        Index("ix_job_office_id_subject_id", "office_id", "kind", "subject_id", "id"),
        Index("ix_job_lease_until", "lease_until", postgresql_where=text("state IN ('waiting', 'running')")),
    )

    kind: Mapped[str] = mapped_column(String(32), doc="种类")
    subject_kind: Mapped[str] = mapped_column(String(32), doc="对象种类")
    subject_id: Mapped[int] = mapped_column(doc="对象")
    state: Mapped[JobState] = mapped_column(
        coded(JobState, "state"), default=JobState.WAITING, server_default="waiting", doc="状态"
    )
    phase: Mapped[str] = mapped_column(String(50), default="", server_default="", doc="阶段")
    done: Mapped[int] = mapped_column(default=0, server_default="0", doc="已完成")
    total: Mapped[int | None] = mapped_column(doc="总数")
    attempts: Mapped[int] = mapped_column(default=0, server_default="0", doc="尝试次数")
    claim_token: Mapped[str | None] = mapped_column(String(36), doc="领取凭证")
    lease_until: Mapped[datetime | None] = mapped_column(doc="领取有效期")
    last_error: Mapped[str | None] = mapped_column(Text, doc="最近错误")
    asked_by_id: Mapped[int | None] = office_ref("posting", doc="发起人")
    request_id: Mapped[str | None] = mapped_column(String(32), doc="请求编号")
    started_at: Mapped[datetime | None] = mapped_column(doc="开始时间")
    ended_at: Mapped[datetime | None] = mapped_column(doc="结束时间")
    cancel_asked_at: Mapped[datetime | None] = mapped_column(doc="要求取消时间")

    def __str__(self) -> str:
        """Return what people call it: its number, because kind and subject are codes."""
        return f"后台任务 #{self.id}"


class Schedule(OfficeOptional):
    """定时任务 — an entry of the timetable as it is kept here; the timetable itself stands in the code.

    With no office it is the group's: whether the entry is switched on, and its latest slot. With an office it is that
    office's: the same for slots of its own, and ``at``, its local time for the entry, None for the timetable's.
    """

    __tablename__ = "schedule"
    __table_args__ = (UniqueConstraint("office_id", "name", postgresql_nulls_not_distinct=True),)

    name: Mapped[str] = mapped_column(String(64), doc="名称")
    at: Mapped[time | None] = mapped_column(doc="时间")
    enabled: Mapped[bool] = mapped_column(default=True, server_default="true", doc="启用")
    last_fire_at: Mapped[datetime | None] = mapped_column(doc="最近一次")

    def __str__(self) -> str:
        """Return the entry's name."""
        return self.name


class ScheduleFire(OfficeOptional):
    """定时触发 — that a slot has fired: unique by office, name and slot, however many schedulers run."""

    __tablename__ = "schedule_fire"
    __table_args__ = (UniqueConstraint("office_id", "name", "fire_at", postgresql_nulls_not_distinct=True),)

    name: Mapped[str] = mapped_column(String(64), doc="名称")
    fire_at: Mapped[datetime] = mapped_column(doc="应触发时间")
    fired_at: Mapped[datetime] = mapped_column(doc="实际触发时间")


class Beat(GroupOnly):
    """进程心跳 — that a process of the program is alive, and how far its clock is from the database's.

    ``skew`` is in milliseconds, above zero where the process is ahead; ``stopped_at`` is set by an orderly stop.
    """

    __tablename__ = "beat"

    instance: Mapped[str] = mapped_column(String(36), unique=True, doc="进程")
    kind: Mapped[BeatKind] = mapped_column(coded(BeatKind, "kind"), doc="种类")
    host: Mapped[str] = mapped_column(String(100), doc="主机")
    pid: Mapped[int] = mapped_column(doc="进程号")
    queues: Mapped[str] = mapped_column(String(100), default="", server_default="", doc="队列")
    started_at: Mapped[datetime] = mapped_column(doc="启动时间")
    beat_at: Mapped[datetime] = mapped_column(doc="最近心跳")
    skew: Mapped[int] = mapped_column(default=0, server_default="0", doc="时钟偏差")
    stopped_at: Mapped[datetime | None] = mapped_column(doc="停止时间")

    def __str__(self) -> str:
        """Return host and process number."""
        return f"{self.host}:{self.pid}"
