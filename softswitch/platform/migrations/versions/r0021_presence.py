"""Mailbox counts, and how accounts may be seen."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "presence_mailbox",
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("new", sa.Integer(), nullable=False),
        sa.Column("old", sa.Integer(), nullable=False),
        sa.Column("urgent_new", sa.Integer(), nullable=False),
        sa.Column("urgent_old", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_presence_mailbox")),
    )
    op.create_table(
        "presence_privacy",
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_presence_privacy")),
    )
