"""REST API v1.1: as v1, with the version control system in a project's name."""

from collections.abc import Iterator

from relay.circleci.api import Project
from relay.circleci.reading import mapping, text
from relay.circleci.slugs import LONG, parse
from relay.circleci.types.builds import BuildSummary
from relay.circleci.v1_builds import Builds
from relay.circleci.v1_settings import Settings


class V11(Builds, Settings):
    """Every endpoint of API v1.1."""

    prefix = "/api/v1.1"

    def organization_builds(
        self, vcs: str, org: str, *, limit: int | None = None, offset: int = 0, shallow: bool | None = None
    ) -> Iterator[BuildSummary]:
        """GET /organization/{vcs}/{org}: undocumented, used by CircleCI's own pages."""
        route, long = "/organization/{vcs}/{org}", LONG.get(vcs, vcs)
        return self._listed(route, {"shallow": shallow}, limit, offset, vcs=long, org=org)

    def trigger_build(
        self,
        project: Project,
        *,
        branch: str | None = None,
        tag: str | None = None,
        revision: str | None = None,
    ) -> str:
        """POST /project/{project}/build: starts whole workflows; CircleCI's words. Ends 1 February 2027."""
        given = {"branch": branch, "tag": tag, "revision": revision}
        body = {key: value for key, value in given.items() if value is not None}
        return text(mapping(self._post("/project/{project}/build", body, project=project)), "body") or ""

    def _project(self, project: Project) -> tuple[str, ...]:
        slug = parse(project)
        return slug.long_vcs, slug.org, slug.name
