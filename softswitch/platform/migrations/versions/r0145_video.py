"""Whether an account may have video."""

import sqlalchemy as sa
from alembic import op

revision = "0145"
down_revision = "0135"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("directory_account", sa.Column("video", sa.Boolean, nullable=False, server_default=sa.true()))
