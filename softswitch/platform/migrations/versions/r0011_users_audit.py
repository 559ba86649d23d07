"""People who use the admin plane, what they did, and from where accounts may come."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "platform_user",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("digest", sa.String(200), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("last_login_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_platform_user")),
    )
    op.create_table(
        "platform_audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(100), nullable=False),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("action", sa.String(300), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_platform_audit")),
    )
    op.create_index(op.f("ix_platform_audit_at"), "platform_audit", ["at"])
    op.add_column("platform_token", sa.Column("user", sa.String(64)))
    op.add_column("directory_account", sa.Column("networks", sa.Text(), nullable=False, server_default=""))
    op.add_column("directory_account", sa.Column("transports", sa.String(40), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("directory_account", "transports")
    op.drop_column("directory_account", "networks")
    op.drop_column("platform_token", "user")
    op.drop_table("platform_audit")
    op.drop_table("platform_user")
