"""REST API v1: GitHub projects only, named org/repo."""

from collections.abc import Iterator

from relay.circleci.api import Project
from relay.circleci.slugs import parse
from relay.circleci.types.builds import BuildSummary
from relay.circleci.v1_builds import Builds
from relay.circleci.v1_settings import Settings
from relay.errors import UsageError


class V1(Builds, Settings):
    """Every endpoint of API v1."""

    prefix = "/api/v1"

    def organization_builds(
        self, org: str, *, limit: int | None = None, offset: int = 0, shallow: bool | None = None
    ) -> Iterator[BuildSummary]:
        """GET /organization/{org}: undocumented, used by CircleCI's own pages."""
        return self._listed("/organization/{org}", {"shallow": shallow}, limit, offset, org=org)

    def _project(self, project: Project) -> tuple[str, ...]:
        slug = parse(project)
        if slug.vcs != "gh":
            raise UsageError(f"API v1 knows GitHub projects only; ask for {slug} with v1.1 or v2")
        return slug.org, slug.name
