"""The first tables, each behind the wall.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tenant import row_security
from tenant.models.base import GroupOnly, GroupShared, OfficeOptional, OfficeScoped

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


WALLS = {
    OfficeScoped: (
        "allocation",
        "building",
        "charge",
        "charge_type",
        "clock",
        "complaint",
        "department",
        "due_action",
        "dunning_notice",
        "dunning_procedure",
        "escalation",
        "estate",
        "follow_up",
        "import_batch",
        "mail",
        "number_series",
        "occupant",
        "owner",
        "ownership",
        "payment",
        "section",
        "service_request",
        "ticket",
        "unit",
        "work_order",
    ),
    OfficeOptional: ("audit_entry", "outbox_message", "posting"),
    GroupShared: ("company",),
    GroupOnly: ("audit_seal", "schedule", "schedule_fire", "sign_in", "staff"),
}


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "audit_seal",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("chain", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("xid", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("position >= 1", name=op.f("ck_audit_seal_position_counts_from_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_seal")),
        sa.UniqueConstraint("chain", "position", name=op.f("uq_audit_seal_chain_position")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_audit_seal_entry_id")),
    )
    op.create_index("ix_audit_seal_xid", "audit_seal", ["xid"], unique=False)
    op.create_table(
        "company",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_company")),
        sa.UniqueConstraint("code", name=op.f("uq_company_code")),
    )
    op.create_table(
        "schedule",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("last_fire_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedule")),
        sa.UniqueConstraint("name", name=op.f("uq_schedule_name")),
    )
    op.create_table(
        "schedule_fire",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("fire_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fired_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedule_fire")),
        sa.UniqueConstraint("name", "fire_at", name=op.f("uq_schedule_fire_name_fire_at")),
    )
    op.create_table(
        "staff",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("login", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("phone", sa.String(length=32), nullable=True),
        sa.Column("password_hash", sa.String(length=255), nullable=True),
        sa.Column("password_changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("must_change_password", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
    )
    op.create_index("uq_staff_login_lower", "staff", [sa.literal_column("lower(login)")], unique=True)
    op.create_table(
        "office",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("zone", sa.String(length=64), server_default="Asia/Shanghai", nullable=False),
        sa.Column("desk_opens", sa.Time(), server_default="08:00", nullable=False),
        sa.Column("desk_closes", sa.Time(), server_default="17:30", nullable=False),
        sa.Column("phone", sa.String(length=32), nullable=True),
        sa.Column("address", sa.String(length=200), nullable=True),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_office_company_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_office")),
        sa.UniqueConstraint("code", name=op.f("uq_office_code")),
    )
    op.create_index(op.f("ix_office_company_id"), "office", ["company_id"], unique=False)
    op.create_table(
        "sign_in",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=True),
        sa.Column("login", sa.String(length=64), nullable=False),
        sa.Column("token_digest", sa.String(length=64), nullable=True),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("user_agent", sa.String(length=300), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_why", sa.String(length=32), nullable=True),
        sa.Column("succeeded", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_sign_in_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_sign_in_token_digest")),
    )
    op.create_index("ix_sign_in_login_started_at", "sign_in", ["login", "started_at"], unique=False)
    op.create_index(op.f("ix_sign_in_staff_id"), "sign_in", ["staff_id"], unique=False)
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "actor_kind",
            sa.Enum(
                "person",
                "clockwork",
                "command",
                name="actor_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("actor_name", sa.String(length=100), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.Column("address", sa.String(length=64), nullable=True),
        sa.Column("verb", sa.String(length=64), nullable=False),
        sa.Column("subject_kind", sa.String(length=64), nullable=True),
        sa.Column("subject_id", sa.BigInteger(), nullable=True),
        sa.Column("before", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("after", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("xid", sa.BigInteger(), server_default=sa.text("pg_current_xact_id()::text::bigint"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_audit_entry_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_audit_entry_office_id_id")),
    )
    op.create_index("ix_audit_entry_office_id_at", "audit_entry", ["office_id", "at", "id"], unique=False)
    op.create_index("ix_audit_entry_request_id", "audit_entry", ["request_id"], unique=False)
    op.create_index(
        "ix_audit_entry_subject", "audit_entry", ["office_id", "subject_kind", "subject_id", "id"], unique=False
    )
    op.create_index("ix_audit_entry_xid", "audit_entry", ["xid", "id"], unique=False)
    op.create_table(
        "charge_type",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column(
            "basis",
            sa.Enum(
                "area", "unit", "usage", "fixed", name="basis", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("price", sa.Numeric(precision=12, scale=4), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint("price >= 0", name=op.f("ck_charge_type_price_is_not_negative")),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_charge_type_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_charge_type")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_charge_type_office_id_id")),
        sa.UniqueConstraint("office_id", "name", name=op.f("uq_charge_type_office_id_name")),
    )
    op.create_table(
        "department",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "engineering",
                "security",
                "cleaning",
                "service",
                "finance",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_department_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_department")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_department_office_id_id")),
        sa.UniqueConstraint("office_id", "name", name=op.f("uq_department_office_id_name")),
    )
    op.create_table(
        "due_action",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("rule", sa.String(length=32), nullable=False),
        sa.Column("subject_kind", sa.String(length=32), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("level", sa.BigInteger(), nullable=False),
        sa.Column("cycle", sa.String(length=32), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "pending",
                "claimed",
                "done",
                "cancelled",
                "dead",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="pending",
            nullable=False,
        ),
        sa.Column("claim_token", sa.String(length=36), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_due_action_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_due_action")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_due_action_office_id_id")),
        sa.UniqueConstraint(
            "office_id",
            "subject_kind",
            "subject_id",
            "rule",
            "level",
            "cycle",
            name=op.f("uq_due_action_office_id_subject_kind_subject_id_rule_level_cycle"),
        ),
    )
    op.create_index(
        "ix_due_action_claimed",
        "due_action",
        ["lease_until"],
        unique=False,
        postgresql_where=sa.text("state = 'claimed'"),
    )
    op.create_index(
        "ix_due_action_pending",
        "due_action",
        ["rule", "due_at", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_table(
        "dunning_procedure",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("big_customer_share", sa.Numeric(precision=7, scale=6), nullable=True),
        sa.Column("late_fee_rate", sa.Numeric(precision=9, scale=7), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_dunning_procedure_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dunning_procedure")),
        sa.UniqueConstraint("office_id", "from_on", name=op.f("uq_dunning_procedure_office_id_from_on")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_dunning_procedure_office_id_id")),
    )
    op.create_table(
        "estate",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("address", sa.String(length=200), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_estate_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_estate")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_estate_office_id_id")),
        sa.UniqueConstraint("office_id", "name", name=op.f("uq_estate_office_id_name")),
    )
    op.create_table(
        "mail",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("dedup_key", sa.String(length=200), nullable=False),
        sa.Column("message_id", sa.String(length=120), nullable=False),
        sa.Column(
            "mail_class",
            sa.Enum(
                "escalation",
                "reminder",
                "legal",
                "notice",
                name="mail_class",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("recipient_name", sa.String(length=100), nullable=False),
        sa.Column("recipient_address", sa.String(length=254), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("text_body", sa.Text(), nullable=False),
        sa.Column("html_body", sa.Text(), nullable=True),
        sa.Column("subject_kind", sa.String(length=32), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "sending",
                "sent",
                "failed",
                "unknown",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="queued",
            nullable=False,
        ),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claim_token", sa.String(length=36), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_mail_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail")),
        sa.UniqueConstraint("message_id", name=op.f("uq_mail_message_id")),
        sa.UniqueConstraint("office_id", "dedup_key", name=op.f("uq_mail_office_id_dedup_key")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_mail_office_id_id")),
    )
    op.create_index(
        "ix_mail_queued", "mail", ["not_before", "id"], unique=False, postgresql_where=sa.text("state = 'queued'")
    )
    op.create_index(
        "ix_mail_sending", "mail", ["lease_until"], unique=False, postgresql_where=sa.text("state = 'sending'")
    )
    op.create_table(
        "number_series",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("series", sa.String(length=32), nullable=False),
        sa.Column("last", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_number_series_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_number_series")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_number_series_office_id_id")),
        sa.UniqueConstraint("office_id", "series", name=op.f("uq_number_series_office_id_series")),
    )
    op.create_table(
        "outbox_message",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=True),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("arguments", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("relayed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_outbox_message_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_message")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_outbox_message_office_id_id")),
    )
    op.create_index(
        "ix_outbox_message_waiting",
        "outbox_message",
        ["id"],
        unique=False,
        postgresql_where=sa.text("relayed_at IS NULL"),
    )
    op.create_table(
        "owner",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("person", "company", name="kind", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("phone", sa.String(length=64), nullable=True),
        sa.Column("other_phones", sa.String(length=200), nullable=True),
        sa.Column("id_number", sa.String(length=64), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("address", sa.String(length=200), nullable=True),
        sa.Column("note", sa.String(length=500), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_owner_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_owner")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_owner_office_id_id")),
    )
    op.create_index("ix_owner_office_id_name", "owner", ["office_id", "name"], unique=False)
    op.create_index("ix_owner_office_id_phone", "owner", ["office_id", "phone"], unique=False)
    op.create_index(
        "uq_owner_office_id_id_number",
        "owner",
        ["office_id", "id_number"],
        unique=True,
        postgresql_where=sa.text("id_number IS NOT NULL"),
    )
    op.create_table(
        "building",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("estate_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["office_id", "estate_id"], ["estate.office_id", "estate.id"], name=op.f("fk_building_office_id_estate_id")
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_building_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_building")),
        sa.UniqueConstraint("office_id", "code", name=op.f("uq_building_office_id_code")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_building_office_id_id")),
    )
    op.create_index(op.f("ix_building_office_id_estate_id"), "building", ["office_id", "estate_id"], unique=False)
    op.create_table(
        "dunning_notice",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "level",
            sa.Enum(
                "reminder",
                "letter",
                "suit",
                "watch",
                name="level",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("anchor_on", sa.Date(), nullable=False),
        sa.Column("reached_on", sa.Date(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("amount", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("late_fee", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "planned",
                "sent",
                "signed",
                "skipped",
                "cancelled",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["office_id", "owner_id"],
            ["owner.office_id", "owner.id"],
            name=op.f("fk_dunning_notice_office_id_owner_id"),
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_dunning_notice_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dunning_notice")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_dunning_notice_office_id_id")),
        sa.UniqueConstraint(
            "office_id",
            "owner_id",
            "level",
            "sequence",
            "anchor_on",
            name=op.f("uq_dunning_notice_office_id_owner_id_level_sequence_anchor_on"),
        ),
    )
    op.create_index("ix_dunning_notice_office_id_issued_at", "dunning_notice", ["office_id", "issued_at"], unique=False)
    op.create_index(
        op.f("ix_dunning_notice_office_id_owner_id"), "dunning_notice", ["office_id", "owner_id"], unique=False
    )
    op.create_table(
        "posting",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=True),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "group_centre",
                "company_centre",
                "general_manager",
                "director",
                "assistant",
                "supervisor",
                "front_desk",
                "department_head",
                "engineering_assistant",
                "technician",
                "finance_assistant",
                "office_admin",
                "auditor",
                "system_admin",
                "legal_counsel",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "level",
            sa.Enum("group", "company", "office", name="level", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("company_id", sa.BigInteger(), nullable=True),
        sa.Column("department_id", sa.BigInteger(), nullable=True),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("to_on", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "(level = 'group' AND company_id IS NULL AND office_id IS NULL) OR (level = 'company' AND company_id IS NOT NULL AND office_id IS NULL) OR (level = 'office' AND company_id IS NULL AND office_id IS NOT NULL)",  # noqa: E501 - one condition, as the model has it
            name=op.f("ck_posting_level_names_its_place"),
        ),
        sa.CheckConstraint(
            "department_id IS NULL OR office_id IS NOT NULL", name=op.f("ck_posting_department_id_has_an_office")
        ),
        sa.CheckConstraint("to_on IS NULL OR to_on >= from_on", name=op.f("ck_posting_ends_after_it_begins")),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_posting_company_id")),
        sa.ForeignKeyConstraint(
            ["office_id", "department_id"],
            ["department.office_id", "department.id"],
            name=op.f("fk_posting_office_id_department_id"),
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_posting_office_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_posting_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_posting")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_posting_office_id_id")),
    )
    op.create_index(op.f("ix_posting_company_id"), "posting", ["company_id"], unique=False)
    op.create_index(op.f("ix_posting_office_id_department_id"), "posting", ["office_id", "department_id"], unique=False)
    op.create_index(op.f("ix_posting_staff_id"), "posting", ["staff_id"], unique=False)
    op.create_table(
        "import_batch",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("file_name", sa.String(length=255), nullable=False),
        sa.Column("file_digest", sa.String(length=64), nullable=False),
        sa.Column("file_size", sa.BigInteger(), nullable=False),
        sa.Column("file", sa.LargeBinary(), nullable=True),
        sa.Column("sheet", sa.String(length=100), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "uploaded",
                "previewed",
                "applying",
                "applied",
                "refused",
                "cancelled",
                "failed",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("mapping", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("counts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("plan", sa.LargeBinary(), nullable=True),
        sa.Column("fault", sa.String(length=500), nullable=True),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("uploaded_by_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["office_id", "uploaded_by_id"],
            ["posting.office_id", "posting.id"],
            name=op.f("fk_import_batch_office_id_uploaded_by_id"),
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_import_batch_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_batch")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_import_batch_office_id_id")),
    )
    op.create_index("ix_import_batch_office_id_file_digest", "import_batch", ["office_id", "file_digest"], unique=False)
    op.create_index(
        op.f("ix_import_batch_office_id_uploaded_by_id"), "import_batch", ["office_id", "uploaded_by_id"], unique=False
    )
    op.create_table(
        "section",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("building_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["office_id", "building_id"],
            ["building.office_id", "building.id"],
            name=op.f("fk_section_office_id_building_id"),
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_section_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_section")),
        sa.UniqueConstraint("office_id", "building_id", "code", name=op.f("uq_section_office_id_building_id_code")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_section_office_id_id")),
    )
    op.create_index(op.f("ix_section_office_id_building_id"), "section", ["office_id", "building_id"], unique=False)
    op.create_table(
        "unit",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("building_id", sa.BigInteger(), nullable=True),
        sa.Column("section_id", sa.BigInteger(), nullable=True),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("room", sa.String(length=20), nullable=False),
        sa.Column("floor", sa.BigInteger(), nullable=True),
        sa.Column("area", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column(
            "usage",
            sa.Enum(
                "residence",
                "shop",
                "office",
                "parking",
                "other",
                name="usage",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "handover_state",
            sa.Enum(
                "pending", "handed_over", name="handover_state", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("handed_over_on", sa.Date(), nullable=True),
        sa.Column("note", sa.String(length=500), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint("area IS NULL OR area > 0", name=op.f("ck_unit_area_is_positive")),
        sa.ForeignKeyConstraint(
            ["office_id", "building_id"],
            ["building.office_id", "building.id"],
            name=op.f("fk_unit_office_id_building_id"),
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "section_id"], ["section.office_id", "section.id"], name=op.f("fk_unit_office_id_section_id")
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_unit_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_unit_office_id_id")),
        sa.UniqueConstraint("office_id", "number", name=op.f("uq_unit_office_id_number")),
    )
    op.create_index(op.f("ix_unit_office_id_building_id"), "unit", ["office_id", "building_id"], unique=False)
    op.create_index(op.f("ix_unit_office_id_section_id"), "unit", ["office_id", "section_id"], unique=False)
    op.create_table(
        "charge",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("charge_type_id", sa.BigInteger(), nullable=False),
        sa.Column("period_from", sa.Date(), nullable=False),
        sa.Column("period_to", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_charge_amount_is_positive")),
        sa.CheckConstraint("period_to >= period_from", name=op.f("ck_charge_period_ends_after_it_begins")),
        sa.ForeignKeyConstraint(
            ["office_id", "charge_type_id"],
            ["charge_type.office_id", "charge_type.id"],
            name=op.f("fk_charge_office_id_charge_type_id"),
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "owner_id"], ["owner.office_id", "owner.id"], name=op.f("fk_charge_office_id_owner_id")
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "unit_id"], ["unit.office_id", "unit.id"], name=op.f("fk_charge_office_id_unit_id")
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_charge_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_charge")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_charge_office_id_id")),
        sa.UniqueConstraint(
            "office_id",
            "unit_id",
            "charge_type_id",
            "period_from",
            name=op.f("uq_charge_office_id_unit_id_charge_type_id_period_from"),
        ),
    )
    op.create_index(op.f("ix_charge_office_id_charge_type_id"), "charge", ["office_id", "charge_type_id"], unique=False)
    op.create_index(op.f("ix_charge_office_id_owner_id"), "charge", ["office_id", "owner_id"], unique=False)
    op.create_index("ix_charge_office_id_owner_id_due_on", "charge", ["office_id", "owner_id", "due_on"], unique=False)
    op.create_index(op.f("ix_charge_office_id_unit_id"), "charge", ["office_id", "unit_id"], unique=False)
    op.create_table(
        "occupant",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("phone", sa.String(length=64), nullable=True),
        sa.Column(
            "relation",
            sa.Enum(
                "owner",
                "family",
                "renter",
                "other",
                name="relation",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("from_on", sa.Date(), nullable=True),
        sa.Column("to_on", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["office_id", "unit_id"], ["unit.office_id", "unit.id"], name=op.f("fk_occupant_office_id_unit_id")
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_occupant_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_occupant")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_occupant_office_id_id")),
    )
    op.create_index(op.f("ix_occupant_office_id_unit_id"), "occupant", ["office_id", "unit_id"], unique=False)
    op.create_table(
        "ownership",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("share", sa.Numeric(precision=7, scale=6), nullable=False),
        sa.Column("is_payer", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("from_on", sa.Date(), nullable=True),
        sa.Column("to_on", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "from_on IS NULL OR to_on IS NULL OR to_on >= from_on", name=op.f("ck_ownership_ends_after_it_begins")
        ),
        sa.CheckConstraint("share > 0 AND share <= 1", name=op.f("ck_ownership_share_is_a_fraction")),
        sa.ForeignKeyConstraint(
            ["office_id", "owner_id"], ["owner.office_id", "owner.id"], name=op.f("fk_ownership_office_id_owner_id")
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "unit_id"], ["unit.office_id", "unit.id"], name=op.f("fk_ownership_office_id_unit_id")
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_ownership_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ownership")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_ownership_office_id_id")),
    )
    op.create_index(op.f("ix_ownership_office_id_owner_id"), "ownership", ["office_id", "owner_id"], unique=False)
    op.create_index(op.f("ix_ownership_office_id_unit_id"), "ownership", ["office_id", "unit_id"], unique=False)
    op.create_index(
        "uq_ownership_current",
        "ownership",
        ["office_id", "unit_id", "owner_id"],
        unique=True,
        postgresql_where=sa.text("to_on IS NULL"),
    )
    op.create_table(
        "payment",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=True),
        sa.Column("receipt_number", sa.String(length=16), nullable=False),
        sa.Column(
            "method",
            sa.Enum(
                "cash",
                "transfer",
                "card",
                "wechat",
                "alipay",
                name="method",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("amount", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("reference", sa.String(length=64), nullable=True),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_payment_amount_is_positive")),
        sa.ForeignKeyConstraint(
            ["office_id", "owner_id"], ["owner.office_id", "owner.id"], name=op.f("fk_payment_office_id_owner_id")
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "unit_id"], ["unit.office_id", "unit.id"], name=op.f("fk_payment_office_id_unit_id")
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_payment_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_payment_office_id_id")),
        sa.UniqueConstraint("office_id", "receipt_number", name=op.f("uq_payment_office_id_receipt_number")),
    )
    op.create_index(op.f("ix_payment_office_id_owner_id"), "payment", ["office_id", "owner_id"], unique=False)
    op.create_index(op.f("ix_payment_office_id_unit_id"), "payment", ["office_id", "unit_id"], unique=False)
    op.create_table(
        "ticket",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "request", "complaint", "defect", name="kind", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=True),
        sa.Column("location", sa.String(length=200), nullable=True),
        sa.Column(
            "reporter_kind",
            sa.Enum(
                "owner",
                "occupant",
                "developer",
                "property_company",
                "department",
                "other",
                name="reporter_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reporter_name", sa.String(length=100), nullable=True),
        sa.Column("reporter_phone", sa.String(length=64), nullable=True),
        sa.Column(
            "channel",
            sa.Enum(
                "call",
                "letter",
                "visit",
                "online",
                name="channel",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "registered",
                "dispatched",
                "received",
                "under_way",
                "done",
                "closed",
                "invalid",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("promised_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cycle", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("registered_by_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["office_id", "registered_by_id"],
            ["posting.office_id", "posting.id"],
            name=op.f("fk_ticket_office_id_registered_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "unit_id"], ["unit.office_id", "unit.id"], name=op.f("fk_ticket_office_id_unit_id")
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_ticket_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_ticket_office_id_id")),
        sa.UniqueConstraint("office_id", "number", name=op.f("uq_ticket_office_id_number")),
    )
    op.create_index(
        op.f("ix_ticket_office_id_registered_by_id"), "ticket", ["office_id", "registered_by_id"], unique=False
    )
    op.create_index(op.f("ix_ticket_office_id_unit_id"), "ticket", ["office_id", "unit_id"], unique=False)
    op.create_index(
        "ix_ticket_open",
        "ticket",
        ["office_id", "kind", "received_at"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "allocation",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("payment_id", sa.BigInteger(), nullable=False),
        sa.Column("charge_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_allocation_amount_is_positive")),
        sa.ForeignKeyConstraint(
            ["office_id", "charge_id"],
            ["charge.office_id", "charge.id"],
            name=op.f("fk_allocation_office_id_charge_id"),
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "payment_id"],
            ["payment.office_id", "payment.id"],
            name=op.f("fk_allocation_office_id_payment_id"),
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_allocation_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allocation")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_allocation_office_id_id")),
        sa.UniqueConstraint(
            "office_id", "payment_id", "charge_id", name=op.f("uq_allocation_office_id_payment_id_charge_id")
        ),
    )
    op.create_index(op.f("ix_allocation_office_id_charge_id"), "allocation", ["office_id", "charge_id"], unique=False)
    op.create_index(op.f("ix_allocation_office_id_payment_id"), "allocation", ["office_id", "payment_id"], unique=False)
    op.create_table(
        "clock",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
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
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("cycle", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("met_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["office_id", "ticket_id"], ["ticket.office_id", "ticket.id"], name=op.f("fk_clock_office_id_ticket_id")
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_clock_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clock")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_clock_office_id_id")),
        sa.UniqueConstraint(
            "office_id", "ticket_id", "kind", "cycle", name=op.f("uq_clock_office_id_ticket_id_kind_cycle")
        ),
    )
    op.create_index(op.f("ix_clock_office_id_ticket_id"), "clock", ["office_id", "ticket_id"], unique=False)
    op.create_index(
        "ix_clock_running",
        "clock",
        ["office_id", "due_at"],
        unique=False,
        postgresql_where=sa.text("met_at IS NULL AND cancelled_at IS NULL"),
    )
    op.create_table(
        "complaint",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "gravity",
            sa.Enum(
                "ordinary",
                "major",
                "grave",
                "invalid",
                name="gravity",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("department_id", sa.BigInteger(), nullable=True),
        sa.Column("about", sa.String(length=100), nullable=True),
        sa.Column("demand", sa.Text(), nullable=True),
        sa.Column("harm_continues", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("received_by_department_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("forwarded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["office_id", "department_id"],
            ["department.office_id", "department.id"],
            name=op.f("fk_complaint_office_id_department_id"),
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "ticket_id"], ["ticket.office_id", "ticket.id"], name=op.f("fk_complaint_office_id_ticket_id")
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_complaint_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_complaint")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_complaint_office_id_id")),
        sa.UniqueConstraint("office_id", "ticket_id", name=op.f("uq_complaint_office_id_ticket_id")),
    )
    op.create_index(
        op.f("ix_complaint_office_id_department_id"), "complaint", ["office_id", "department_id"], unique=False
    )
    op.create_index(op.f("ix_complaint_office_id_ticket_id"), "complaint", ["office_id", "ticket_id"], unique=False)
    op.create_table(
        "follow_up",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "satisfaction",
            sa.Enum(
                "satisfied",
                "acceptable",
                "dissatisfied",
                name="satisfaction",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("answer", sa.String(length=500), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["office_id", "made_by_id"],
            ["posting.office_id", "posting.id"],
            name=op.f("fk_follow_up_office_id_made_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "ticket_id"], ["ticket.office_id", "ticket.id"], name=op.f("fk_follow_up_office_id_ticket_id")
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_follow_up_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_up")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_follow_up_office_id_id")),
    )
    op.create_index(op.f("ix_follow_up_office_id_made_by_id"), "follow_up", ["office_id", "made_by_id"], unique=False)
    op.create_index(op.f("ix_follow_up_office_id_ticket_id"), "follow_up", ["office_id", "ticket_id"], unique=False)
    op.create_table(
        "service_request",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "category",
            sa.Enum(
                "repair",
                "paid_service",
                "consultation",
                "suggestion",
                "public_facility",
                "internal",
                name="category",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("urgent", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["office_id", "ticket_id"],
            ["ticket.office_id", "ticket.id"],
            name=op.f("fk_service_request_office_id_ticket_id"),
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_service_request_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_request")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_service_request_office_id_id")),
        sa.UniqueConstraint("office_id", "ticket_id", name=op.f("uq_service_request_office_id_ticket_id")),
    )
    op.create_index(
        op.f("ix_service_request_office_id_ticket_id"), "service_request", ["office_id", "ticket_id"], unique=False
    )
    op.create_table(
        "escalation",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("clock_id", sa.BigInteger(), nullable=False),
        sa.Column("level", sa.BigInteger(), nullable=False),
        sa.Column("cycle", sa.BigInteger(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "group_centre",
                "company_centre",
                "general_manager",
                "director",
                "assistant",
                "supervisor",
                "front_desk",
                "department_head",
                "engineering_assistant",
                "technician",
                "finance_assistant",
                "office_admin",
                "auditor",
                "system_admin",
                "legal_counsel",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("told", sa.BigInteger(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("late_minutes", sa.BigInteger(), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by_id", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint("level >= 1", name=op.f("ck_escalation_level_counts_from_one")),
        sa.ForeignKeyConstraint(
            ["office_id", "acknowledged_by_id"],
            ["posting.office_id", "posting.id"],
            name=op.f("fk_escalation_office_id_acknowledged_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "clock_id"], ["clock.office_id", "clock.id"], name=op.f("fk_escalation_office_id_clock_id")
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "ticket_id"],
            ["ticket.office_id", "ticket.id"],
            name=op.f("fk_escalation_office_id_ticket_id"),
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_escalation_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_escalation")),
        sa.UniqueConstraint(
            "office_id", "clock_id", "level", "cycle", name=op.f("uq_escalation_office_id_clock_id_level_cycle")
        ),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_escalation_office_id_id")),
    )
    op.create_index(
        op.f("ix_escalation_office_id_acknowledged_by_id"),
        "escalation",
        ["office_id", "acknowledged_by_id"],
        unique=False,
    )
    op.create_index(op.f("ix_escalation_office_id_clock_id"), "escalation", ["office_id", "clock_id"], unique=False)
    op.create_index(op.f("ix_escalation_office_id_ticket_id"), "escalation", ["office_id", "ticket_id"], unique=False)
    op.create_table(
        "work_order",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("department_id", sa.BigInteger(), nullable=False),
        sa.Column("technician_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "dispatched",
                "received",
                "under_way",
                "done",
                "cancelled",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("dispatched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=500), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["office_id", "department_id"],
            ["department.office_id", "department.id"],
            name=op.f("fk_work_order_office_id_department_id"),
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "request_id"],
            ["service_request.office_id", "service_request.id"],
            name=op.f("fk_work_order_office_id_request_id"),
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "technician_id"],
            ["posting.office_id", "posting.id"],
            name=op.f("fk_work_order_office_id_technician_id"),
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_work_order_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_order")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_work_order_office_id_id")),
        sa.UniqueConstraint("office_id", "number", name=op.f("uq_work_order_office_id_number")),
    )
    op.create_index(
        op.f("ix_work_order_office_id_department_id"), "work_order", ["office_id", "department_id"], unique=False
    )
    op.create_index(op.f("ix_work_order_office_id_request_id"), "work_order", ["office_id", "request_id"], unique=False)
    op.create_index(
        op.f("ix_work_order_office_id_technician_id"), "work_order", ["office_id", "technician_id"], unique=False
    )
    for kind, tables in WALLS.items():
        for table in tables:
            for statement in row_security.wall(table, kind):
                op.execute(statement)
    for statement in (
        *row_security.wall("office", OfficeScoped, column="id", kept_by_group=True),
        *row_security.colleagues_only("staff"),
        *row_security.group_may_be_told("audit_entry"),
        *row_security.append_only("audit_entry"),
        *row_security.append_only("audit_seal"),
        "GRANT SELECT ON alembic_version TO wuguan_app, wuguan_hq",
    ):
        op.execute(statement)


def downgrade() -> None:
    """Take back."""
    op.execute("DROP POLICY office_wall ON staff")
    op.drop_index(op.f("ix_work_order_office_id_technician_id"), table_name="work_order")
    op.drop_index(op.f("ix_work_order_office_id_request_id"), table_name="work_order")
    op.drop_index(op.f("ix_work_order_office_id_department_id"), table_name="work_order")
    op.drop_table("work_order")
    op.drop_index(op.f("ix_escalation_office_id_ticket_id"), table_name="escalation")
    op.drop_index(op.f("ix_escalation_office_id_clock_id"), table_name="escalation")
    op.drop_index(op.f("ix_escalation_office_id_acknowledged_by_id"), table_name="escalation")
    op.drop_table("escalation")
    op.drop_index(op.f("ix_service_request_office_id_ticket_id"), table_name="service_request")
    op.drop_table("service_request")
    op.drop_index(op.f("ix_follow_up_office_id_ticket_id"), table_name="follow_up")
    op.drop_index(op.f("ix_follow_up_office_id_made_by_id"), table_name="follow_up")
    op.drop_table("follow_up")
    op.drop_index(op.f("ix_complaint_office_id_ticket_id"), table_name="complaint")
    op.drop_index(op.f("ix_complaint_office_id_department_id"), table_name="complaint")
    op.drop_table("complaint")
    op.drop_index(
        "ix_clock_running", table_name="clock", postgresql_where=sa.text("met_at IS NULL AND cancelled_at IS NULL")
    )
    op.drop_index(op.f("ix_clock_office_id_ticket_id"), table_name="clock")
    op.drop_table("clock")
    op.drop_index(op.f("ix_allocation_office_id_payment_id"), table_name="allocation")
    op.drop_index(op.f("ix_allocation_office_id_charge_id"), table_name="allocation")
    op.drop_table("allocation")
    op.drop_index("ix_ticket_open", table_name="ticket", postgresql_where=sa.text("closed_at IS NULL"))
    op.drop_index(op.f("ix_ticket_office_id_unit_id"), table_name="ticket")
    op.drop_index(op.f("ix_ticket_office_id_registered_by_id"), table_name="ticket")
    op.drop_table("ticket")
    op.drop_index(op.f("ix_payment_office_id_unit_id"), table_name="payment")
    op.drop_index(op.f("ix_payment_office_id_owner_id"), table_name="payment")
    op.drop_table("payment")
    op.drop_index("uq_ownership_current", table_name="ownership", postgresql_where=sa.text("to_on IS NULL"))
    op.drop_index(op.f("ix_ownership_office_id_unit_id"), table_name="ownership")
    op.drop_index(op.f("ix_ownership_office_id_owner_id"), table_name="ownership")
    op.drop_table("ownership")
    op.drop_index(op.f("ix_occupant_office_id_unit_id"), table_name="occupant")
    op.drop_table("occupant")
    op.drop_index(op.f("ix_charge_office_id_unit_id"), table_name="charge")
    op.drop_index("ix_charge_office_id_owner_id_due_on", table_name="charge")
    op.drop_index(op.f("ix_charge_office_id_owner_id"), table_name="charge")
    op.drop_index(op.f("ix_charge_office_id_charge_type_id"), table_name="charge")
    op.drop_table("charge")
    op.drop_index(op.f("ix_unit_office_id_section_id"), table_name="unit")
    op.drop_index(op.f("ix_unit_office_id_building_id"), table_name="unit")
    op.drop_table("unit")
    op.drop_index(op.f("ix_section_office_id_building_id"), table_name="section")
    op.drop_table("section")
    op.drop_index(op.f("ix_import_batch_office_id_uploaded_by_id"), table_name="import_batch")
    op.drop_index("ix_import_batch_office_id_file_digest", table_name="import_batch")
    op.drop_table("import_batch")
    op.drop_index(op.f("ix_posting_staff_id"), table_name="posting")
    op.drop_index(op.f("ix_posting_office_id_department_id"), table_name="posting")
    op.drop_index(op.f("ix_posting_company_id"), table_name="posting")
    op.drop_table("posting")
    op.drop_index(op.f("ix_dunning_notice_office_id_owner_id"), table_name="dunning_notice")
    op.drop_index("ix_dunning_notice_office_id_issued_at", table_name="dunning_notice")
    op.drop_table("dunning_notice")
    op.drop_index(op.f("ix_building_office_id_estate_id"), table_name="building")
    op.drop_table("building")
    op.drop_index("uq_owner_office_id_id_number", table_name="owner", postgresql_where=sa.text("id_number IS NOT NULL"))
    op.drop_index("ix_owner_office_id_phone", table_name="owner")
    op.drop_index("ix_owner_office_id_name", table_name="owner")
    op.drop_table("owner")
    op.drop_index(
        "ix_outbox_message_waiting", table_name="outbox_message", postgresql_where=sa.text("relayed_at IS NULL")
    )
    op.drop_table("outbox_message")
    op.drop_table("number_series")
    op.drop_index("ix_mail_sending", table_name="mail", postgresql_where=sa.text("state = 'sending'"))
    op.drop_index("ix_mail_queued", table_name="mail", postgresql_where=sa.text("state = 'queued'"))
    op.drop_table("mail")
    op.drop_table("estate")
    op.drop_table("dunning_procedure")
    op.drop_index("ix_due_action_pending", table_name="due_action", postgresql_where=sa.text("state = 'pending'"))
    op.drop_index("ix_due_action_claimed", table_name="due_action", postgresql_where=sa.text("state = 'claimed'"))
    op.drop_table("due_action")
    op.drop_table("department")
    op.drop_table("charge_type")
    op.drop_index("ix_audit_entry_xid", table_name="audit_entry")
    op.drop_index("ix_audit_entry_subject", table_name="audit_entry")
    op.drop_index("ix_audit_entry_request_id", table_name="audit_entry")
    op.drop_index("ix_audit_entry_office_id_at", table_name="audit_entry")
    op.drop_table("audit_entry")
    op.drop_index(op.f("ix_sign_in_staff_id"), table_name="sign_in")
    op.drop_index("ix_sign_in_login_started_at", table_name="sign_in")
    op.drop_table("sign_in")
    op.drop_index(op.f("ix_office_company_id"), table_name="office")
    op.drop_table("office")
    op.drop_index("uq_staff_login_lower", table_name="staff")
    op.drop_table("staff")
    op.drop_table("schedule_fire")
    op.drop_table("schedule")
    op.drop_table("company")
    op.drop_index("ix_audit_seal_xid", table_name="audit_seal")
    op.drop_table("audit_seal")
    op.execute("DROP FUNCTION audit_entry_is_append_only()")
    op.execute("DROP FUNCTION audit_seal_is_append_only()")
