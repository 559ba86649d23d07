"""Figures of queues and agents, and alarms on them."""

import sqlalchemy as sa
from alembic import op

revision = "0125"
down_revision = "0110"
branch_labels = None
depends_on = None

_NUMBERED = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "queue_figures_stay",
        sa.Column("stay", _NUMBERED, autoincrement=False, nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("call", sa.String(64), nullable=False),
        sa.Column("trunk", sa.Text(), nullable=False),
        sa.Column("queued_at", sa.BigInteger(), nullable=False),
        sa.Column("left_at", sa.BigInteger()),
        sa.Column("outcome", sa.String(16)),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("stay", name=op.f("pk_queue_figures_stay")),
    )
    op.create_index("ix_queue_figures_stay_queued_at", "queue_figures_stay", ["queued_at"])
    op.create_index("ix_queue_figures_stay_queue_queued_at", "queue_figures_stay", ["queue", "queued_at"])
    op.create_index("ix_queue_figures_stay_left_at", "queue_figures_stay", ["left_at"])
    op.create_table(
        "queue_figures_skill",
        sa.Column("stay", _NUMBERED, autoincrement=False, nullable=False),
        sa.Column("skill", sa.String(100), nullable=False),
        sa.PrimaryKeyConstraint("stay", "skill", name=op.f("pk_queue_figures_skill")),
    )
    op.create_table(
        "queue_figures_span",
        sa.Column("id", _NUMBERED, nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("stay", sa.BigInteger(), nullable=False),
        sa.Column("begin_at", sa.BigInteger(), nullable=False),
        sa.Column("end_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queue_figures_span")),
    )
    op.create_index("ix_queue_figures_span_begin_at", "queue_figures_span", ["begin_at"])
    op.create_index("ix_queue_figures_span_agent_begin_at", "queue_figures_span", ["agent", "begin_at"])
    op.create_table(
        "queue_figures_agent",
        sa.Column("agent", sa.String(100), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("stay", sa.BigInteger(), nullable=False),
        sa.Column("begin_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("agent", name=op.f("pk_queue_figures_agent")),
    )
    op.create_table(
        "queue_figures_end",
        sa.Column("id", _NUMBERED, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("stay", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queue_figures_end")),
    )
    op.create_index("ix_queue_figures_end_at", "queue_figures_end", ["at"])
    op.create_table(
        "queue_figures_callback",
        sa.Column("stay", _NUMBERED, autoincrement=False, nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("stay", name=op.f("pk_queue_figures_callback")),
    )
    op.create_index("ix_queue_figures_callback_ended_at", "queue_figures_callback", ["ended_at"])
    op.create_table(
        "queue_figures_alarm",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_queue_figures_alarm")),
    )
