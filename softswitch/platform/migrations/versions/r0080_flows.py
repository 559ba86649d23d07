"""Flows: versions, drafts, and the paths that calls took."""

import sqlalchemy as sa
from alembic import op

revision = "0080"
down_revision = "0060"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ivr_version",
        sa.Column("flow", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("published_at", sa.BigInteger(), nullable=False),
        sa.Column("author", sa.String(100), nullable=False),
        sa.Column("comment", sa.String(200), nullable=False),
        sa.Column("rolled_back_to", sa.Integer()),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("flow", "version", name=op.f("pk_ivr_version")),
    )
    op.create_table(
        "ivr_draft",
        sa.Column("flow", sa.String(64), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("author", sa.String(100), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("flow", name=op.f("pk_ivr_draft")),
    )
    op.create_table(
        "ivr_path",
        sa.Column("id", sa.String(160), nullable=False),
        sa.Column("call", sa.String(64), nullable=False),
        sa.Column("flow", sa.String(64), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("steps", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ivr_path")),
    )
    op.create_index("ix_ivr_path_flow_began_at", "ivr_path", ["flow", "began_at"])
    op.create_index("ix_ivr_path_call", "ivr_path", ["call"])
