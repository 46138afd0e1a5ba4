"""Prices by period, concessions, and the runs that charge a month.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tenant import row_security
from tenant.models.base import OfficeScoped

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLES = ("billing_line", "billing_run", "concession", "tariff")
BASES = ("area", "unit", "usage", "fixed")
LONG_AGO = "2000-01-01"
"""From when on the one price holds that an item had: before any charge."""


def bases(*allowed: str) -> None:
    """Let an item be priced on these bases and no others."""
    listed = ", ".join(f"'{word}'" for word in allowed)
    op.drop_constraint(op.f("ck_charge_type_basis"), "charge_type", type_="check")
    op.create_check_constraint(op.f("ck_charge_type_basis"), "charge_type", f"basis IN ({listed})")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "tariff",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("charge_type_id", sa.BigInteger(), nullable=False),
        sa.Column("price", sa.Numeric(precision=12, scale=4), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("to_on", sa.Date(), nullable=True),
        sa.Column("basis", sa.String(length=200), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint("price >= 0", name=op.f("ck_tariff_price_is_not_negative")),
        sa.CheckConstraint("to_on IS NULL OR to_on >= from_on", name=op.f("ck_tariff_ends_after_it_begins")),
        sa.ForeignKeyConstraint(
            ["office_id", "charge_type_id"],
            ["charge_type.office_id", "charge_type.id"],
            name=op.f("fk_tariff_office_id_charge_type_id"),
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_tariff_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tariff")),
        sa.UniqueConstraint(
            "office_id", "charge_type_id", "from_on", name=op.f("uq_tariff_office_id_charge_type_id_from_on")
        ),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_tariff_office_id_id")),
    )
    op.create_index(op.f("ix_tariff_office_id_charge_type_id"), "tariff", ["office_id", "charge_type_id"], unique=False)
    op.create_table(
        "billing_run",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("charge_types", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "counting",
                "counted",
                "posting",
                "posted",
                "undone",
                "cancelled",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="counting",
            nullable=False,
        ),
        sa.Column("lines", sa.BigInteger(), nullable=True),
        sa.Column("problems", sa.BigInteger(), nullable=True),
        sa.Column("total", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.Column("failed_why", sa.String(length=500), nullable=True),
        sa.Column("asked_by_id", sa.BigInteger(), nullable=True),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("posted_by_id", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["office_id", "asked_by_id"],
            ["posting.office_id", "posting.id"],
            name=op.f("fk_billing_run_office_id_asked_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "posted_by_id"],
            ["posting.office_id", "posting.id"],
            name=op.f("fk_billing_run_office_id_posted_by_id"),
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_billing_run_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_run")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_billing_run_office_id_id")),
    )
    op.create_index(
        op.f("ix_billing_run_office_id_asked_by_id"), "billing_run", ["office_id", "asked_by_id"], unique=False
    )
    op.create_index("ix_billing_run_office_id_month", "billing_run", ["office_id", "month"], unique=False)
    op.create_index(
        op.f("ix_billing_run_office_id_posted_by_id"), "billing_run", ["office_id", "posted_by_id"], unique=False
    )
    op.create_table(
        "billing_line",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("billing_run_id", sa.BigInteger(), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("charge_type_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("period_from", sa.Date(), nullable=False),
        sa.Column("period_to", sa.Date(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("before", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("problem", sa.String(length=32), nullable=True),
        sa.Column("workings", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "(problem IS NULL) = (amount IS NOT NULL)", name=op.f("ck_billing_line_costs_or_has_a_problem")
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "billing_run_id"],
            ["billing_run.office_id", "billing_run.id"],
            name=op.f("fk_billing_line_office_id_billing_run_id"),
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "charge_type_id"],
            ["charge_type.office_id", "charge_type.id"],
            name=op.f("fk_billing_line_office_id_charge_type_id"),
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "owner_id"], ["owner.office_id", "owner.id"], name=op.f("fk_billing_line_office_id_owner_id")
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "unit_id"], ["unit.office_id", "unit.id"], name=op.f("fk_billing_line_office_id_unit_id")
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_billing_line_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_line")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_billing_line_office_id_id")),
    )
    op.create_index(
        op.f("ix_billing_line_office_id_billing_run_id"), "billing_line", ["office_id", "billing_run_id"], unique=False
    )
    op.create_index(
        op.f("ix_billing_line_office_id_charge_type_id"), "billing_line", ["office_id", "charge_type_id"], unique=False
    )
    op.create_index(op.f("ix_billing_line_office_id_owner_id"), "billing_line", ["office_id", "owner_id"], unique=False)
    op.create_index(op.f("ix_billing_line_office_id_unit_id"), "billing_line", ["office_id", "unit_id"], unique=False)
    op.create_index("ix_billing_line_run", "billing_line", ["office_id", "billing_run_id", "unit_id"], unique=False)
    op.create_table(
        "concession",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("charge_type_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "vacant", "discount", "hardship", name="kind", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("share", sa.Numeric(precision=5, scale=4), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("to_on", sa.Date(), nullable=False),
        sa.Column("why", sa.String(length=200), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "asked",
                "approved",
                "refused",
                "withdrawn",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="asked",
            nullable=False,
        ),
        sa.Column("asked_by_id", sa.BigInteger(), nullable=True),
        sa.Column("decided_by_id", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint("share >= 0 AND share < 1", name=op.f("ck_concession_share_is_less_than_one")),
        sa.CheckConstraint("to_on >= from_on", name=op.f("ck_concession_ends_after_it_begins")),
        sa.ForeignKeyConstraint(
            ["office_id", "asked_by_id"],
            ["posting.office_id", "posting.id"],
            name=op.f("fk_concession_office_id_asked_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "charge_type_id"],
            ["charge_type.office_id", "charge_type.id"],
            name=op.f("fk_concession_office_id_charge_type_id"),
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "decided_by_id"],
            ["posting.office_id", "posting.id"],
            name=op.f("fk_concession_office_id_decided_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "unit_id"], ["unit.office_id", "unit.id"], name=op.f("fk_concession_office_id_unit_id")
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_concession_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_concession")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_concession_office_id_id")),
    )
    op.create_index(
        op.f("ix_concession_office_id_asked_by_id"), "concession", ["office_id", "asked_by_id"], unique=False
    )
    op.create_index(
        op.f("ix_concession_office_id_charge_type_id"), "concession", ["office_id", "charge_type_id"], unique=False
    )
    op.create_index(
        op.f("ix_concession_office_id_decided_by_id"), "concession", ["office_id", "decided_by_id"], unique=False
    )
    op.create_index(op.f("ix_concession_office_id_unit_id"), "concession", ["office_id", "unit_id"], unique=False)
    op.create_index(
        "ix_concession_office_id_unit_id_from_on", "concession", ["office_id", "unit_id", "from_on"], unique=False
    )
    op.add_column("charge", sa.Column("billing_run_id", sa.BigInteger(), nullable=True))
    op.create_index(op.f("ix_charge_office_id_billing_run_id"), "charge", ["office_id", "billing_run_id"], unique=False)
    op.create_foreign_key(
        op.f("fk_charge_office_id_billing_run_id"),
        "charge",
        "billing_run",
        ["office_id", "billing_run_id"],
        ["office_id", "id"],
    )
    op.add_column("charge_type", sa.Column("is_monthly", sa.Boolean(), server_default="false", nullable=False))
    op.add_column(
        "charge_type",
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
            nullable=True,
        ),
    )
    op.add_column(
        "charge_type",
        sa.Column(
            "meter_kind",
            sa.Enum(
                "water",
                "electricity",
                "gas",
                "heat",
                name="meter_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
    )
    op.add_column("charge_type", sa.Column("due_day", sa.BigInteger(), server_default="31", nullable=False))
    op.add_column(
        "charge_type",
        sa.Column(
            "rounding",
            sa.Enum(
                "fen",
                "jiao",
                "yuan",
                "yuan_up",
                "yuan_down",
                name="rounding",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="fen",
            nullable=False,
        ),
    )
    op.add_column("charge_type", sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(op.f("ck_charge_type_due_day_is_a_day"), "charge_type", "due_day BETWEEN 1 AND 31")
    bases(*BASES, "space")
    op.execute(
        f"INSERT INTO tariff (office_id, charge_type_id, price, from_on)"
        f" SELECT office_id, id, price, '{LONG_AGO}' FROM charge_type WHERE price > 0"
    )
    op.drop_column("charge_type", "price")
    for table in TABLES:
        for statement in row_security.wall(table, OfficeScoped):
            op.execute(statement)


def downgrade() -> None:
    """Take back."""
    op.add_column(
        "charge_type", sa.Column("price", sa.Numeric(precision=12, scale=4), server_default="0", nullable=False)
    )
    op.execute(
        "UPDATE charge_type SET price = latest.price FROM (SELECT DISTINCT ON (charge_type_id) charge_type_id, price"
        " FROM tariff ORDER BY charge_type_id, from_on DESC) AS latest WHERE latest.charge_type_id = charge_type.id"
    )
    op.alter_column("charge_type", "price", server_default=None)
    op.create_check_constraint(op.f("ck_charge_type_price_is_not_negative"), "charge_type", "price >= 0")
    op.execute("UPDATE charge_type SET basis = 'unit' WHERE basis = 'space'")
    bases(*BASES)
    op.drop_column("charge_type", "retired_at")
    op.drop_column("charge_type", "rounding")
    op.drop_column("charge_type", "due_day")
    op.drop_column("charge_type", "meter_kind")
    op.drop_column("charge_type", "usage")
    op.drop_column("charge_type", "is_monthly")
    op.drop_constraint(op.f("fk_charge_office_id_billing_run_id"), "charge", type_="foreignkey")
    op.drop_index(op.f("ix_charge_office_id_billing_run_id"), table_name="charge")
    op.drop_column("charge", "billing_run_id")
    op.drop_index("ix_concession_office_id_unit_id_from_on", table_name="concession")
    op.drop_index(op.f("ix_concession_office_id_unit_id"), table_name="concession")
    op.drop_index(op.f("ix_concession_office_id_decided_by_id"), table_name="concession")
    op.drop_index(op.f("ix_concession_office_id_charge_type_id"), table_name="concession")
    op.drop_index(op.f("ix_concession_office_id_asked_by_id"), table_name="concession")
    op.drop_table("concession")
    op.drop_index("ix_billing_line_run", table_name="billing_line")
    op.drop_index(op.f("ix_billing_line_office_id_unit_id"), table_name="billing_line")
    op.drop_index(op.f("ix_billing_line_office_id_owner_id"), table_name="billing_line")
    op.drop_index(op.f("ix_billing_line_office_id_charge_type_id"), table_name="billing_line")
    op.drop_index(op.f("ix_billing_line_office_id_billing_run_id"), table_name="billing_line")
    op.drop_table("billing_line")
    op.drop_index(op.f("ix_billing_run_office_id_posted_by_id"), table_name="billing_run")
    op.drop_index("ix_billing_run_office_id_month", table_name="billing_run")
    op.drop_index(op.f("ix_billing_run_office_id_asked_by_id"), table_name="billing_run")
    op.drop_table("billing_run")
    op.drop_index(op.f("ix_tariff_office_id_charge_type_id"), table_name="tariff")
    op.drop_table("tariff")
