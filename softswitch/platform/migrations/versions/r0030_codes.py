"""Codes that are pressed in a call, who may press them, and pickup groups."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "codes_in_call",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_codes_in_call")),
    )
    op.add_column("directory_account", sa.Column("in_call_codes", sa.Boolean(), nullable=False, server_default="1"))
    op.add_column("directory_account", sa.Column("pickup_groups", sa.Text(), nullable=False, server_default=""))
