"""When groups were closed and attempts recorded, so that `relay backtest` can repeat what was known when."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("closed_at", sa.Double(), nullable=True))
    op.add_column("attempts", sa.Column("recorded_at", sa.Double(), nullable=True))
