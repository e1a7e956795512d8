"""Builds through API v1 and v1.1, which differ in how a project is named and in few calls."""

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from relay.circleci.api import Api, Project, Query
from relay.circleci.paging import by_offset
from relay.circleci.reading import Raw, at, mapping, number, objects, text
from relay.circleci.types.builds import Build, BuildSummary
from relay.circleci.types.results import Artifact, TestResult
from relay.errors import UsageError

BUILD = "/project/{project}/{number}"
ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Builds(Api):
    """The calls about builds. `number` is a build's number.

    `filter` is completed, successful, failed or running.
    """

    def project_builds(
        self,
        project: Project,
        *,
        filter: str | None = None,
        limit: int | None = None,
        offset: int = 0,
        shallow: bool | None = None,
    ) -> Iterator[BuildSummary]:
        """GET /project/{project}: newest first, page by page, until `limit` or the end."""
        query: Query = {"filter": filter, "shallow": shallow}
        return self._listed("/project/{project}", query, limit, offset, project=project)

    def branch_builds(
        self,
        project: Project,
        branch: str,
        *,
        filter: str | None = None,
        limit: int | None = None,
        offset: int = 0,
        shallow: bool | None = None,
    ) -> Iterator[BuildSummary]:
        """GET /project/{project}/tree/{branch}: the same, of one branch."""
        query: Query = {"filter": filter, "shallow": shallow}
        route = "/project/{project}/tree/{branch}"
        return self._listed(route, query, limit, offset, project=project, branch=branch)

    def recent_builds(
        self, *, limit: int | None = None, offset: int = 0, shallow: bool | None = None
    ) -> Iterator[BuildSummary]:
        """GET /recent-builds: over all followed projects, newest first."""
        return self._listed("/recent-builds", {"shallow": shallow}, limit, offset)

    def build(self, project: Project, number: int) -> Build:
        """GET /project/{project}/{number}: one build with its steps."""
        return Build.read(self._get(BUILD, project=project, number=number))

    def artifacts(self, project: Project, number: int) -> tuple[Artifact, ...]:
        """GET /project/{project}/{number}/artifacts"""
        found = self._get(BUILD + "/artifacts", project=project, number=number)
        return tuple(Artifact.read(artifact) for artifact in objects(found))

    def latest_artifacts(
        self,
        project: Project,
        *,
        branch: str | None = None,
        filter: str | None = None,
    ) -> tuple[Artifact, ...]:
        """GET /project/{project}/latest/artifacts: of the latest build that matches."""
        query: Query = {"branch": branch, "filter": filter}
        found = self._get("/project/{project}/latest/artifacts", query, project=project)
        return tuple(Artifact.read(artifact) for artifact in objects(found))

    def artifact_address(self, project: Project, number: int | str, node: int, path: str) -> str:
        """GET /project/{project}/{number}/artifacts/{node}/{path}: the address; number may be "latest"."""
        route = BUILD + "/artifacts/{node}/{path}"
        parts = {"project": project, "number": number, "node": node, "path": tuple(path.split("/"))}
        return self._call("GET", route, parts).path

    def tests(self, project: Project, number: int) -> tuple[TestResult, ...]:
        """GET /project/{project}/{number}/tests"""
        found = self._get(BUILD + "/tests", project=project, number=number)
        return tuple(TestResult.read(test) for test in objects(at(mapping(found), "tests")))

    def action_output(
        self, project: Project, number: int, step: int, index: int, *, truncate: int | None = None
    ) -> str:
        """GET /project/{project}/{number}/output/{step}/{index}: a log; undocumented, old installs only."""
        query = {"truncate": str(truncate)} if truncate else {"file": "true"}
        parts = {"project": project, "number": number, "step": step, "index": index}
        call = self._call("GET", BUILD + "/output/{step}/{index}", parts, query=query, text=True)
        return str(self.http.send(call).body)

    def retry(self, project: Project, number: int) -> BuildSummary:
        """POST /project/{project}/{number}/retry: the new build. Ends 1 February 2027; not on Server."""
        return BuildSummary.read(self._post(BUILD + "/retry", project=project, number=number))

    def retry_with_ssh(self, project: Project, number: int) -> BuildSummary:
        """POST /project/{project}/{number}/ssh: the new build. Ends 1 February 2027; not on Server."""
        return BuildSummary.read(self._post(BUILD + "/ssh", project=project, number=number))

    def cancel(self, project: Project, number: int) -> BuildSummary:
        """POST /project/{project}/{number}/cancel: the build; one that has ended stays as it is."""
        return BuildSummary.read(self._post(BUILD + "/cancel", once=False, project=project, number=number))

    def add_ssh_user(self, project: Project, number: int) -> BuildSummary:
        """POST /project/{project}/{number}/ssh-users: lets the token's owner into the build's machine."""
        return BuildSummary.read(self._post(BUILD + "/ssh-users", project=project, number=number))

    def trigger_branch(
        self,
        project: Project,
        branch: str,
        *,
        revision: str | None = None,
        parallel: int | None = None,
        build_parameters: Mapping[str, Any] | None = None,
    ) -> BuildSummary:
        """POST /project/{project}/tree/{branch}: the new build. Ends 1 February 2027."""
        body = _trigger_body(revision=revision, parallel=parallel, build_parameters=build_parameters)
        return BuildSummary.read(
            self._post("/project/{project}/tree/{branch}", body, project=project, branch=branch)
        )

    def trigger_project(
        self,
        project: Project,
        *,
        revision: str | None = None,
        tag: str | None = None,
        parallel: int | None = None,
        build_parameters: Mapping[str, Any] | None = None,
    ) -> BuildSummary:
        """POST /project/{project}: of a revision, a tag or the default branch. Ends 1 February 2027."""
        if revision and tag:
            raise UsageError("a build is of a revision or of a tag, not of both")
        body = _trigger_body(revision=revision, tag=tag, parallel=parallel, build_parameters=build_parameters)
        return BuildSummary.read(self._post("/project/{project}", body, project=project))

    def clear_cache(self, project: Project) -> str:
        """DELETE /project/{project}/build-cache: CircleCI's words about it."""
        return text(mapping(self._delete("/project/{project}/build-cache", project=project)), "status") or ""

    def _listed(
        self, route: str, query: Query, limit: int | None, offset: int, **parts: Any
    ) -> Iterator[BuildSummary]:
        fetch = functools.partial(self._page, route, query, parts)
        found = by_offset(fetch, _identity, limit=limit, offset=offset)
        return (BuildSummary.read(build) for build in found if _identity(build)[1] is not None)

    def _page(
        self, route: str, query: Query, parts: Mapping[str, Any], limit: int, offset: int
    ) -> tuple[Raw, ...]:
        return objects(self._get(route, {**query, "limit": limit, "offset": offset}, **parts))


def _identity(build: Raw) -> tuple[str | None, int | None]:
    return text(build, "vcs_url"), number(build, "build_num")


def _trigger_body(**given: Any) -> dict[str, Any]:
    """What was given; names of build parameters must be names of environment variables."""
    wrong = [n for n in given.get("build_parameters") or {} if not ENVIRONMENT_NAME.fullmatch(n)]
    if wrong:
        raise UsageError(f"{wrong[0]!r} cannot name a build parameter: letters, digits and _ only")
    return {key: value for key, value in given.items() if value is not None}
