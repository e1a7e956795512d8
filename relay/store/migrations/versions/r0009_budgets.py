"""What a message costs of its notifier's budget: when it was or will be sent."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

COSTS = sa.text("spends_at IS NOT NULL")


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("spends_at", sa.Double(), nullable=True))
    op.create_index(
        "deliveries_spent",
        "deliveries",
        ["target", "spends_at"],
        unique=False,
        sqlite_where=COSTS,
        postgresql_where=COSTS,
    )
