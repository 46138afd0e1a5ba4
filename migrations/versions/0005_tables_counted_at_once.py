"""Tables that have grown by an import can be counted at once, by the roles that serve as well.

Revision ID: 0005
Revises: 0004
"""

from alembic import op

from tenant import row_security

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    for statement in row_security.counting():
        op.execute(statement)


def downgrade() -> None:
    """Take back."""
    op.execute("DROP FUNCTION count_grown_tables()")
