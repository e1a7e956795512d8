"""How results failed, and what was known of them when a message closed."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outcomes", sa.Column("how", sa.Text(), nullable=True))
    op.add_column("deliveries", sa.Column("as_of", sa.BigInteger(), nullable=True))
