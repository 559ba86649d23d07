"""Recordings are linked to queues and agents, and rules say which talks are recorded."""

import sqlalchemy as sa
from alembic import op

revision = "0131"
down_revision = "0140"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in ("queue", "agent", "rule"):
        op.add_column("recording_recording", sa.Column(column, sa.Text(), nullable=False, server_default=""))
    op.add_column("recording_recording", sa.Column("stay", sa.BigInteger(), nullable=False, server_default="0"))
    for column in ("queue", "agent"):
        op.create_index(f"ix_recording_recording_{column}", "recording_recording", [column])
    op.create_table(
        "recording_rule",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_recording_rule")),
    )
