"""Which codecs an account's phones are told of."""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("directory_account", sa.Column("codecs", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("directory_account", "codecs")
