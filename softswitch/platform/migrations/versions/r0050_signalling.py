"""How an account's signalling differs from what holds for all."""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("directory_account", sa.Column("signalling", sa.Text(), nullable=False, server_default="{}"))
