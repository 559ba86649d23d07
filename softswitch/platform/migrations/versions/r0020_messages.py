"""Instant messages."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "messaging_message",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("from_number", sa.String(64), nullable=False),
        sa.Column("from_name", sa.String(200), nullable=False),
        sa.Column("to_account", sa.String(64), nullable=False),
        sa.Column("content_type", sa.String(255), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("done_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messaging_message")),
    )
    op.create_index("ix_messaging_message_to_account_state", "messaging_message", ["to_account", "state", "id"])
    op.create_index("ix_messaging_message_state_expires_at", "messaging_message", ["state", "expires_at"])
