"""What the scripted CircleCI knows: projects, builds, workflows, files. Tests fill it and look into it.

Everything is invented: organization acme, people alice and bob.
"""

import itertools
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Json = dict[str, Any]

BEGIN = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
REVISION = "a1b2c3d4e5f60718293a4b5c6d7e8f9001122334"
LONG = {"gh": "github", "bb": "bitbucket"}


@dataclass
class FakeProject:
    """One project. `dont_build` makes triggered and retried builds ones that never run."""

    slug: str
    id: str
    builds: dict[int, Json] = field(default_factory=dict)
    artifacts: dict[int, list[Json]] = field(default_factory=dict)
    tests: dict[int, list[Json]] = field(default_factory=dict)
    envvars: dict[str, str] = field(default_factory=dict)
    checkout_keys: dict[str, Json] = field(default_factory=dict)
    ssh_keys: list[Json] = field(default_factory=list)
    definitions: list[Json] = field(default_factory=list)
    flaky: list[Json] = field(default_factory=list)
    following: bool = True
    cleared: int = 0  # how often the cache was cleared
    dont_build: str | None = None

    @property
    def vcs(self) -> str:
        return self.slug.split("/")[0]

    @property
    def org(self) -> str:
        return self.slug.split("/")[1]

    @property
    def name(self) -> str:
        return self.slug.split("/")[2]

    @property
    def vcs_url(self) -> str:
        host = {"gh": "github.com", "bb": "bitbucket.org"}.get(self.vcs, "gitlab.example")
        return f"https://{host}/{self.org}/{self.name}"


@dataclass
class FakeFile:
    """A stored file, served by the other host. `allows` is how often its address may be used."""

    content: bytes
    ranges: bool = True
    allows: int = 1000


@dataclass
class World:
    """The state. Switches: `gone` (after 1 February 2027), `self_hosted`, `no_v2` (an old install)."""

    user: Json = field(default_factory=lambda: {"login": "alice", "name": "Alice Archer"})
    projects: dict[str, FakeProject] = field(default_factory=dict)
    pipelines: dict[str, Json] = field(default_factory=dict)
    workflows: dict[str, Json] = field(default_factory=dict)
    jobs: dict[str, list[Json]] = field(default_factory=dict)  # by workflow
    webhooks: dict[str, Json] = field(default_factory=dict)
    files: dict[str, FakeFile] = field(default_factory=dict)  # at the other host, by path
    heroku_keys: list[str] = field(default_factory=list)
    user_ssh_keys: int = 0
    approved: list[tuple[str, str]] = field(default_factory=list)
    page_size: int = 20  # of v2
    gone: bool = False
    self_hosted: bool = False
    no_v2: bool = False
    api_url: str = ""
    files_url: str = ""
    begin: datetime = BEGIN
    _ticks: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def new_id(self) -> str:
        return str(uuid.UUID(int=next(self._ticks) + 0xACE00000000))

    def now(self) -> str:
        """Each look at the clock is a second later."""
        return (self.begin + timedelta(seconds=next(self._ticks))).isoformat().replace("+00:00", "Z")

    def add_project(self, slug: str = "gh/acme/api") -> FakeProject:
        project = self.projects[slug] = FakeProject(slug=slug, id=self.new_id())
        return project

    def add_build(self, project: FakeProject, number: int, **fields: Any) -> Json:
        """A finished, failed build of main; `fields` overrides any of its keys."""
        build = project.builds[number] = {**self._plain_build(project, number), **fields}
        return build

    def next_number(self, project: FakeProject) -> int:
        return max(project.builds, default=0) + 1

    def add_pipeline(self, project: FakeProject, **fields: Any) -> Json:
        pipeline = {
            "id": self.new_id(),
            "number": len(self.pipelines) + 1,
            "project_slug": project.slug,
            "state": "created",
            "created_at": self.now(),
            "errors": [],
            "trigger": {"type": "webhook", "actor": {"login": "alice", "avatar_url": None}},
            "vcs": {"branch": "main", "revision": REVISION, "commit": {"subject": "Add a door", "body": ""}},
            **fields,
        }
        self.pipelines[pipeline["id"]] = pipeline
        return pipeline

    def add_workflow(self, pipeline: Json, *, jobs: tuple[Json, ...] = (), **fields: Any) -> Json:
        """A failed workflow `build` of the pipeline."""
        workflow = {
            "id": self.new_id(),
            "name": "build",
            "status": "failed",
            "created_at": self.now(),
            "stopped_at": None,
            "pipeline_id": pipeline["id"],
            "pipeline_number": pipeline["number"],
            "project_slug": pipeline["project_slug"],
            "started_by": "alice",
            **fields,
        }
        self.workflows[workflow["id"]] = workflow
        self.jobs[workflow["id"]] = [{"id": self.new_id(), "type": "build", **job} for job in jobs]
        return workflow

    def add_build_in_workflow(
        self, project: FakeProject, workflow: Json, number: int, *, job: str = "test", **fields: Any
    ) -> Json:
        """A build that is a job of the workflow, in both generations of the API."""
        status = fields.get("status", "failed")
        entry = {"id": self.new_id(), "type": "build", "name": job, "status": status, "job_number": number}
        self.jobs[workflow["id"]].append({**entry, "dependencies": [], "started_at": self.now()})
        link = {
            "job_name": job,
            "job_id": entry["id"],
            "workflow_id": workflow["id"],
            "workflow_name": workflow["name"],
        }
        return self.add_build(project, number, workflows=link, platform="2.0", **fields)

    def add_artifact(
        self,
        project: FakeProject,
        number: int,
        path: str,
        content: bytes,
        *,
        node: int = 0,
        ranges: bool = True,
    ) -> Json:
        """Listed with an address of the API host, which redirects to the other host."""
        key = f"/files/{self.new_id()}"
        self.files[key] = FakeFile(content=content, ranges=ranges)
        url = f"{self.api_url}/output{key}"
        artifact = {"path": path, "pretty_path": path, "node_index": node, "url": url}
        project.artifacts.setdefault(number, []).append(artifact)
        return artifact

    def add_log(self, build: Json, step: str, chunks: list[Json], **fields: Any) -> Json:
        """A failed step of one action with a log at the other host; returns the action."""
        import json

        key = f"/files/{self.new_id()}"
        self.files[key] = FakeFile(content=json.dumps(chunks).encode())
        action = {
            "name": step,
            "index": 0,
            "step": 99 + 2 * len(build["steps"]),
            "status": "failed",
            "failed": True,
            "exit_code": 1,
            "has_output": True,
            "output_url": f"{self.files_url}{key}?X-Signature=presigned",
            **fields,
        }
        build["steps"].append({"name": step, "actions": [action]})
        return action

    def _plain_build(self, project: FakeProject, number: int) -> Json:
        return {
            "build_num": number,
            "build_url": f"{self.api_url}/{project.slug}/{number}",
            "vcs_url": project.vcs_url,
            "vcs_type": LONG.get(project.vcs, project.vcs),
            "username": project.org,
            "reponame": project.name,
            "branch": "main",
            "vcs_tag": None,
            "vcs_revision": REVISION,
            "subject": "Add a door",
            "body": "",
            "author_name": "Alice Archer",
            "user": {"is_user": True, "login": "alice"},
            "why": "github",
            "dont_build": None,
            "queued_at": self.now(),
            "start_time": self.now(),
            "stop_time": self.now(),
            "build_time_millis": 61_000,
            "lifecycle": "finished",
            "outcome": "failed",
            "status": "failed",
            "failed": True,
            "retry_of": None,
            "retries": None,
            "build_parameters": None,
            "messages": [],
            "steps": [],
        }
