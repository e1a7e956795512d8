"""What keeps the relay quiet: silences that people ask for, and messages that stand for others."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

Key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "silences",
        sa.Column("id", Key, nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("until_at", sa.Double(), nullable=False),
        sa.Column("match", sa.LargeBinary(), nullable=False),
        sa.Column("who", sa.Text(), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("removed_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("silences_until", "silences", ["until_at"], unique=False)
    op.create_table(
        "slots",
        sa.Column("name", Key, nullable=False),
        sa.Column("delivery_id", Key, nullable=False),
        sa.Column("reserved_at", sa.Double(), nullable=False),
        sa.Column("missed", sa.Integer(), nullable=False),
        sa.Column("missed_since", sa.Double(), nullable=True),
        sa.Column("carried", sa.Integer(), nullable=False),
        sa.Column("carried_since", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_index("slots_delivery", "slots", ["delivery_id"], unique=False)
    op.create_index("slots_reserved", "slots", ["reserved_at"], unique=False)
