"""Queues and agents."""

import sqlalchemy as sa
from alembic import op

revision = "0120"
down_revision = "0130"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "acd_queue",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_acd_queue")),
    )
    op.create_table(
        "acd_agent",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acd_agent")),
    )
    op.create_table(
        "acd_sign_on",
        sa.Column("agent", sa.String(64), nullable=False),
        sa.Column("seat", sa.String(64), nullable=False),
        sa.Column("ready", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("agent", name=op.f("pk_acd_sign_on")),
    )
