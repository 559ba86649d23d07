"""Voicemail: boxes, lists, messages, and mail about them that waits."""

import sqlalchemy as sa
from alembic import op

revision = "0090"
down_revision = "0071"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "voicemail_box",
        sa.Column("number", sa.String(64), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_voicemail_box")),
    )
    op.create_table(
        "voicemail_list",
        sa.Column("number", sa.String(64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("boxes", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_voicemail_list")),
    )
    op.create_table(
        "voicemail_message",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("box", sa.String(64), nullable=False),
        sa.Column("folder", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("left_at", sa.BigInteger(), nullable=False),
        sa.Column("from_number", sa.Text(), nullable=False),
        sa.Column("from_name", sa.Text(), nullable=False),
        sa.Column("call", sa.String(64), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("forwarded_by", sa.String(64), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("transcript", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voicemail_message")),
    )
    op.create_index("ix_voicemail_message_box_left_at", "voicemail_message", ["box", "left_at"])
    op.create_index("ix_voicemail_message_state", "voicemail_message", ["state"])
    op.create_table(
        "voicemail_mail",
        sa.Column("message", sa.String(64), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("message", name=op.f("pk_voicemail_mail")),
    )
    op.create_index("ix_voicemail_mail_due_at", "voicemail_mail", ["due_at"])
