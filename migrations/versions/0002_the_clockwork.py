"""The clockwork: jobs, beats, slots of an office's own, a gate for mail.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

from tenant import row_security
from tenant.models.base import GroupOnly, GroupShared, OfficeOptional, OfficeScoped

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

WALLS = {OfficeScoped: ("job",), GroupShared: ("mail_gate",), GroupOnly: ("mail_domain", "beat")}
GIVEN_TO_OFFICES = ("schedule", "schedule_fire")
"""Tables that were the group's alone and have rows of offices now."""
STATES = {
    "due_action": ("pending", "claimed", "done", "cancelled", "dead"),
    "mail": ("queued", "sending", "sent", "failed", "unknown"),
}
NEW_STATES = {"due_action": ("discarded",), "mail": ("withheld", "bounced")}
OLD_WORDS = (
    "UPDATE due_action SET state = 'dead' WHERE state = 'discarded'",
    "UPDATE mail SET state = 'failed' WHERE state = 'withheld'",
    "UPDATE mail SET state = 'sent' WHERE state = 'bounced'",
    "UPDATE mail SET text_body = '' WHERE text_body IS NULL",
    "DELETE FROM schedule WHERE office_id IS NOT NULL",
    "DELETE FROM schedule_fire WHERE office_id IS NOT NULL",
)
"""What the earlier schema has no word for, said in its words."""


def states(table: str, allowed: tuple[str, ...]) -> None:
    """Let ``table`` have these states and no others."""
    listed = ", ".join(f"'{state}'" for state in allowed)
    op.drop_constraint(op.f(f"ck_{table}_state"), table, type_="check")
    op.create_check_constraint(op.f(f"ck_{table}_state"), table, f"state IN ({listed})")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "mail_domain",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("domain", sa.String(length=253), nullable=False),
        sa.Column("per_minute", sa.BigInteger(), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_domain")),
        sa.UniqueConstraint("domain", name=op.f("uq_mail_domain_domain")),
    )
    op.create_table(
        "mail_gate",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("stopped_by", sa.String(length=100), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_gate")),
        sa.UniqueConstraint("name", name=op.f("uq_mail_gate_name")),
    )
    op.create_table(
        "beat",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("instance", sa.String(length=36), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "serve", "web", "worker", "scheduler", name="kind", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("host", sa.String(length=100), nullable=False),
        sa.Column("pid", sa.BigInteger(), nullable=False),
        sa.Column("queues", sa.String(length=100), server_default="", nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("skew", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_beat")),
        sa.UniqueConstraint("instance", name=op.f("uq_beat_instance")),
    )
    op.create_table(
        "job",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("subject_kind", sa.String(length=32), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "running",
                "done",
                "failed",
                "cancelled",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="waiting",
            nullable=False,
        ),
        sa.Column("phase", sa.String(length=50), server_default="", nullable=False),
        sa.Column("done", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("claim_token", sa.String(length=36), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("asked_by_id", sa.BigInteger(), nullable=True),
        sa.Column("request_id", sa.String(length=32), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["office_id", "asked_by_id"], ["posting.office_id", "posting.id"], name=op.f("fk_job_office_id_asked_by_id")
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_job_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_job_office_id_id")),
    )
    op.create_index(op.f("ix_job_office_id_asked_by_id"), "job", ["office_id", "asked_by_id"], unique=False)
    op.create_index("ix_job_office_id_subject_id", "job", ["office_id", "kind", "subject_id", "id"], unique=False)
    op.create_index(
        "ix_job_lease_until",
        "job",
        ["lease_until"],
        unique=False,
        postgresql_where=sa.text("state IN ('waiting', 'running')"),
    )
    op.create_index(
        "uq_job_live",
        "job",
        ["office_id", "kind", "subject_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('waiting', 'running')"),
    )
    op.add_column("due_action", sa.Column("rule_version", sa.String(length=16), nullable=True))
    op.create_index(
        "ix_due_action_dead",
        "due_action",
        ["office_id", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'dead'"),
    )
    op.drop_index("ix_due_action_pending", table_name="due_action", postgresql_where=sa.text("state = 'pending'"))
    op.create_index(
        "ix_due_action_pending",
        "due_action",
        ["rule", "due_at", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'pending' AND attempts = 0"),
    )
    op.create_index(
        "ix_due_action_turn",
        "due_action",
        ["rule", "office_id", "due_at", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'pending' AND attempts = 0"),
    )
    op.create_index(
        "ix_due_action_tried",
        "due_action",
        ["rule", "office_id", "lease_until", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'pending' AND attempts > 0"),
    )
    op.execute("UPDATE due_action SET lease_until = now() WHERE state = 'pending' AND attempts > 0")
    op.add_column("mail", sa.Column("domain", sa.String(length=253), server_default="", nullable=False))
    op.add_column("mail", sa.Column("body_digest", sa.String(length=64), nullable=True))
    op.add_column("mail", sa.Column("bounced_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("mail", sa.Column("resends", sa.BigInteger(), server_default="0", nullable=False))
    op.alter_column("mail", "text_body", existing_type=sa.TEXT(), nullable=True)
    op.create_index("ix_mail_office_id_state", "mail", ["office_id", "state", "id"], unique=False)
    op.create_index(
        "ix_mail_with_body",
        "mail",
        ["created_at", "id"],
        unique=False,
        postgresql_where=sa.text("text_body IS NOT NULL"),
    )
    op.add_column("office", sa.Column("quiet_from", sa.Time(), server_default="21:00", nullable=False))
    op.add_column("office", sa.Column("quiet_until", sa.Time(), server_default="08:00", nullable=False))
    op.add_column("outbox_message", sa.Column("request_id", sa.String(length=32), nullable=True))
    op.add_column("schedule", sa.Column("office_id", sa.BigInteger(), nullable=True))
    op.add_column("schedule", sa.Column("at", sa.Time(), nullable=True))
    op.drop_constraint(op.f("uq_schedule_name"), "schedule", type_="unique")
    op.create_unique_constraint(op.f("uq_schedule_office_id_id"), "schedule", ["office_id", "id"])
    op.create_unique_constraint(
        op.f("uq_schedule_office_id_name"), "schedule", ["office_id", "name"], postgresql_nulls_not_distinct=True
    )
    op.create_foreign_key(op.f("fk_schedule_office_id"), "schedule", "office", ["office_id"], ["id"])
    op.add_column("schedule_fire", sa.Column("office_id", sa.BigInteger(), nullable=True))
    op.drop_constraint(op.f("uq_schedule_fire_name_fire_at"), "schedule_fire", type_="unique")
    op.create_unique_constraint(op.f("uq_schedule_fire_office_id_id"), "schedule_fire", ["office_id", "id"])
    op.create_unique_constraint(
        op.f("uq_schedule_fire_office_id_name_fire_at"),
        "schedule_fire",
        ["office_id", "name", "fire_at"],
        postgresql_nulls_not_distinct=True,
    )
    op.create_foreign_key(op.f("fk_schedule_fire_office_id"), "schedule_fire", "office", ["office_id"], ["id"])
    op.execute("UPDATE mail SET domain = lower(split_part(recipient_address, '@', 2))")
    for table, allowed in STATES.items():
        states(table, allowed + NEW_STATES[table])
    for table in GIVEN_TO_OFFICES:
        op.execute(f"DROP POLICY group_wall ON {table}")
    for kind, tables in {**WALLS, OfficeOptional: GIVEN_TO_OFFICES}.items():
        for table in tables:
            for statement in row_security.wall(table, kind):
                op.execute(statement)


def downgrade() -> None:
    """Take back."""
    for statement in OLD_WORDS:
        op.execute(statement)
    for table, allowed in STATES.items():
        states(table, allowed)
    for table in GIVEN_TO_OFFICES:
        op.execute(f"DROP POLICY office_wall ON {table}")
        op.execute(f"DROP POLICY offices_wall ON {table}")
        op.execute(f"REVOKE ALL ON {table} FROM wuguan_app, wuguan_office")
    op.drop_constraint(op.f("fk_schedule_fire_office_id"), "schedule_fire", type_="foreignkey")
    op.drop_constraint(op.f("uq_schedule_fire_office_id_name_fire_at"), "schedule_fire", type_="unique")
    op.drop_constraint(op.f("uq_schedule_fire_office_id_id"), "schedule_fire", type_="unique")
    op.create_unique_constraint(
        op.f("uq_schedule_fire_name_fire_at"), "schedule_fire", ["name", "fire_at"], postgresql_nulls_not_distinct=False
    )
    op.drop_column("schedule_fire", "office_id")
    op.drop_constraint(op.f("fk_schedule_office_id"), "schedule", type_="foreignkey")
    op.drop_constraint(op.f("uq_schedule_office_id_name"), "schedule", type_="unique")
    op.drop_constraint(op.f("uq_schedule_office_id_id"), "schedule", type_="unique")
    op.create_unique_constraint(op.f("uq_schedule_name"), "schedule", ["name"], postgresql_nulls_not_distinct=False)
    op.drop_column("schedule", "at")
    op.drop_column("schedule", "office_id")
    op.drop_column("outbox_message", "request_id")
    op.drop_column("office", "quiet_until")
    op.drop_column("office", "quiet_from")
    op.drop_index("ix_mail_with_body", table_name="mail", postgresql_where=sa.text("text_body IS NOT NULL"))
    op.drop_index("ix_mail_office_id_state", table_name="mail")
    op.alter_column("mail", "text_body", existing_type=sa.TEXT(), nullable=False)
    op.drop_column("mail", "resends")
    op.drop_column("mail", "bounced_at")
    op.drop_column("mail", "body_digest")
    op.drop_column("mail", "domain")
    op.drop_index("ix_due_action_tried", table_name="due_action")
    op.drop_index("ix_due_action_turn", table_name="due_action")
    op.drop_index("ix_due_action_pending", table_name="due_action")
    op.create_index(
        "ix_due_action_pending",
        "due_action",
        ["rule", "due_at", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.drop_index("ix_due_action_dead", table_name="due_action", postgresql_where=sa.text("state = 'dead'"))
    op.drop_column("due_action", "rule_version")
    op.drop_index("uq_job_live", table_name="job", postgresql_where=sa.text("state IN ('waiting', 'running')"))
    op.drop_index("ix_job_office_id_subject_id", table_name="job")
    op.drop_index(op.f("ix_job_office_id_asked_by_id"), table_name="job")
    op.drop_table("job")
    op.drop_table("beat")
    op.drop_table("mail_gate")
    op.drop_table("mail_domain")
