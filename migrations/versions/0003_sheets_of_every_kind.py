"""Sheets of every kind: imports that are mapped, decided and undone; parking, vehicles, meters.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tenant import row_security
from tenant.models.base import OfficeScoped

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = (
    "heading_alias", "import_layout", "meter", "meter_reading", "parking_lease", "parking_space", "vehicle",
)  # fmt: skip
STATES = ("uploaded", "previewed", "applying", "applied", "refused", "cancelled", "failed")
NEW_STATES = ("mapping", "undoing", "undone")
OLD_WORDS = (
    "UPDATE import_batch SET state = 'uploaded' WHERE state = 'mapping'",
    "UPDATE import_batch SET state = 'applied' WHERE state = 'undoing'",
    "UPDATE import_batch SET state = 'cancelled' WHERE state = 'undone'",
    "UPDATE payment SET method = 'cash' WHERE method = 'carried_over'",
)
"""What the earlier schema has no word for, said in its words."""
METHODS = ("cash", "transfer", "card", "wechat", "alipay")
NEW_METHOD = "carried_over"


def states(allowed: tuple[str, ...]) -> None:
    """Let a batch stand in these states and no others."""
    listed = ", ".join(f"'{state}'" for state in allowed)
    op.drop_constraint(op.f("ck_import_batch_state"), "import_batch", type_="check")
    op.create_check_constraint(op.f("ck_import_batch_state"), "import_batch", f"state IN ({listed})")


def methods(allowed: tuple[str, ...]) -> None:
    """Let a payment come in by these methods and no others."""
    listed = ", ".join(f"'{method}'" for method in allowed)
    op.drop_constraint(op.f("ck_payment_method"), "payment", type_="check")
    op.create_check_constraint(op.f("ck_payment_method"), "payment", f"method IN ({listed})")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "heading_alias",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("heading", sa.String(length=40), nullable=False),
        sa.Column("identifier", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_heading_alias_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_heading_alias")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_heading_alias_office_id_id")),
        sa.UniqueConstraint("office_id", "kind", "heading", name=op.f("uq_heading_alias_office_id_kind_heading")),
    )
    op.create_table(
        "import_layout",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("sheet", sa.String(length=100), nullable=False),
        sa.Column("headings", sa.String(length=500), nullable=False),
        sa.Column("mapping", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_import_layout_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_layout")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_import_layout_office_id_id")),
        sa.UniqueConstraint(
            "office_id", "kind", "fingerprint", name=op.f("uq_import_layout_office_id_kind_fingerprint")
        ),
    )
    op.create_table(
        "meter",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "water", "electricity", "gas", "heat", name="kind", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=True),
        sa.Column("location", sa.String(length=100), nullable=True),
        sa.Column("factor", sa.Numeric(precision=10, scale=3), nullable=False),
        sa.Column("full_scale", sa.Numeric(precision=14, scale=3), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint("factor > 0", name=op.f("ck_meter_factor_is_positive")),
        sa.ForeignKeyConstraint(
            ["office_id", "unit_id"], ["unit.office_id", "unit.id"], name=op.f("fk_meter_office_id_unit_id")
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_meter_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meter")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_meter_office_id_id")),
        sa.UniqueConstraint("office_id", "kind", "number", name=op.f("uq_meter_office_id_kind_number")),
    )
    op.create_index(op.f("ix_meter_office_id_unit_id"), "meter", ["office_id", "unit_id"], unique=False)
    op.create_table(
        "parking_space",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "owned", "civil_defence", "common", name="kind", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("unit_id", sa.BigInteger(), nullable=True),
        sa.Column("location", sa.String(length=50), nullable=True),
        sa.Column("area", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("note", sa.String(length=500), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint("area IS NULL OR area > 0", name=op.f("ck_parking_space_area_is_positive")),
        sa.ForeignKeyConstraint(
            ["office_id", "unit_id"], ["unit.office_id", "unit.id"], name=op.f("fk_parking_space_office_id_unit_id")
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_parking_space_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parking_space")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_parking_space_office_id_id")),
        sa.UniqueConstraint("office_id", "number", name=op.f("uq_parking_space_office_id_number")),
    )
    op.create_index(op.f("ix_parking_space_office_id_unit_id"), "parking_space", ["office_id", "unit_id"], unique=False)
    op.create_table(
        "vehicle",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("plate", sa.String(length=16), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=True),
        sa.Column("holder_name", sa.String(length=100), nullable=True),
        sa.Column("holder_phone", sa.String(length=64), nullable=True),
        sa.Column("description", sa.String(length=100), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["office_id", "unit_id"], ["unit.office_id", "unit.id"], name=op.f("fk_vehicle_office_id_unit_id")
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_vehicle_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vehicle")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_vehicle_office_id_id")),
        sa.UniqueConstraint("office_id", "plate", name=op.f("uq_vehicle_office_id_plate")),
    )
    op.create_index(op.f("ix_vehicle_office_id_unit_id"), "vehicle", ["office_id", "unit_id"], unique=False)
    op.create_table(
        "meter_reading",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("meter_id", sa.BigInteger(), nullable=False),
        sa.Column("read_on", sa.Date(), nullable=False),
        sa.Column("shown", sa.Numeric(precision=14, scale=3), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint("shown >= 0", name=op.f("ck_meter_reading_shown_is_not_negative")),
        sa.ForeignKeyConstraint(
            ["office_id", "meter_id"], ["meter.office_id", "meter.id"], name=op.f("fk_meter_reading_office_id_meter_id")
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_meter_reading_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meter_reading")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_meter_reading_office_id_id")),
        sa.UniqueConstraint(
            "office_id", "meter_id", "read_on", name=op.f("uq_meter_reading_office_id_meter_id_read_on")
        ),
    )
    op.create_index(
        op.f("ix_meter_reading_office_id_meter_id"), "meter_reading", ["office_id", "meter_id"], unique=False
    )
    op.create_table(
        "parking_lease",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("office_id", sa.BigInteger(), nullable=False),
        sa.Column("parking_space_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("lessee_name", sa.String(length=100), nullable=False),
        sa.Column("vehicle_id", sa.BigInteger(), nullable=True),
        sa.Column("monthly_rent", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("to_on", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "monthly_rent IS NULL OR monthly_rent >= 0", name=op.f("ck_parking_lease_rent_is_not_negative")
        ),
        sa.CheckConstraint("to_on IS NULL OR to_on >= from_on", name=op.f("ck_parking_lease_ends_after_it_begins")),
        sa.ForeignKeyConstraint(
            ["office_id", "owner_id"], ["owner.office_id", "owner.id"], name=op.f("fk_parking_lease_office_id_owner_id")
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "parking_space_id"],
            ["parking_space.office_id", "parking_space.id"],
            name=op.f("fk_parking_lease_office_id_parking_space_id"),
        ),
        sa.ForeignKeyConstraint(
            ["office_id", "vehicle_id"],
            ["vehicle.office_id", "vehicle.id"],
            name=op.f("fk_parking_lease_office_id_vehicle_id"),
        ),
        sa.ForeignKeyConstraint(["office_id"], ["office.id"], name=op.f("fk_parking_lease_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parking_lease")),
        sa.UniqueConstraint("office_id", "id", name=op.f("uq_parking_lease_office_id_id")),
    )
    op.create_index(
        op.f("ix_parking_lease_office_id_owner_id"), "parking_lease", ["office_id", "owner_id"], unique=False
    )
    op.create_index(
        op.f("ix_parking_lease_office_id_parking_space_id"),
        "parking_lease",
        ["office_id", "parking_space_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_parking_lease_office_id_vehicle_id"), "parking_lease", ["office_id", "vehicle_id"], unique=False
    )
    op.create_index(
        "uq_parking_lease_current",
        "parking_lease",
        ["office_id", "parking_space_id"],
        unique=True,
        postgresql_where=sa.text("to_on IS NULL"),
    )
    op.add_column(
        "import_batch",
        sa.Column("choices", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
    )
    op.add_column(
        "import_batch",
        sa.Column("plan_index", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
    )
    op.add_column("import_batch", sa.Column("trace", sa.LargeBinary(), nullable=True))
    op.add_column("import_batch", sa.Column("read_ms", sa.BigInteger(), nullable=True))
    op.add_column("import_batch", sa.Column("write_ms", sa.BigInteger(), nullable=True))
    op.add_column("import_batch", sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("import_batch", sa.Column("applied_by_id", sa.BigInteger(), nullable=True))
    op.add_column("import_batch", sa.Column("undone_by_id", sa.BigInteger(), nullable=True))
    op.create_index(
        op.f("ix_import_batch_office_id_applied_by_id"), "import_batch", ["office_id", "applied_by_id"], unique=False
    )
    op.create_index(
        op.f("ix_import_batch_office_id_undone_by_id"), "import_batch", ["office_id", "undone_by_id"], unique=False
    )
    op.create_foreign_key(
        op.f("fk_import_batch_office_id_applied_by_id"),
        "import_batch",
        "posting",
        ["office_id", "applied_by_id"],
        ["office_id", "id"],
    )
    op.create_foreign_key(
        op.f("fk_import_batch_office_id_undone_by_id"),
        "import_batch",
        "posting",
        ["office_id", "undone_by_id"],
        ["office_id", "id"],
    )
    op.execute("ALTER TABLE import_batch ALTER COLUMN plan SET STORAGE EXTERNAL")
    states(STATES + NEW_STATES)
    methods((*METHODS, NEW_METHOD))
    for table in TABLES:
        for statement in row_security.wall(table, OfficeScoped):
            op.execute(statement)


def downgrade() -> None:
    """Take back."""
    for statement in OLD_WORDS:
        op.execute(statement)
    states(STATES)
    methods(METHODS)
    op.execute("ALTER TABLE import_batch ALTER COLUMN plan SET STORAGE EXTENDED")
    op.drop_constraint(op.f("fk_import_batch_office_id_undone_by_id"), "import_batch", type_="foreignkey")
    op.drop_constraint(op.f("fk_import_batch_office_id_applied_by_id"), "import_batch", type_="foreignkey")
    op.drop_index(op.f("ix_import_batch_office_id_undone_by_id"), table_name="import_batch")
    op.drop_index(op.f("ix_import_batch_office_id_applied_by_id"), table_name="import_batch")
    op.drop_column("import_batch", "undone_by_id")
    op.drop_column("import_batch", "applied_by_id")
    op.drop_column("import_batch", "undone_at")
    op.drop_column("import_batch", "write_ms")
    op.drop_column("import_batch", "read_ms")
    op.drop_column("import_batch", "trace")
    op.drop_column("import_batch", "plan_index")
    op.drop_column("import_batch", "choices")
    op.drop_index("uq_parking_lease_current", table_name="parking_lease", postgresql_where=sa.text("to_on IS NULL"))
    op.drop_index(op.f("ix_parking_lease_office_id_vehicle_id"), table_name="parking_lease")
    op.drop_index(op.f("ix_parking_lease_office_id_parking_space_id"), table_name="parking_lease")
    op.drop_index(op.f("ix_parking_lease_office_id_owner_id"), table_name="parking_lease")
    op.drop_table("parking_lease")
    op.drop_index(op.f("ix_meter_reading_office_id_meter_id"), table_name="meter_reading")
    op.drop_table("meter_reading")
    op.drop_index(op.f("ix_vehicle_office_id_unit_id"), table_name="vehicle")
    op.drop_table("vehicle")
    op.drop_index(op.f("ix_parking_space_office_id_unit_id"), table_name="parking_space")
    op.drop_table("parking_space")
    op.drop_index(op.f("ix_meter_office_id_unit_id"), table_name="meter")
    op.drop_table("meter")
    op.drop_table("import_layout")
    op.drop_table("heading_alias")
