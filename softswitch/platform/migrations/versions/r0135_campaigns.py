"""Lists of numbers that agents call."""

import sqlalchemy as sa
from alembic import op

revision = "0135"
down_revision = "0131"
branch_labels = None
depends_on = None

_NUMBERED = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "campaigns_list",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_campaigns_list")),
    )
    op.create_table(
        "campaigns_record",
        sa.Column("id", _NUMBERED, nullable=False),
        sa.Column("campaign", sa.String(64), nullable=False),
        sa.Column("number", sa.String(64), nullable=False),
        sa.Column("same", sa.String(64), nullable=False),
        sa.Column("attributes", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaigns_record")),
        sa.UniqueConstraint("campaign", "same", name="uq_campaigns_record_campaign"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_campaigns_record_campaign_id", "campaigns_record", ["campaign", "id"])
    op.create_table(
        "campaigns_progress",
        sa.Column("record", _NUMBERED, autoincrement=False, nullable=False),
        sa.Column("campaign", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("record", name=op.f("pk_campaigns_progress")),
    )
    op.create_index("ix_campaigns_progress_campaign_state", "campaigns_progress", ["campaign", "state"])
    op.create_table(
        "campaigns_barred",
        sa.Column("same", sa.String(64), nullable=False),
        sa.Column("number", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("said_by", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("same", name=op.f("pk_campaigns_barred")),
    )
