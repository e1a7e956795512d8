"""REST API v2: pipelines, workflows, jobs, webhooks. Takes personal tokens only."""

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from relay.circleci.api import Api, Project, Query
from relay.circleci.paging import Page, by_token
from relay.circleci.reading import Raw, at, mapping, objects, text
from relay.circleci.types.pipelines import JobDetails, Pipeline, PipelineStart, Workflow, WorkflowJob
from relay.circleci.types.projects import (
    Collaboration,
    FlakyTest,
    PipelineDefinition,
    ProjectDetails,
    User,
    Webhook,
    flaky_tests,
)
from relay.circleci.types.results import Artifact, TestResult
from relay.errors import UsageError
from relay.secret import Secret

EVENTS = ("workflow-completed", "job-completed")


class V2(Api):
    """The endpoints of API v2 the relay needs."""

    prefix = "/api/v2"

    def me(self) -> User:
        """GET /me"""
        return User.read(self._get("/me"))

    def collaborations(self) -> tuple[Collaboration, ...]:
        """GET /me/collaborations: the owner's organisations."""
        return tuple(Collaboration.read(one) for one in objects(self._get("/me/collaborations")))

    def project(self, project: Project) -> ProjectDetails:
        """GET /project/{project}"""
        return ProjectDetails.read(self._get("/project/{project}", project=project))

    def pipelines(self, project: Project, *, branch: str | None = None) -> Iterator[Pipeline]:
        """GET /project/{project}/pipeline: newest first."""
        found = self._listed("/project/{project}/pipeline", {"branch": branch}, project=project)
        return map(Pipeline.read, found)

    def pipeline(self, pipeline: str) -> Pipeline:
        """GET /pipeline/{pipeline}"""
        return Pipeline.read(self._get("/pipeline/{pipeline}", pipeline=pipeline))

    def pipeline_workflows(self, pipeline: str) -> Iterator[Workflow]:
        """GET /pipeline/{pipeline}/workflow: reruns are workflows of the same pipeline."""
        return map(Workflow.read, self._listed("/pipeline/{pipeline}/workflow", pipeline=pipeline))

    def workflow(self, workflow: str) -> Workflow:
        """GET /workflow/{workflow}"""
        return Workflow.read(self._get("/workflow/{workflow}", workflow=workflow))

    def workflow_jobs(self, workflow: str) -> Iterator[WorkflowJob]:
        """GET /workflow/{workflow}/job"""
        return map(WorkflowJob.read, self._listed("/workflow/{workflow}/job", workflow=workflow))

    def rerun(
        self,
        workflow: str,
        *,
        from_failed: bool = False,
        jobs: Sequence[str] = (),
        enable_ssh: bool = False,
        sparse_tree: bool = False,
    ) -> str | None:
        """POST /workflow/{workflow}/rerun: the new workflow's id, in the same pipeline.

        `jobs` are UUIDs and exclude `from_failed`; `enable_ssh` and `sparse_tree` need them.
        """
        if jobs and from_failed:
            raise UsageError("a rerun is from the failed jobs or of given jobs, not both")
        if (enable_ssh or sparse_tree) and not jobs:
            raise UsageError("a rerun with SSH or of a sparse tree needs the ids of its jobs")
        asked = {"from_failed": from_failed, "enable_ssh": enable_ssh, "sparse_tree": sparse_tree}
        body: dict[str, Any] = {key: True for key, wanted in asked.items() if wanted}
        body |= {"jobs": [*jobs]} if jobs else {}
        answer = self._post("/workflow/{workflow}/rerun", body, workflow=workflow)
        return text(mapping(answer), "workflow_id")

    def cancel_workflow(self, workflow: str) -> str:
        """POST /workflow/{workflow}/cancel: CircleCI's words about it."""
        return _said(self._post("/workflow/{workflow}/cancel", once=False, workflow=workflow))

    def approve(self, workflow: str, approval_request: str) -> str:
        """POST /workflow/{workflow}/approve/{approval_request}: lets a job on hold go on."""
        route = "/workflow/{workflow}/approve/{approval_request}"
        return _said(self._post(route, workflow=workflow, approval_request=approval_request))

    def job(self, project: Project, number: int) -> JobDetails:
        """GET /project/{project}/job/{number}"""
        return JobDetails.read(self._get("/project/{project}/job/{number}", project=project, number=number))

    def cancel_job(self, project: Project, number: int) -> str:
        """POST /project/{project}/job/{number}/cancel: CircleCI's words about it."""
        route = "/project/{project}/job/{number}/cancel"
        return _said(self._post(route, once=False, project=project, number=number))

    def artifacts(self, project: Project, number: int) -> Iterator[Artifact]:
        """GET /project/{project}/{number}/artifacts"""
        found = self._listed("/project/{project}/{number}/artifacts", project=project, number=number)
        return map(Artifact.read, found)

    def tests(self, project: Project, number: int) -> Iterator[TestResult]:
        """GET /project/{project}/{number}/tests"""
        found = self._listed("/project/{project}/{number}/tests", project=project, number=number)
        return map(TestResult.read, found)

    def run_pipeline(
        self,
        project: Project,
        *,
        branch: str | None = None,
        tag: str | None = None,
        definition: str | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> PipelineStart:
        """POST /project/{project}/pipeline/run: 200 with a message when nothing was started. Not for GitLab.

        `definition` is the UUID of a pipeline definition; branch may be pull/N/head or pull/N/merge.
        """
        what = _branch_or_tag(branch, tag)
        body = {
            **({"config": what, "checkout": what} if what else {}),
            **({"definition_id": definition} if definition else {}),
            **({"parameters": dict(parameters)} if parameters else {}),
        }
        return PipelineStart.read(self._post("/project/{project}/pipeline/run", body, project=project))

    def trigger_pipeline(
        self,
        project: Project,
        *,
        branch: str | None = None,
        tag: str | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> PipelineStart:
        """POST /project/{project}/pipeline: the older trigger, for GitHub OAuth and Bitbucket Cloud."""
        body = {**_branch_or_tag(branch, tag), **({"parameters": dict(parameters)} if parameters else {})}
        return PipelineStart.read(self._post("/project/{project}/pipeline", body, project=project))

    def pipeline_definitions(self, project_id: str) -> tuple[PipelineDefinition, ...]:
        """GET /projects/{project_id}/pipeline-definitions: by the project's UUID."""
        found = self._get("/projects/{project_id}/pipeline-definitions", project_id=project_id)
        return tuple(PipelineDefinition.read(one) for one in objects(at(mapping(found), "items")))

    def flaky_tests(self, project: Project) -> tuple[FlakyTest, ...]:
        """GET /insights/{project}/flaky-tests"""
        return flaky_tests(self._get("/insights/{project}/flaky-tests", project=project))

    def webhooks(self, project_id: str) -> Iterator[Webhook]:
        """GET /webhook: of a project, by its UUID."""
        query: Query = {"scope-id": project_id, "scope-type": "project"}
        return map(Webhook.read, self._listed("/webhook", query))

    def webhook(self, webhook: str) -> Webhook:
        """GET /webhook/{webhook}"""
        return Webhook.read(self._get("/webhook/{webhook}", webhook=webhook))

    def create_webhook(
        self,
        project_id: str,
        *,
        name: str,
        url: str,
        signing_secret: Secret,
        events: Sequence[str] = EVENTS,
        verify_tls: bool = True,
    ) -> Webhook:
        """POST /webhook: for a project, by its UUID; at most five per project, https only."""
        body = {
            "name": name,
            "url": url,
            "events": [*events],
            "signing-secret": signing_secret.reveal(),
            "verify-tls": verify_tls,
            "scope": {"id": project_id, "type": "project"},
        }
        return Webhook.read(self._post("/webhook", body))

    def update_webhook(
        self,
        webhook: str,
        *,
        name: str | None = None,
        url: str | None = None,
        signing_secret: Secret | None = None,
        events: Sequence[str] | None = None,
        verify_tls: bool | None = None,
    ) -> Webhook:
        """PUT /webhook/{webhook}: changes what is given."""
        given = {
            "name": name,
            "url": url,
            "events": None if events is None else [*events],
            "signing-secret": signing_secret.reveal() if signing_secret else None,
            "verify-tls": verify_tls,
        }
        body = {key: value for key, value in given.items() if value is not None}
        call = self._call("PUT", "/webhook/{webhook}", {"webhook": webhook}, json=body, once=True)
        return Webhook.read(self.http.send(call).body)

    def delete_webhook(self, webhook: str) -> str:
        """DELETE /webhook/{webhook}: CircleCI's words about it."""
        return _said(self._delete("/webhook/{webhook}", webhook=webhook))

    def _listed(self, route: str, query: Query | None = None, **parts: Any) -> Iterator[Raw]:
        return by_token(functools.partial(self._page, route, query or {}, parts))

    def _page(self, route: str, query: Query, parts: Mapping[str, Any], token: str | None) -> Page:
        found = mapping(self._get(route, {**query, "page-token": token}, **parts))
        return Page(items=objects(found.get("items")), next_token=text(found, "next_page_token"))


def _branch_or_tag(branch: str | None, tag: str | None) -> dict[str, str]:
    if branch and tag:
        raise UsageError("a pipeline is of a branch or of a tag, not of both")
    return {"branch": branch} if branch else {"tag": tag} if tag else {}


def _said(answer: Any) -> str:
    return text(mapping(answer), "message") or ""
