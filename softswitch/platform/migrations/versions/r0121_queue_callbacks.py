"""Who waits to be called back."""

import sqlalchemy as sa
from alembic import op

revision = "0121"
down_revision = "0145"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "acd_callback",
        sa.Column("stay", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("stay", name=op.f("pk_acd_callback")),
    )
