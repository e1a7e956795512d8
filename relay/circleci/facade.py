"""CircleCI as the relay uses it: all versions of the API, and the choice between them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from relay.circleci.api import Project
from relay.circleci.children import child_build, child_workflow
from relay.circleci.errors import Gone
from relay.circleci.http import Http
from relay.circleci.logs import LOG_LIMIT, StepLog, build_logs
from relay.circleci.retrying import Again, retry
from relay.circleci.slugs import parse
from relay.circleci.started import Apis, RetryFrom, Started, Version
from relay.circleci.triggering import Order, trigger
from relay.circleci.types.results import Artifact, TestResult
from relay.circleci.v1 import V1
from relay.circleci.v1_1 import V11
from relay.circleci.v2 import V2
from relay.errors import UsageError


class CircleCI:
    """`v1`, `v1_1` and `v2` have each endpoint as it is; the methods here pick one. Thread-safe."""

    def __init__(self, http: Http) -> None:
        self.http = http
        self.v1, self.v1_1, self.v2 = V1(http), V11(http), V2(http)
        self._apis = Apis(v1=self.v1, v1_1=self.v1_1, v2=self.v2)

    def __repr__(self) -> str:
        return f"CircleCI({self.http.root})"

    def close(self) -> None:
        """Closes its connections."""
        self.http.close()

    def within(self, seconds: float) -> "CircleCI":
        """The same client, all of whose calls together end that many seconds from now."""
        return CircleCI(self.http.within(seconds))

    def retry(
        self,
        project: Project,
        *,
        workflow: str | None = None,
        number: int | None = None,
        start: RetryFrom = RetryFrom.FAILED,
        jobs: Sequence[str] = (),
        ssh: bool = False,
        version: Version = Version.AUTO,
    ) -> Started:
        """Runs a workflow, or the build or job of that number, again.

        POST /api/v2/workflow/{workflow}/rerun where the workflow is known or can be found, else, or where
        asked for, POST /api/v1.1/project/{project}/{number}/retry (ssh). `jobs` are UUIDs. Raises Unclear
        when the answer was lost: `find_child` then tells what came of it.
        """
        if workflow is None and number is None:
            raise UsageError("name a workflow or a build to run again")
        again = Again(
            project=parse(project),
            workflow=workflow,
            number=number,
            start=start,
            jobs=tuple(jobs),
            ssh=ssh,
            version=version,
        )
        return retry(self._apis, again)

    def trigger(
        self,
        project: Project,
        *,
        branch: str | None = None,
        tag: str | None = None,
        revision: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        build_parameters: Mapping[str, Any] | None = None,
        definition: str | None = None,
        version: Version = Version.AUTO,
    ) -> Started:
        """Starts a pipeline, or a build where a revision or build parameters are given.

        POST /api/v2/project/{project}/pipeline/run, on older installs …/pipeline; or
        POST /api/v1.1/project/{project}/tree/{branch}. Raises Unclear when the answer was lost.
        """
        order = Order(
            project=parse(project),
            branch=branch,
            tag=tag,
            revision=revision,
            parameters=parameters or {},
            build_parameters=build_parameters or {},
            definition=definition,
            version=version,
        )
        return trigger(self._apis, order)

    def find_child(
        self,
        project: Project,
        *,
        workflow: str | None = None,
        number: int | None = None,
        known: Collection[str] = (),
    ) -> Started | None:
        """What was started from this workflow or build, other than the `known` ids and numbers; reads only.

        GET /api/v2/pipeline/{pipeline}/workflow, or the build's `retries` and `retry_of` through v1.1.
        """
        if workflow is not None:
            return child_workflow(self._apis, workflow, known)
        if number is None:
            raise UsageError("name a workflow or a build")
        return child_build(self._apis, parse(project), number, known)

    def cancel(self, project: Project, *, workflow: str | None = None, number: int | None = None) -> str:
        """Stops a workflow or a job; what CircleCI says. Ending what has ended already is no error.

        POST /api/v2/workflow/{workflow}/cancel, or POST /api/v1.1/project/{project}/{number}/cancel.
        """
        if workflow is not None:
            return self.v2.cancel_workflow(workflow)
        if number is None:
            raise UsageError("name a workflow or a build to stop")
        try:
            return self.v1_1.cancel(project, number).status or ""
        except Gone:
            return self.v2.cancel_job(project, number)

    def artifacts(self, project: Project, number: int) -> tuple[Artifact, ...]:
        """GET /api/v1.1/project/{project}/{number}/artifacts; v2's once that has ended."""
        try:
            return self.v1_1.artifacts(project, number)
        except Gone:
            return tuple(self.v2.artifacts(project, number))

    def tests(self, project: Project, number: int) -> tuple[TestResult, ...]:
        """GET /api/v1.1/project/{project}/{number}/tests; v2's once that has ended."""
        try:
            return self.v1_1.tests(project, number)
        except Gone:
            return tuple(self.v2.tests(project, number))

    def logs(
        self, project: Project, number: int, *, failed: bool = False, limit: int = LOG_LIMIT
    ) -> Iterator[StepLog]:
        """The logs of a build's steps, or of those to blame, one at a time.

        GET /api/v1.1/project/{project}/{number}, then each action's output_url without the token. These
        addresses end within minutes; for an expired one the build is asked for again.
        """
        return build_logs(self.http, lambda: self.v1_1.build(project, number), failed=failed, limit=limit)
