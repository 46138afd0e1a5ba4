"""What boards, time limits and duties need: attachments, the public calendar, limits of one's own, shifts, reports.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tenant import row_security
from tenant.models.base import GroupShared, OfficeScoped

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

OF_OFFICES = ("absence", "attachment", "duty", "office_clock_policy", "policy_replay", "report", "shift")
OF_THE_GROUP = ("calendar_day", "calendar_year", "clock_policy")
MAIL_STATES = ("queued", "sending", "sent", "failed", "unknown", "withheld", "bounced")


def mail_states(*allowed: str) -> None:
    """Let a mail stand in these states and no others."""
    listed = ", ".join(f"'{word}'" for word in allowed)
    op.drop_constraint(op.f("ck_mail_state"), "mail", type_="check")
    op.create_check_constraint(op.f("ck_mail_state"), "mail", f"state IN ({listed})")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "calendar_year",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("year", sa.BigInteger(), nullable=False),
        sa.Column("edition", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("published", sa.String(length=200), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_by", sa.String(length=100), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_year")),
        sa.UniqueConstraint("year", "edition", name=op.f("uq_calendar_year_year_edition")),
    )
    op.create_table(
        "calendar_day",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("calendar_year_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("holiday", "working", name="kind", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["calendar_year_id"], ["calendar_year.id"], name=op.f("fk_calendar_day_calendar_year_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_day")),
        sa.UniqueConstraint("calendar_year_id", "day", name=op.f("uq_calendar_day_calendar_year_id_day")),
    )
    op.create_table(
        "clock_policy",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "ticket",
            sa.Enum(
                "request", "complaint", "defect", name="ticket", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column(
            "clock",
            sa.Enum(
                "first_reply",
                "dispatch",
                "on_site",
                "same_day",
                "daily_contact",
                "department_receipt",
                "forward",
                "follow_up",
                "suggestion_reply",
                "regrade",
                "promised",
                "waiting",
                "completion_reply",
                "return",
                "inspection",
                name="clock",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("qualifier", sa.String(length=32), nullable=True),
        sa.Column(
            "measure",
            sa.Enum(
                "minutes",
                "same_day",
                "days",
                "months",
                name="measure",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("minimum", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "calendar",
            sa.Enum(
                "always",
                "desk_hours",
                "working_days",
                name="calendar",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="always",
            nullable=False,
        ),
        sa.Column("warning", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("pauses", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("steps", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("why", sa.String(length=200), nullable=False),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("activated_by", sa.String(length=100), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by", sa.String(length=100), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "amount >= 0 AND minimum >= 0 AND warning >= 0", name=op.f("ck_clock_policy_counts_forward")
        ),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_clock_policy_company_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clock_policy")),
    )
    op.create_index(op.f("ix_clock_policy_company_id"), "clock_policy", ["company_id"], unique=False)
    op.create_table(
        "office_clock_policy",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "ticket",
            sa.Enum(
                "request", "complaint", "defect", name="ticket", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column(
            "clock",
            sa.Enum(
                "first_reply",
                "dispatch",
                "on_site",
                "same_day",
                "daily_contact",
                "department_receipt",
                "forward",
                "follow_up",
                "suggestion_reply",
                "regrade",
                "promised",
                "waiting",
                "completion_reply",
                "return",
                "inspection",
                name="clock",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("qualifier", sa.String(length=32), nullable=True),
        sa.Column(
            "measure",
            sa.Enum(
                "minutes",
                "same_day",
                "days",
                "months",
                name="measure",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("minimum", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "calendar",
            sa.Enum(
                "always",
                "desk_hours",
                "working_days",
                name="calendar",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="always",
            nullable=False,
        ),
        sa.Column("warning", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("pauses", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("steps", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("why", sa.String(length=200), nullable=False),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("activated_by", sa.String(length=100), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by", sa.String(length=100), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "amount >= 0 AND minimum >= 0 AND warning >= 0", name=op.f("ck_office_clock_policy_counts_forward")
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_office_clock_policy_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_office_clock_policy")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_office_clock_policy_office_id_id")),
    )
    op.create_table(
        "shift",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("begins", sa.Time(), nullable=False),
        sa.Column("ends", sa.Time(), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint("begins <> ends", name=op.f("ck_shift_lasts_a_while")),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_shift_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shift")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_shift_office_id_id")),
        sa.UniqueConstraint("office_id", "name", name=op.f("uq_shift_office_id_name")),
    )
    op.create_table(
        "policy_replay",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("clock_policy_id", sa.BigInteger(), nullable=True),
        sa.Column("office_clock_policy_id", sa.BigInteger(), nullable=True),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("figures", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "(clock_policy_id IS NULL) <> (office_clock_policy_id IS NULL)",
            name=op.f("ck_policy_replay_tries_one_draft"),
        ),
        sa.CheckConstraint("until_on > from_on", name=op.f("ck_policy_replay_ends_after_it_begins")),
        sa.ForeignKeyConstraint(
            ["clock_policy_id"], ["clock_policy.id"], name=op.f("fk_policy_replay_clock_policy_id")
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "office_clock_policy_id"],
            ["office_clock_policy.office_id", "office_clock_policy.id"],
            name=op.f("fk_policy_replay_office_id_office_clock_policy_id"),
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_policy_replay_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_replay")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_policy_replay_office_id_id")),
    )
    op.create_index(op.f("ix_policy_replay_clock_policy_id"), "policy_replay", ["clock_policy_id"], unique=False)
    op.create_index(
        op.f("ix_policy_replay_office_id_office_clock_policy_id"),
        "policy_replay",
        ["office_id", "office_clock_policy_id"],
        unique=False,
    )
    op.create_table(
        "absence",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("posting_id", sa.BigInteger(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("to_on", sa.Date(), nullable=False),
        sa.Column("substitute_id", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.String(length=200), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint("to_on >= from_on", name=op.f("ck_absence_ends_after_it_begins")),
        sa.ForeignKeyConstraint(
            ["office_id", "posting_id"],
            ["posting.office_id", "posting.id"],
            name=op.f("fk_absence_office_id_posting_id"),
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "substitute_id"],
            ["posting.office_id", "posting.id"],
            name=op.f("fk_absence_office_id_substitute_id"),
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_absence_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absence")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_absence_office_id_id")),
    )
    op.create_index(op.f("ix_absence_office_id_posting_id"), "absence", ["office_id", "posting_id"], unique=False)
    op.create_index(op.f("ix_absence_office_id_substitute_id"), "absence", ["office_id", "substitute_id"], unique=False)
    op.create_table(
        "duty",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("duty_on", sa.Date(), nullable=False),
        sa.Column("shift_id", sa.BigInteger(), nullable=False),
        sa.Column("posting_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["office_id", "posting_id"], ["posting.office_id", "posting.id"], name=op.f("fk_duty_office_id_posting_id")
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "shift_id"], ["shift.office_id", "shift.id"], name=op.f("fk_duty_office_id_shift_id")
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_duty_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty")),
        sa.UniqueConstraint(
            "office_id", "duty_on", "shift_id", "posting_id", name=op.f("uq_duty_office_id_duty_on_shift_id_posting_id")
        ),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_duty_office_id_id")),
    )
    op.create_index(op.f("ix_duty_office_id_posting_id"), "duty", ["office_id", "posting_id"], unique=False)
    op.create_index(op.f("ix_duty_office_id_shift_id"), "duty", ["office_id", "shift_id"], unique=False)
    op.create_table(
        "report",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("week", "month", "complaints", name="kind", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("figures", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("findings", sa.Text(), nullable=True),
        sa.Column("measures", sa.Text(), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("submitted_by_id", sa.BigInteger(), nullable=True),
        sa.Column("sent_back_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_back_why", sa.String(length=500), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint("until_on > from_on", name=op.f("ck_report_ends_after_it_begins")),
        sa.ForeignKeyConstraint(
            ["office_id", "submitted_by_id"],
            ["posting.office_id", "posting.id"],
            name=op.f("fk_report_office_id_submitted_by_id"),
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_report_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_report_office_id_id")),
        sa.UniqueConstraint("office_id", "kind", "from_on", name=op.f("uq_report_office_id_kind_from_on")),
        sa.UniqueConstraint("office_id", "number", name=op.f("uq_report_office_id_number")),
    )
    op.create_index(
        op.f("ix_report_office_id_submitted_by_id"), "report", ["office_id", "submitted_by_id"], unique=False
    )
    op.create_table(
        "attachment",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("work_order_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "photo", "recording", "document", name="kind", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column(
            "purpose",
            sa.Enum(
                "reported",
                "before",
                "after",
                "signature",
                "other",
                name="purpose",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=True),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("width", sa.BigInteger(), nullable=True),
        sa.Column("height", sa.BigInteger(), nullable=True),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("thumbnail_key", sa.String(length=64), nullable=True),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("added_by_id", sa.BigInteger(), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("removed_why", sa.String(length=200), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint("size > 0", name=op.f("ck_attachment_size_is_positive")),
        sa.ForeignKeyConstraint(
            ["office_id", "added_by_id"],
            ["posting.office_id", "posting.id"],
            name=op.f("fk_attachment_office_id_added_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "ticket_id"],
            ["ticket.office_id", "ticket.id"],
            name=op.f("fk_attachment_office_id_ticket_id"),
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "work_order_id"],
            ["work_order.office_id", "work_order.id"],
            name=op.f("fk_attachment_office_id_work_order_id"),
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_attachment_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_attachment_office_id_id")),
        sa.UniqueConstraint("office_id", "key", name=op.f("uq_attachment_office_id_key")),
    )
    op.create_index("ix_attachment_office_id_added_at", "attachment", ["office_id", "added_at"], unique=False)
    op.create_index(
        op.f("ix_attachment_office_id_added_by_id"), "attachment", ["office_id", "added_by_id"], unique=False
    )
    op.create_index(op.f("ix_attachment_office_id_ticket_id"), "attachment", ["office_id", "ticket_id"], unique=False)
    op.create_index(
        op.f("ix_attachment_office_id_work_order_id"), "attachment", ["office_id", "work_order_id"], unique=False
    )
    op.add_column("clock", sa.Column("policy_id", sa.BigInteger(), nullable=True))
    op.add_column("clock", sa.Column("office_policy_id", sa.BigInteger(), nullable=True))
    op.add_column("clock", sa.Column("warn_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("clock", sa.Column("warned_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        op.f("ix_clock_office_id_office_policy_id"), "clock", ["office_id", "office_policy_id"], unique=False
    )
    op.create_foreign_key(
        op.f("fk_clock_office_id_office_policy_id"),
        "clock",
        "office_clock_policy",
        ["office_id", "office_policy_id"],
        ["office_id", "id"],
    )
    op.create_foreign_key(op.f("fk_clock_policy_id"), "clock", "clock_policy", ["policy_id"], ["id"])
    op.add_column("mail", sa.Column("gather_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_mail_gathering",
        "mail",
        ["gather_at", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'queued' AND gather_at IS NOT NULL"),
    )
    op.create_index(
        "ix_mail_escalations_to",
        "mail",
        ["office_id", "recipient_address", "id"],
        unique=False,
        postgresql_where=sa.text("mail_class = 'escalation'"),
    )
    op.add_column("mail", sa.Column("gathered_into_id", sa.BigInteger(), nullable=True))
    op.create_index(op.f("ix_mail_office_id_gathered_into_id"), "mail", ["office_id", "gathered_into_id"], unique=False)
    op.create_foreign_key(
        op.f("fk_mail_office_id_gathered_into_id"),
        "mail",
        "mail",
        ["office_id", "gathered_into_id"],
        ["office_id", "id"],
    )
    op.add_column("office", sa.Column("gather_after", sa.BigInteger(), server_default="10", nullable=False))
    mail_states(*MAIL_STATES, "gathered")
    for table in OF_OFFICES:
        for statement in row_security.wall(table, OfficeScoped):
            op.execute(statement)
    for table in OF_THE_GROUP:
        for statement in row_security.wall(table, GroupShared):
            op.execute(statement)


def downgrade() -> None:
    """Take back."""
    op.execute("UPDATE mail SET state = 'withheld' WHERE state = 'gathered'")
    mail_states(*MAIL_STATES)
    op.drop_column("office", "gather_after")
    op.drop_constraint(op.f("fk_mail_office_id_gathered_into_id"), "mail", type_="foreignkey")
    op.drop_index(op.f("ix_mail_office_id_gathered_into_id"), table_name="mail")
    op.drop_column("mail", "gathered_into_id")
    op.drop_index("ix_mail_escalations_to", table_name="mail", postgresql_where=sa.text("mail_class = 'escalation'"))
    op.drop_index(
        "ix_mail_gathering",
        table_name="mail",
        postgresql_where=sa.text("state = 'queued' AND gather_at IS NOT NULL"),
    )
    op.drop_column("mail", "gather_at")
    op.drop_constraint(op.f("fk_clock_policy_id"), "clock", type_="foreignkey")
    op.drop_constraint(op.f("fk_clock_office_id_office_policy_id"), "clock", type_="foreignkey")
    op.drop_index(op.f("ix_clock_office_id_office_policy_id"), table_name="clock")
    op.drop_column("clock", "warned_at")
    op.drop_column("clock", "warn_at")
    op.drop_column("clock", "office_policy_id")
    op.drop_column("clock", "policy_id")
    op.drop_index(op.f("ix_attachment_office_id_work_order_id"), table_name="attachment")
    op.drop_index(op.f("ix_attachment_office_id_ticket_id"), table_name="attachment")
    op.drop_index(op.f("ix_attachment_office_id_added_by_id"), table_name="attachment")
    op.drop_index("ix_attachment_office_id_added_at", table_name="attachment")
    op.drop_table("attachment")
    op.drop_index(op.f("ix_report_office_id_submitted_by_id"), table_name="report")
    op.drop_table("report")
    op.drop_index(op.f("ix_duty_office_id_shift_id"), table_name="duty")
    op.drop_index(op.f("ix_duty_office_id_posting_id"), table_name="duty")
    op.drop_table("duty")
    op.drop_index(op.f("ix_absence_office_id_substitute_id"), table_name="absence")
    op.drop_index(op.f("ix_absence_office_id_posting_id"), table_name="absence")
    op.drop_table("absence")
    op.drop_index(op.f("ix_policy_replay_office_id_office_clock_policy_id"), table_name="policy_replay")
    op.drop_index(op.f("ix_policy_replay_clock_policy_id"), table_name="policy_replay")
    op.drop_table("policy_replay")
    op.drop_table("shift")
    op.drop_table("office_clock_policy")
    op.drop_index(op.f("ix_clock_policy_company_id"), table_name="clock_policy")
    op.drop_table("clock_policy")
    op.drop_table("calendar_day")
    op.drop_table("calendar_year")
