"""What was ruled on failed runs, and their failed jobs."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

Key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    _rulings()
    _failures()
    op.create_index("rulings_root", "rulings", ["root", "at"], unique=False)
    op.create_index("rulings_project", "rulings", ["project", "at"], unique=False)
    op.create_index(
        "rulings_retried",
        "rulings",
        ["at"],
        unique=False,
        sqlite_where=sa.text("retry"),
        postgresql_where=sa.text("retry"),
    )
    op.create_index("failures_signature", "failures", ["signature", "at"], unique=False)
    op.create_index("failures_fingerprint", "failures", ["fingerprint", "at"], unique=False)


def _rulings() -> None:
    op.create_table(
        "rulings",
        sa.Column("event_id", Key, nullable=False),
        sa.Column("root", Key, nullable=False),
        sa.Column("project", Key, nullable=False),
        sa.Column("branch", sa.Text(), nullable=True),
        sa.Column("commit_sha", sa.Text(), nullable=True),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("jobs_failed", sa.Integer(), nullable=False),
        sa.Column("tests_failed", sa.Integer(), nullable=False),
        sa.Column("minutes", sa.Double(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("retry", sa.Boolean(), nullable=False),
        sa.Column("explored", sa.Boolean(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=True),
        sa.Column("stop", sa.Text(), nullable=True),
        sa.Column("p_transient", sa.Double(), nullable=True),
        sa.Column("p_passes", sa.Double(), nullable=True),
        sa.Column("passed", sa.Boolean(), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("event_id"),
    )


def _failures() -> None:
    op.create_table(
        "failures",
        sa.Column("event_id", Key, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("project", Key, nullable=False),
        sa.Column("branch", sa.Text(), nullable=True),
        sa.Column("commit_sha", sa.Text(), nullable=True),
        sa.Column("author", sa.Text(), nullable=True),
        sa.Column("job", sa.Text(), nullable=True),
        sa.Column("failure_class", sa.Text(), nullable=False),
        sa.Column("signature", Key, nullable=True),
        sa.Column("fingerprint", Key, nullable=False),
        sa.Column("evidence", sa.Text(), nullable=True),
        sa.Column("tests", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("event_id", "place"),
    )
