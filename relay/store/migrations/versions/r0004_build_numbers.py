"""Results known by a build number are kept apart from those known by the number of a pipeline."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# A run that is named by so few characters is named by its build number; workflow ids are longer.
OF_BUILDS = """
UPDATE outcomes SET number = number - 4611686018427387904
WHERE number BETWEEN 0 AND 4611686018427387902 AND length(run) < 20
AND NOT EXISTS (SELECT 1 FROM events WHERE events.id = outcomes.event_id AND events.kind <> 'build')
"""


def upgrade() -> None:
    op.execute(OF_BUILDS)
