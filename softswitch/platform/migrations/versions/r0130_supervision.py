"""Who may supervise whom by dialling a code."""

import sqlalchemy as sa
from alembic import op

revision = "0130"
down_revision = "0125"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "supervision_rights",
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("everybody", sa.Boolean(), nullable=False),
        sa.Column("accounts", sa.Text(), nullable=False),
        sa.Column("groups", sa.Text(), nullable=False),
        sa.Column("acts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_supervision_rights")),
    )
