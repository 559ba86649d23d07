"""Calendars."""

import sqlalchemy as sa
from alembic import op

revision = "0070"
down_revision = "0100"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calendars_calendar",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("calendar", sa.Text(), nullable=False),
        sa.Column("override", sa.Text()),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_calendars_calendar")),
    )
