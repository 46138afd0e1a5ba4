"""What the desk does with a matter: topics, pauses, contacts, quotes, the daily log, defects and their rectification.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

from tenant import row_security
from tenant.models.base import OfficeScoped

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = (
    "builder",
    "contact",
    "defect",
    "log_entry",
    "pause",
    "quote_line",
    "rectification",
    "rectification_check",
    "rectification_note",
    "topic",
)
TICKET_STATES = ("registered", "dispatched", "received", "under_way", "done", "closed", "invalid")
NEW_TICKET_STATES = ("waiting", "merged")
ORDER_STATES = ("dispatched", "received", "under_way", "done", "cancelled")
NEW_ORDER_STATES = ("accepted", "on_the_way", "waiting", "signed", "filed", "redispatched")
CLOCKS = (
    "first_reply", "dispatch", "on_site", "same_day", "daily_contact", "department_receipt", "forward", "follow_up",
    "suggestion_reply", "regrade", "promised",
)  # fmt: skip
NEW_CLOCKS = ("waiting", "completion_reply", "return", "inspection")
OLD_WORDS = (
    "UPDATE ticket SET state = 'under_way' WHERE state = 'waiting'",
    "UPDATE ticket SET state = 'invalid' WHERE state = 'merged'",
    "UPDATE work_order SET state = 'received' WHERE state IN ('accepted', 'on_the_way')",
    "UPDATE work_order SET state = 'under_way' WHERE state = 'waiting'",
    "UPDATE work_order SET state = 'done' WHERE state IN ('signed', 'filed')",
    "UPDATE work_order SET state = 'cancelled' WHERE state = 'redispatched'",
    """DELETE FROM escalation USING clock WHERE clock.id = clock_id
    AND clock.kind IN ('waiting', 'completion_reply', 'return', 'inspection')""",
    "DELETE FROM clock WHERE kind IN ('waiting', 'completion_reply', 'return', 'inspection')",
)
"""What the earlier schema has no word for, said in its words."""


def words(table: str, column: str, allowed: tuple[str, ...]) -> None:
    """Let the column hold these words and no others."""
    listed = ", ".join(f"'{word}'" for word in allowed)
    op.drop_constraint(op.f(f"ck_{table}_{column}"), table, type_="check")
    op.create_check_constraint(op.f(f"ck_{table}_{column}"), table, f"{column} IN ({listed})")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "builder",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("head_name", sa.String(length=50), nullable=True),
        sa.Column("head_phone", sa.String(length=64), nullable=True),
        sa.Column("note", sa.String(length=500), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_builder_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_builder")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_builder_office_id_id")),
        sa.UniqueConstraint("office_id", "name", name=op.f("uq_builder_office_id_name")),
    )
    op.create_table(
        "topic",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.String(length=50), nullable=False),
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
            nullable=True,
        ),
        sa.Column("department_id", sa.BigInteger(), nullable=True),
        sa.Column("urgent", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["office_id", "department_id"],
            ["department.office_id", "department.id"],
            name=op.f("fk_topic_office_id_department_id"),
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "parent_id"], ["topic.office_id", "topic.id"], name=op.f("fk_topic_office_id_parent_id")
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_topic_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_topic")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_topic_office_id_id")),
        sa.UniqueConstraint(
            "office_id",
            "parent_id",
            "name",
            name=op.f("uq_topic_office_id_parent_id_name"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index(op.f("ix_topic_office_id_department_id"), "topic", ["office_id", "department_id"], unique=False)
    op.create_index(op.f("ix_topic_office_id_parent_id"), "topic", ["office_id", "parent_id"], unique=False)
    op.create_table(
        "contact",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "method",
            sa.Enum(
                "phone", "visit", "desk", "message", name="method", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("told", sa.String(length=500), nullable=True),
        sa.Column("answer", sa.String(length=500), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["office_id", "made_by_id"],
            ["posting.office_id", "posting.id"],
            name=op.f("fk_contact_office_id_made_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "ticket_id"], ["ticket.office_id", "ticket.id"], name=op.f("fk_contact_office_id_ticket_id")
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_contact_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_contact_office_id_id")),
    )
    op.create_index(op.f("ix_contact_office_id_made_by_id"), "contact", ["office_id", "made_by_id"], unique=False)
    op.create_index(op.f("ix_contact_office_id_ticket_id"), "contact", ["office_id", "ticket_id"], unique=False)
    op.create_table(
        "log_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
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
        sa.Column("unit_id", sa.BigInteger(), nullable=True),
        sa.Column("caller_name", sa.String(length=100), nullable=True),
        sa.Column("caller_phone", sa.String(length=64), nullable=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("answer", sa.String(length=500), nullable=True),
        sa.Column("put_off", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ticket_id", sa.BigInteger(), nullable=True),
        sa.Column("written_by_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["office_id", "ticket_id"], ["ticket.office_id", "ticket.id"], name=op.f("fk_log_entry_office_id_ticket_id")
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "unit_id"], ["unit.office_id", "unit.id"], name=op.f("fk_log_entry_office_id_unit_id")
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "written_by_id"],
            ["posting.office_id", "posting.id"],
            name=op.f("fk_log_entry_office_id_written_by_id"),
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_log_entry_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_entry")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_log_entry_office_id_id")),
    )
    op.create_index("ix_log_entry_at", "log_entry", ["office_id", "at"], unique=False)
    op.create_index(op.f("ix_log_entry_office_id_ticket_id"), "log_entry", ["office_id", "ticket_id"], unique=False)
    op.create_index(op.f("ix_log_entry_office_id_unit_id"), "log_entry", ["office_id", "unit_id"], unique=False)
    op.create_index(
        op.f("ix_log_entry_office_id_written_by_id"), "log_entry", ["office_id", "written_by_id"], unique=False
    )
    op.create_index(
        "ix_log_entry_waiting",
        "log_entry",
        ["office_id", "at"],
        unique=False,
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    op.create_table(
        "defect",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("request_id", sa.BigInteger(), nullable=True),
        sa.Column("part", sa.String(length=100), nullable=False),
        sa.Column("warranty_until", sa.Date(), nullable=True),
        sa.Column("inspector_id", sa.BigInteger(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cause", sa.String(length=500), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_by_id", sa.BigInteger(), nullable=True),
        sa.Column("owner_signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["office_id", "confirmed_by_id"],
            ["posting.office_id", "posting.id"],
            name=op.f("fk_defect_office_id_confirmed_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "inspector_id"],
            ["posting.office_id", "posting.id"],
            name=op.f("fk_defect_office_id_inspector_id"),
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "request_id"],
            ["service_request.office_id", "service_request.id"],
            name=op.f("fk_defect_office_id_request_id"),
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "ticket_id"], ["ticket.office_id", "ticket.id"], name=op.f("fk_defect_office_id_ticket_id")
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_defect_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_defect")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_defect_office_id_id")),
        sa.UniqueConstraint("office_id", "ticket_id", name=op.f("uq_defect_office_id_ticket_id")),
    )
    op.create_index(
        op.f("ix_defect_office_id_confirmed_by_id"), "defect", ["office_id", "confirmed_by_id"], unique=False
    )
    op.create_index(op.f("ix_defect_office_id_inspector_id"), "defect", ["office_id", "inspector_id"], unique=False)
    op.create_index(op.f("ix_defect_office_id_request_id"), "defect", ["office_id", "request_id"], unique=False)
    op.create_index(op.f("ix_defect_office_id_ticket_id"), "defect", ["office_id", "ticket_id"], unique=False)
    op.create_table(
        "quote_line",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("item", sa.String(length=100), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=10, scale=2), nullable=False),
        sa.Column("price", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("amount", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_quote_line_amount_is_not_negative")),
        sa.CheckConstraint("price >= 0", name=op.f("ck_quote_line_price_is_not_negative")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_quote_line_quantity_is_positive")),
        sa.ForeignKeyConstraint(
            ["office_id", "request_id"],
            ["service_request.office_id", "service_request.id"],
            name=op.f("fk_quote_line_office_id_request_id"),
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_quote_line_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quote_line")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_quote_line_office_id_id")),
    )
    op.create_index(op.f("ix_quote_line_office_id_request_id"), "quote_line", ["office_id", "request_id"], unique=False)
    op.create_table(
        "pause",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("work_order_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "reason",
            sa.Enum(
                "owner",
                "third_party",
                "material",
                "appointment",
                name="reason",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "stood",
            sa.Enum(
                "registered",
                "dispatched",
                "received",
                "under_way",
                "waiting",
                "done",
                "closed",
                "invalid",
                "merged",
                name="stood",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("note", sa.String(length=500), nullable=True),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("began_by_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint("until_at > began_at", name=op.f("ck_pause_ends_after_it_begins")),
        sa.ForeignKeyConstraint(
            ["office_id", "began_by_id"],
            ["posting.office_id", "posting.id"],
            name=op.f("fk_pause_office_id_began_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "ticket_id"], ["ticket.office_id", "ticket.id"], name=op.f("fk_pause_office_id_ticket_id")
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "work_order_id"],
            ["work_order.office_id", "work_order.id"],
            name=op.f("fk_pause_office_id_work_order_id"),
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_pause_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pause")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_pause_office_id_id")),
    )
    op.create_index(op.f("ix_pause_office_id_began_by_id"), "pause", ["office_id", "began_by_id"], unique=False)
    op.create_index(op.f("ix_pause_office_id_ticket_id"), "pause", ["office_id", "ticket_id"], unique=False)
    op.create_index(op.f("ix_pause_office_id_work_order_id"), "pause", ["office_id", "work_order_id"], unique=False)
    op.create_index(
        "uq_pause_lasting",
        "pause",
        ["office_id", "ticket_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "rectification",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("defect_id", sa.BigInteger(), nullable=False),
        sa.Column("builder_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "issued",
                "signed_for",
                "returned",
                "rejected",
                "accepted",
                "owner_signed",
                "filed",
                "cancelled",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_agreed_on", sa.Date(), nullable=False),
        sa.Column("agreed_on", sa.Date(), nullable=False),
        sa.Column("signed_for_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("signed_for_by", sa.String(length=50), nullable=True),
        sa.Column("second_copy_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("returned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("owner_signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("filed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_why", sa.String(length=200), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["office_id", "builder_id"],
            ["builder.office_id", "builder.id"],
            name=op.f("fk_rectification_office_id_builder_id"),
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "defect_id"],
            ["defect.office_id", "defect.id"],
            name=op.f("fk_rectification_office_id_defect_id"),
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_rectification_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rectification")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_rectification_office_id_id")),
        sa.UniqueConstraint("office_id", "number", name=op.f("uq_rectification_office_id_number")),
    )
    op.create_index(
        op.f("ix_rectification_office_id_builder_id"), "rectification", ["office_id", "builder_id"], unique=False
    )
    op.create_index(
        op.f("ix_rectification_office_id_defect_id"), "rectification", ["office_id", "defect_id"], unique=False
    )
    op.create_table(
        "rectification_check",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("rectification_id", sa.BigInteger(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checked_by_id", sa.BigInteger(), nullable=True),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("findings", sa.String(length=500), nullable=True),
        sa.Column("agreed_on", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["office_id", "checked_by_id"],
            ["posting.office_id", "posting.id"],
            name=op.f("fk_rectification_check_office_id_checked_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "rectification_id"],
            ["rectification.office_id", "rectification.id"],
            name=op.f("fk_rectification_check_office_id_rectification_id"),
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_rectification_check_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rectification_check")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_rectification_check_office_id_id")),
    )
    op.create_index(
        op.f("ix_rectification_check_office_id_checked_by_id"),
        "rectification_check",
        ["office_id", "checked_by_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_rectification_check_office_id_rectification_id"),
        "rectification_check",
        ["office_id", "rectification_id"],
        unique=False,
    )
    op.create_table(
        "rectification_note",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("rectification_id", sa.BigInteger(), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("noted_by_id", sa.BigInteger(), nullable=True),
        sa.Column("content", sa.String(length=500), nullable=False),
        sa.Column("agreed_before", sa.Date(), nullable=True),
        sa.Column("agreed_on", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["office_id", "noted_by_id"],
            ["posting.office_id", "posting.id"],
            name=op.f("fk_rectification_note_office_id_noted_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "rectification_id"],
            ["rectification.office_id", "rectification.id"],
            name=op.f("fk_rectification_note_office_id_rectification_id"),
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_rectification_note_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rectification_note")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_rectification_note_office_id_id")),
    )
    op.create_index(
        op.f("ix_rectification_note_office_id_noted_by_id"),
        "rectification_note",
        ["office_id", "noted_by_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_rectification_note_office_id_rectification_id"),
        "rectification_note",
        ["office_id", "rectification_id"],
        unique=False,
    )
    op.add_column("clock", sa.Column("pause_id", sa.BigInteger(), nullable=True))
    op.create_index(op.f("ix_clock_office_id_pause_id"), "clock", ["office_id", "pause_id"], unique=False)
    op.create_foreign_key(
        op.f("fk_clock_office_id_pause_id"), "clock", "pause", ["office_id", "pause_id"], ["office_id", "id"]
    )
    op.add_column("complaint", sa.Column("harm_stopped_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("complaint", sa.Column("graded_why", sa.String(length=200), nullable=True))
    op.add_column("complaint", sa.Column("returned_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("service_request", sa.Column("quoted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("service_request", sa.Column("charge_id", sa.BigInteger(), nullable=True))
    op.create_index(
        op.f("ix_service_request_office_id_charge_id"), "service_request", ["office_id", "charge_id"], unique=False
    )
    op.create_foreign_key(
        op.f("fk_service_request_office_id_charge_id"),
        "service_request",
        "charge",
        ["office_id", "charge_id"],
        ["office_id", "id"],
    )
    op.add_column("ticket", sa.Column("topic_id", sa.BigInteger(), nullable=True))
    op.add_column("ticket", sa.Column("parent_id", sa.BigInteger(), nullable=True))
    op.add_column("ticket", sa.Column("merged_into_id", sa.BigInteger(), nullable=True))
    op.create_index(op.f("ix_ticket_office_id_merged_into_id"), "ticket", ["office_id", "merged_into_id"], unique=False)
    op.create_index(op.f("ix_ticket_office_id_parent_id"), "ticket", ["office_id", "parent_id"], unique=False)
    op.create_index(op.f("ix_ticket_office_id_topic_id"), "ticket", ["office_id", "topic_id"], unique=False)
    op.create_foreign_key(
        op.f("fk_ticket_office_id_parent_id"), "ticket", "ticket", ["office_id", "parent_id"], ["office_id", "id"]
    )
    op.create_foreign_key(
        op.f("fk_ticket_office_id_topic_id"), "ticket", "topic", ["office_id", "topic_id"], ["office_id", "id"]
    )
    op.create_foreign_key(
        op.f("fk_ticket_office_id_merged_into_id"),
        "ticket",
        "ticket",
        ["office_id", "merged_into_id"],
        ["office_id", "id"],
    )
    op.add_column("work_order", sa.Column("follows_id", sa.BigInteger(), nullable=True))
    op.add_column("work_order", sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("work_order", sa.Column("set_out_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("work_order", sa.Column("filed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("work_order", sa.Column("ended_why", sa.String(length=200), nullable=True))
    op.create_index(op.f("ix_work_order_office_id_follows_id"), "work_order", ["office_id", "follows_id"], unique=False)
    op.create_foreign_key(
        op.f("fk_work_order_office_id_follows_id"),
        "work_order",
        "work_order",
        ["office_id", "follows_id"],
        ["office_id", "id"],
    )
    words("ticket", "state", TICKET_STATES + NEW_TICKET_STATES)
    words("work_order", "state", ORDER_STATES + NEW_ORDER_STATES)
    words("clock", "kind", CLOCKS + NEW_CLOCKS)
    for table in TABLES:
        for statement in row_security.wall(table, OfficeScoped):
            op.execute(statement)


def downgrade() -> None:
    """Take back."""
    for statement in OLD_WORDS:
        op.execute(statement)
    words("ticket", "state", TICKET_STATES)
    words("work_order", "state", ORDER_STATES)
    words("clock", "kind", CLOCKS)
    op.drop_constraint(op.f("fk_work_order_office_id_follows_id"), "work_order", type_="foreignkey")
    op.drop_index(op.f("ix_work_order_office_id_follows_id"), table_name="work_order")
    op.drop_column("work_order", "ended_why")
    op.drop_column("work_order", "filed_at")
    op.drop_column("work_order", "set_out_at")
    op.drop_column("work_order", "accepted_at")
    op.drop_column("work_order", "follows_id")
    op.drop_constraint(op.f("fk_ticket_office_id_merged_into_id"), "ticket", type_="foreignkey")
    op.drop_constraint(op.f("fk_ticket_office_id_topic_id"), "ticket", type_="foreignkey")
    op.drop_constraint(op.f("fk_ticket_office_id_parent_id"), "ticket", type_="foreignkey")
    op.drop_index(op.f("ix_ticket_office_id_topic_id"), table_name="ticket")
    op.drop_index(op.f("ix_ticket_office_id_parent_id"), table_name="ticket")
    op.drop_index(op.f("ix_ticket_office_id_merged_into_id"), table_name="ticket")
    op.drop_column("ticket", "merged_into_id")
    op.drop_column("ticket", "parent_id")
    op.drop_column("ticket", "topic_id")
    op.drop_constraint(op.f("fk_service_request_office_id_charge_id"), "service_request", type_="foreignkey")
    op.drop_index(op.f("ix_service_request_office_id_charge_id"), table_name="service_request")
    op.drop_column("service_request", "charge_id")
    op.drop_column("service_request", "quoted_at")
    op.drop_column("complaint", "returned_at")
    op.drop_column("complaint", "graded_why")
    op.drop_column("complaint", "harm_stopped_at")
    op.drop_constraint(op.f("fk_clock_office_id_pause_id"), "clock", type_="foreignkey")
    op.drop_index(op.f("ix_clock_office_id_pause_id"), table_name="clock")
    op.drop_column("clock", "pause_id")
    op.drop_index(op.f("ix_rectification_note_office_id_rectification_id"), table_name="rectification_note")
    op.drop_index(op.f("ix_rectification_note_office_id_noted_by_id"), table_name="rectification_note")
    op.drop_table("rectification_note")
    op.drop_index(op.f("ix_rectification_check_office_id_rectification_id"), table_name="rectification_check")
    op.drop_index(op.f("ix_rectification_check_office_id_checked_by_id"), table_name="rectification_check")
    op.drop_table("rectification_check")
    op.drop_index(op.f("ix_rectification_office_id_defect_id"), table_name="rectification")
    op.drop_index(op.f("ix_rectification_office_id_builder_id"), table_name="rectification")
    op.drop_table("rectification")
    op.drop_index("uq_pause_lasting", table_name="pause", postgresql_where=sa.text("ended_at IS NULL"))
    op.drop_index(op.f("ix_pause_office_id_work_order_id"), table_name="pause")
    op.drop_index(op.f("ix_pause_office_id_ticket_id"), table_name="pause")
    op.drop_index(op.f("ix_pause_office_id_began_by_id"), table_name="pause")
    op.drop_table("pause")
    op.drop_index(op.f("ix_quote_line_office_id_request_id"), table_name="quote_line")
    op.drop_table("quote_line")
    op.drop_index(op.f("ix_defect_office_id_ticket_id"), table_name="defect")
    op.drop_index(op.f("ix_defect_office_id_request_id"), table_name="defect")
    op.drop_index(op.f("ix_defect_office_id_inspector_id"), table_name="defect")
    op.drop_index(op.f("ix_defect_office_id_confirmed_by_id"), table_name="defect")
    op.drop_table("defect")
    op.drop_index("ix_log_entry_waiting", table_name="log_entry", postgresql_where=sa.text("settled_at IS NULL"))
    op.drop_index(op.f("ix_log_entry_office_id_written_by_id"), table_name="log_entry")
    op.drop_index(op.f("ix_log_entry_office_id_unit_id"), table_name="log_entry")
    op.drop_index(op.f("ix_log_entry_office_id_ticket_id"), table_name="log_entry")
    op.drop_index("ix_log_entry_at", table_name="log_entry")
    op.drop_table("log_entry")
    op.drop_index(op.f("ix_contact_office_id_ticket_id"), table_name="contact")
    op.drop_index(op.f("ix_contact_office_id_made_by_id"), table_name="contact")
    op.drop_table("contact")
    op.drop_index(op.f("ix_topic_office_id_parent_id"), table_name="topic")
    op.drop_index(op.f("ix_topic_office_id_department_id"), table_name="topic")
    op.drop_table("topic")
    op.drop_table("builder")
