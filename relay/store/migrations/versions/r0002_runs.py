"""The runs that actions start at CircleCI. What they mean is written in `relay/runs.py`."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

Key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "runs",
        sa.Column("delivery_id", Key, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("root", Key, nullable=False),
        sa.Column("origin", Key, nullable=False),
        sa.Column("family", Key, nullable=True),
        sa.Column("scope", Key, nullable=False),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.Column("requested_at", sa.Double(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("child", Key, nullable=True),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("how", sa.Text(), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('intended', 'started', 'refused', 'unknown')", name="runs_state"),
        sa.PrimaryKeyConstraint("delivery_id"),
    )
    for column in ("root", "origin", "family", "child"):
        op.create_index(f"runs_{column}", "runs", [column], unique=False)
    op.create_index("runs_scope", "runs", ["scope", "requested_at"], unique=False)
