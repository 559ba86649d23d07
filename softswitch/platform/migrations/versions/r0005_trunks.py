"""What trunks are told beyond their address, their secrets, and groups of them."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in ("rules", "secrets"):
        op.add_column("trunks_trunk", sa.Column(column, sa.Text(), nullable=False, server_default="{}"))
    op.create_table(
        "trunks_group",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_trunks_group")),
    )


def downgrade() -> None:
    op.drop_table("trunks_group")
    with op.batch_alter_table("trunks_trunk") as table:
        table.drop_column("rules")
        table.drop_column("secrets")
