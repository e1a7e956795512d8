"""When an attempt was to be made once more, since a budget goes by that until the message was sent."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("attempts", sa.Column("again_at", sa.Double(), nullable=True))
