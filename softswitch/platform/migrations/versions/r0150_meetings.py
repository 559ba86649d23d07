"""Meetings that go on, and wrong PINs of rooms, for the process after this one."""

import sqlalchemy as sa
from alembic import op

revision = "0150"
down_revision = "0121"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "conference_meeting",
        sa.Column("room", sa.String(32), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("room", name=op.f("pk_conference_meeting")),
    )
    op.create_table(
        "conference_guess",
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("wrong", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_conference_guess")),
    )
