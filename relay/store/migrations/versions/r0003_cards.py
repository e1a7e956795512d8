"""Conversations that go on in one message, and destinations that are shut until somebody mends them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

Key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "cards",
        sa.Column("lane", Key, nullable=False),
        sa.Column("destination", Key, nullable=False),
        sa.Column("receipt", sa.LargeBinary(), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("lane"),
    )
    op.create_index("cards_changed", "cards", ["changed_at"], unique=False)
    op.add_column("destinations", sa.Column("dead_since", sa.Double(), nullable=True))
    op.add_column("destinations", sa.Column("dead_why", sa.Text(), nullable=True))
