"""Conference rooms."""

import sqlalchemy as sa
from alembic import op

revision = "0140"
down_revision = "0120"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "conference_room",
        sa.Column("number", sa.String(32), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_conference_room")),
    )
    op.create_table(
        "conference_entry",
        sa.Column("room", sa.String(32), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("done_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("room", "name", name=op.f("pk_conference_entry")),
    )
