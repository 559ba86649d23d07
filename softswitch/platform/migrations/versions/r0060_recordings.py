"""Recordings, and whose calls are recorded."""

import sqlalchemy as sa
from alembic import op

revision = "0060"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "recording_recording",
        sa.Column("id", sa.String(100), nullable=False),
        sa.Column("call", sa.String(64), nullable=False),
        sa.Column("leg", sa.String(80), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("from_number", sa.Text(), nullable=False),
        sa.Column("to_number", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("layout", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("milliseconds", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("lost_ms", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recording_recording")),
    )
    op.create_index("ix_recording_recording_started_at_id", "recording_recording", ["started_at", "id"])
    for column in ("call", "expires_at", "state"):
        op.create_index(f"ix_recording_recording_{column}", "recording_recording", [column])
    op.create_table(
        "recording_policy",
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("percentage", sa.Integer(), nullable=False),
        sa.Column("layout", sa.String(16), nullable=False),
        sa.Column("format", sa.String(16), nullable=False),
        sa.Column("consent_tone", sa.Boolean(), nullable=False),
        sa.Column("keep_days", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_recording_policy")),
    )
