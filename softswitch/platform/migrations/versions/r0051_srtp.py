"""Whether an account's sound is encrypted."""

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("directory_account", sa.Column("srtp", sa.String(16), nullable=False, server_default="off"))
