"""Webhooks that came again leave a trace, and what was not really sent says so."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

Key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "repeats",
        sa.Column("dedupe_key", Key, nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("dedupe_key"),
    )
    op.add_column("deliveries", sa.Column("shadow", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.execute("UPDATE deliveries SET shadow = true WHERE state = 'delivered' AND title LIKE 'shadow, not %'")
