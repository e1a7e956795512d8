"""The scripted CircleCI's endpoints: what each does to its world and answers, by the documentation."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.circleci_world import FakeProject, Json, World

SUNSET = {"Deprecation": "@1769904000", "Sunset": "Mon, 01 Feb 2027 00:00:00 GMT"}
PAGE = (
    b"<!DOCTYPE html><html><head><title>Not here</title><style>b{}</style></head><body>No page</body></html>"
)


@dataclass(frozen=True, kw_only=True)
class Ask:
    """A request that found its endpoint."""

    world: World
    version: str  # v1 | v1.1 | v2
    parts: Mapping[str, str]
    query: Mapping[str, str]
    body: Any
    known_project: FakeProject | None = None

    @property
    def project(self) -> FakeProject:
        assert self.known_project is not None
        return self.known_project

    @property
    def build(self) -> Json:
        return self.project.builds[int(self.parts["number"])]


@dataclass(frozen=True, kw_only=True)
class Given:
    """An answer. `body` is JSON, or bytes sent as they are."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json;charset=utf-8"

    def encoded(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


Endpoint = Callable[[Ask], Given]


class Refusal(Exception):
    """Raised inside an endpoint to answer with an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.given = Given(status=status, body={"message": message})


def not_found_page() -> Given:
    return Given(status=404, body=PAGE, content_type="text/html; charset=utf-8")


def find(method: str, version: str, path: str) -> tuple[Endpoint, dict[str, str], str] | None:
    """The endpoint, the pieces of its path (still encoded) and its route."""
    for verb, versions, route, endpoint in ROUTES:
        found = re.fullmatch(_pattern(route, version), path) if version in versions else None
        if verb == method and found:
            return endpoint, found.groupdict(), route
    return None


def _pattern(route: str, version: str) -> str:
    project = "[^/]+/[^/]+" if version == "v1" else "[^/]+/[^/]+/[^/]+"
    wanted = {"project": project, "number": "[0-9]+", "rest": ".+"}
    return re.sub(r"\{(\w+)\}", lambda name: f"(?P<{name[1]}>{wanted.get(name[1], '[^/]+')})", route)


# v1 and v1.1


def me(ask: Ask) -> Given:
    extra = {"id": "00000000-0000-4000-8000-00000000a11c"} if ask.version == "v2" else {"admin": None}
    return Given(body={**ask.world.user, **extra})


def projects(ask: Ask) -> Given:
    return Given(body=[_followed(p, ask.query) for p in ask.world.projects.values() if p.following])


def _followed(project: FakeProject, query: Mapping[str, str]) -> Json:
    body: Json = {
        "username": project.org,
        "reponame": project.name,
        "vcs_url": project.vcs_url,
        "default_branch": "main",
        "followed": True,
        "slack_webhook_url": "https://chat.example/secret-of-the-project",
    }
    return body if query.get("shallow") == "true" else {**body, "branches": {"main": {}}}


def project_builds(ask: Ask) -> Given:
    branch = ask.parts.get("branch")
    builds = [b for b in ask.project.builds.values() if branch is None or b["branch"] == branch]
    return _listed(builds, ask.query)


def all_builds(ask: Ask) -> Given:
    org = ask.parts.get("org")
    found = [p for p in ask.world.projects.values() if org in {None, p.org}]
    return _listed([build for project in found for build in project.builds.values()], ask.query)


_FILTERS: Mapping[str, Callable[[Json], bool]] = {
    "completed": lambda build: build["lifecycle"] == "finished",
    "successful": lambda build: build["outcome"] == "success",
    "failed": lambda build: build["outcome"] == "failed",
    "running": lambda build: build["status"] == "running",
}


def _listed(builds: list[Json], query: Mapping[str, str]) -> Given:
    wanted = _FILTERS.get(query.get("filter", ""), lambda build: True)
    newest = sorted(filter(wanted, builds), key=lambda build: build["build_num"], reverse=True)
    offset, limit = int(query.get("offset", 0)), min(int(query.get("limit", 30)), 100)
    return Given(body=[_summary(build) for build in newest[offset : offset + limit]])


def _summary(build: Json) -> Json:
    return {key: value for key, value in build.items() if key != "steps"}


def build(ask: Ask) -> Given:
    return Given(body=ask.build)


def artifacts(ask: Ask) -> Given:
    return Given(body=ask.project.artifacts.get(int(ask.parts["number"]), []))


def latest_artifacts(ask: Ask) -> Given:
    newest = max(ask.project.artifacts, default=0)
    return Given(body=ask.project.artifacts.get(newest, []))


def tests(ask: Ask) -> Given:
    found = ask.project.tests.get(int(ask.parts["number"]), [])
    return Given(body={"tests": found, "exceptions": []})


def action_output(ask: Ask) -> Given:
    text = f"step {ask.parts['step']} of container {ask.parts['index']}\r\n"
    return Given(body=text.encode(), content_type="text/plain")


def retry(ask: Ask) -> Given:
    root = ask.build
    new = _new_build(ask, branch=root["branch"], why="retry", retry_of=root["build_num"])
    root["retries"] = [*(root["retries"] or []), new["build_num"]]
    root["status"] = "retried"
    return Given(body=_summary(new))


def retry_with_ssh(ask: Ask) -> Given:
    answer = retry(ask)
    ask.project.builds[answer.body["build_num"]]["why"] = "ssh"
    return Given(body={**answer.body, "why": "ssh"})


def _new_build(ask: Ask, **fields: Any) -> Json:
    refused = ask.project.dont_build
    state = "not_run" if refused else "scheduled"
    course = {"lifecycle": state, "status": state, "outcome": None, "failed": None, "dont_build": refused}
    times = {"start_time": None, "stop_time": None, "build_time_millis": None}
    number = ask.world.next_number(ask.project)
    return ask.world.add_build(ask.project, number, **{**course, **times, **fields})


def trigger(ask: Ask) -> Given:
    body = ask.body or {}
    branch = None if body.get("tag") else ask.parts.get("branch", "main")
    given = {"vcs_revision": body["revision"]} if "revision" in body else {}
    new = _new_build(
        ask,
        branch=branch,
        vcs_tag=body.get("tag"),
        why="api",
        build_parameters=body.get("build_parameters", {}),
        **given,
    )
    return Given(status=201, body=_summary(new))


def trigger_build(ask: Ask) -> Given:
    ask.world.add_pipeline(ask.project)
    return Given(body={"status": 200, "body": "Build created"})


def cancel(ask: Ask) -> Given:
    if ask.build["lifecycle"] != "finished":
        ask.build.update(status="canceled", outcome="canceled", canceled=True)
    return Given(body=_summary(ask.build))


def ssh_users(ask: Ask) -> Given:
    ask.build["ssh_users"] = [{"login": ask.world.user["login"], "type": "github"}]
    return Given(body=_summary(ask.build))


def clear_cache(ask: Ask) -> Given:
    ask.project.cleared += 1
    return Given(body={"status": "build dependency caches deleted"})


def add_user_ssh_key(ask: Ask) -> Given:
    ask.world.user_ssh_keys += 1
    return Given(body={})


def add_heroku_key(ask: Ask) -> Given:
    ask.world.heroku_keys.append(ask.body["apikey"])
    return Given(body=b'""', content_type="text/plain; charset=utf-8")


def envvars(ask: Ask) -> Given:
    return Given(body=[_masked(name, value) for name, value in ask.project.envvars.items()])


def _masked(name: str, value: str) -> Json:
    return {"name": name, "value": f"xxxx{value[-4:]}"}


def envvar(ask: Ask) -> Given:
    name = ask.parts["name"]
    if name not in ask.project.envvars:
        raise Refusal(404, "env var not found")
    return Given(body=_masked(name, ask.project.envvars[name]))


def set_envvar(ask: Ask) -> Given:
    ask.project.envvars[ask.body["name"]] = ask.body["value"]
    return Given(status=201, body=_masked(ask.body["name"], ask.body["value"]))


def delete_envvar(ask: Ask) -> Given:
    envvar(ask)
    del ask.project.envvars[ask.parts["name"]]
    return Given(body={"message": "ok"})


def checkout_keys(ask: Ask) -> Given:
    return Given(body=list(ask.project.checkout_keys.values()))


def create_checkout_key(ask: Ask) -> Given:
    number = len(ask.project.checkout_keys)
    fingerprint = f"aa:bb:cc:{number:02}"
    key = {
        "public_key": "ssh-rsa AAAA\n",
        "type": ask.body["type"],
        "fingerprint": fingerprint,
        "preferred": True,
        "time": ask.world.now(),
    }
    ask.project.checkout_keys[fingerprint] = key
    return Given(status=201, body=key)


def checkout_key(ask: Ask) -> Given:
    found = ask.project.checkout_keys.get(ask.parts["fingerprint"])
    if found is None:
        raise Refusal(404, "checkout key not found")
    return Given(body=found)


def delete_checkout_key(ask: Ask) -> Given:
    checkout_key(ask)
    del ask.project.checkout_keys[ask.parts["fingerprint"]]
    return Given(body={"message": "ok"})


def add_ssh_key(ask: Ask) -> Given:
    if "PRIVATE KEY" not in ask.body["private_key"]:
        raise Refusal(400, "it looks like private key is invalid key.  Double check")
    ask.project.ssh_keys.append(ask.body)
    return Given(body=b'""')


def delete_ssh_key(ask: Ask) -> Given:
    ask.project.ssh_keys = [k for k in ask.project.ssh_keys if k["hostname"] != ask.body["hostname"]]
    return Given(body=b"")


def follow(ask: Ask) -> Given:
    ask.project.following = True
    return Given(body={"following": True, "workflow": False, "first_build": None})


def unfollow(ask: Ask) -> Given:
    ask.project.following = False
    return Given(body={"followed": False} if ask.version == "v1" else {"following": False})


def settings(ask: Ask) -> Given:
    return Given(body={"slack_webhook_url": "https://chat.example/secret-of-the-project", "oss": False})


# v2


def collaborations(ask: Ask) -> Given:
    return Given(body=[{"id": "org-1", "name": "acme", "slug": "gh/acme", "vcs-type": "github"}])


def project(ask: Ask) -> Given:
    found = ask.project
    return Given(
        body={
            "id": found.id,
            "slug": found.slug,
            "name": found.name,
            "organization_name": found.org,
            "vcs_info": {"vcs_url": found.vcs_url, "provider": "GitHub", "default_branch": "main"},
        }
    )


def _pages(items: list[Json], ask: Ask) -> Given:
    """Tokens are the next position, disguised."""
    start = int(ask.query.get("page-token", "next-0").removeprefix("next-"))
    end = start + ask.world.page_size
    token = f"next-{end}" if end < len(items) else None
    return Given(body={"items": items[start:end], "next_page_token": token})


def pipelines(ask: Ask) -> Given:
    mine = [p for p in ask.world.pipelines.values() if p["project_slug"] == ask.project.slug]
    branch = ask.query.get("branch")
    wanted = [p for p in mine if branch is None or p["vcs"]["branch"] == branch]
    return _pages(wanted[::-1], ask)


def _one(found: Mapping[str, Json], key: str, what: str) -> Json:
    if key not in found:
        raise Refusal(404, f"{what} not found")
    return found[key]


def pipeline(ask: Ask) -> Given:
    return Given(body=_one(ask.world.pipelines, ask.parts["id"], "Pipeline"))


def pipeline_workflows(ask: Ask) -> Given:
    mine = [w for w in ask.world.workflows.values() if w["pipeline_id"] == ask.parts["id"]]
    return _pages(mine[::-1], ask)


def _workflow(ask: Ask) -> Json:
    return _one(ask.world.workflows, ask.parts["id"], "Workflow")


def workflow(ask: Ask) -> Given:
    return Given(body=_workflow(ask))


def workflow_jobs(ask: Ask) -> Given:
    _workflow(ask)
    return _pages(ask.world.jobs[ask.parts["id"]], ask)


def rerun(ask: Ask) -> Given:
    root, body = _workflow(ask), ask.body or {}
    if body.get("jobs") and body.get("from_failed"):
        raise Refusal(400, "jobs and from_failed are mutually exclusive")
    if body.get("enable_ssh") and not body.get("jobs"):
        raise Refusal(400, "enable_ssh requires jobs")
    if body.get("from_failed") and root["status"] != "failed":
        raise Refusal(400, "workflow has no failed jobs")
    pipeline = ask.world.pipelines[root["pipeline_id"]]
    new = ask.world.add_workflow(pipeline, name=root["name"], status="running")
    return Given(status=202, body={"workflow_id": new["id"]})


def cancel_workflow(ask: Ask) -> Given:
    _workflow(ask)["status"] = "canceled"
    return Given(status=202, body={"message": "Accepted."})


def approve(ask: Ask) -> Given:
    _workflow(ask)
    ask.world.approved.append((ask.parts["id"], ask.parts["request"]))
    return Given(status=202, body={"message": "Accepted."})


def job(ask: Ask) -> Given:
    found = ask.build
    link = found.get("workflows") or {}
    return Given(
        body={
            "number": found["build_num"],
            "name": link.get("job_name"),
            "status": found["status"],
            "web_url": found["build_url"],
            "latest_workflow": {"id": link.get("workflow_id"), "name": link.get("workflow_name")},
            "pipeline": {"id": None},
            "project": {"id": ask.project.id, "slug": ask.project.slug, "name": ask.project.name},
            "executor": {"type": "docker", "resource_class": "medium"},
            "duration": 61_000,
            "messages": [],
        }
    )


def cancel_job(ask: Ask) -> Given:
    ask.build["status"] = "canceled"
    return Given(status=202, body={"message": "Accepted."})


def artifacts_v2(ask: Ask) -> Given:
    found = ask.project.artifacts.get(int(ask.parts["number"]), [])
    return _pages([{k: v for k, v in one.items() if k != "pretty_path"} for one in found], ask)


def tests_v2(ask: Ask) -> Given:
    return _pages(ask.project.tests.get(int(ask.parts["number"]), []), ask)


def start_pipeline(ask: Ask) -> Given:
    body = ask.body or {}
    what = {**body.get("config", {}), **{k: body[k] for k in ("branch", "tag") if k in body}}
    if what.get("branch") == "skip":
        return Given(body={"message": "Pipeline was skipped: [ci skip]"})
    undeclared = set(body.get("parameters", {})) - {"deploy"}
    if undeclared:
        raise Refusal(400, f"Unexpected argument(s): {', '.join(sorted(undeclared))}")
    new = ask.world.add_pipeline(ask.project, vcs={"branch": "main", **what}, state="pending")
    return Given(status=201, body={key: new[key] for key in ("id", "number", "state", "created_at")})


def definitions(ask: Ask) -> Given:
    found = next(p for p in ask.world.projects.values() if p.id == ask.parts["id"])
    return Given(body={"items": found.definitions})


def flaky_tests(ask: Ask) -> Given:
    return Given(body={"flaky_tests": ask.project.flaky, "total_flaky_tests": len(ask.project.flaky)})


def webhooks(ask: Ask) -> Given:
    mine = [w for w in ask.world.webhooks.values() if w["scope"]["id"] == ask.query["scope-id"]]
    return _pages([_unsecret(webhook) for webhook in mine], ask)


def _unsecret(webhook: Json) -> Json:
    return {**webhook, "signing-secret": "****"}


def create_webhook(ask: Ask) -> Given:
    wanted = {"name", "url", "events", "signing-secret", "verify-tls", "scope"}
    missing = wanted - set(ask.body)
    if missing or not ask.body["url"].startswith("https://"):
        raise Refusal(400, f"missing or wrong: {sorted(missing) or 'url'}")
    now = ask.world.now()
    webhook = {"id": ask.world.new_id(), **ask.body, "created-at": now, "updated-at": now}
    ask.world.webhooks[webhook["id"]] = webhook
    return Given(status=201, body=_unsecret(webhook))


def _webhook(ask: Ask) -> Json:
    return _one(ask.world.webhooks, ask.parts["id"], "Webhook")


def webhook(ask: Ask) -> Given:
    return Given(body=_unsecret(_webhook(ask)))


def update_webhook(ask: Ask) -> Given:
    _webhook(ask).update(ask.body)
    return webhook(ask)


def delete_webhook(ask: Ask) -> Given:
    del ask.world.webhooks[_webhook(ask)["id"]]
    return Given(body={"message": "Webhook deleted."})


OLD, V1, V11, NEW = {"v1", "v1.1"}, {"v1"}, {"v1.1"}, {"v2"}
_BUILD = "/project/{project}/{number}"

ROUTES: tuple[tuple[str, set[str], str, Endpoint], ...] = (
    ("GET", OLD | NEW, "/me", me),
    ("GET", OLD, "/projects", projects),
    ("GET", OLD, "/recent-builds", all_builds),
    ("GET", V1, "/organization/{org}", all_builds),
    ("GET", V11, "/organization/{vcs}/{org}", all_builds),
    ("POST", OLD, "/user/ssh-key", add_user_ssh_key),
    ("POST", OLD, "/user/heroku-key", add_heroku_key),
    ("GET", OLD, "/project/{project}", project_builds),
    ("POST", OLD, "/project/{project}", trigger),
    ("GET", OLD, "/project/{project}/tree/{branch}", project_builds),
    ("POST", OLD, "/project/{project}/tree/{branch}", trigger),
    ("POST", V11, "/project/{project}/build", trigger_build),
    ("GET", OLD, "/project/{project}/latest/artifacts", latest_artifacts),
    ("GET", OLD, "/project/{project}/settings", settings),
    ("POST", OLD, "/project/{project}/follow", follow),
    ("POST", OLD, "/project/{project}/unfollow", unfollow),
    ("POST", OLD, "/project/{project}/enable", settings),
    ("DELETE", OLD, "/project/{project}/enable", settings),
    ("DELETE", OLD, "/project/{project}/build-cache", clear_cache),
    ("GET", OLD, "/project/{project}/envvar", envvars),
    ("POST", OLD, "/project/{project}/envvar", set_envvar),
    ("GET", OLD, "/project/{project}/envvar/{name}", envvar),
    ("DELETE", OLD, "/project/{project}/envvar/{name}", delete_envvar),
    ("GET", OLD, "/project/{project}/checkout-key", checkout_keys),
    ("POST", OLD, "/project/{project}/checkout-key", create_checkout_key),
    ("GET", OLD, "/project/{project}/checkout-key/{fingerprint}", checkout_key),
    ("DELETE", OLD, "/project/{project}/checkout-key/{fingerprint}", delete_checkout_key),
    ("POST", OLD, "/project/{project}/ssh-key", add_ssh_key),
    ("DELETE", OLD, "/project/{project}/ssh-key", delete_ssh_key),
    ("GET", OLD, _BUILD, build),
    ("GET", OLD, _BUILD + "/artifacts", artifacts),
    ("GET", OLD, _BUILD + "/tests", tests),
    ("GET", OLD, _BUILD + "/output/{step}/{index}", action_output),
    ("POST", OLD, _BUILD + "/retry", retry),
    ("POST", OLD, _BUILD + "/ssh", retry_with_ssh),
    ("POST", OLD, _BUILD + "/cancel", cancel),
    ("POST", OLD, _BUILD + "/ssh-users", ssh_users),
    ("GET", NEW, "/me/collaborations", collaborations),
    ("GET", NEW, "/project/{project}", project),
    ("GET", NEW, "/project/{project}/pipeline", pipelines),
    ("POST", NEW, "/project/{project}/pipeline", start_pipeline),
    ("POST", NEW, "/project/{project}/pipeline/run", start_pipeline),
    ("GET", NEW, "/project/{project}/job/{number}", job),
    ("POST", NEW, "/project/{project}/job/{number}/cancel", cancel_job),
    ("GET", NEW, _BUILD + "/artifacts", artifacts_v2),
    ("GET", NEW, _BUILD + "/tests", tests_v2),
    ("GET", NEW, "/pipeline/{id}", pipeline),
    ("GET", NEW, "/pipeline/{id}/workflow", pipeline_workflows),
    ("GET", NEW, "/workflow/{id}", workflow),
    ("GET", NEW, "/workflow/{id}/job", workflow_jobs),
    ("POST", NEW, "/workflow/{id}/rerun", rerun),
    ("POST", NEW, "/workflow/{id}/cancel", cancel_workflow),
    ("POST", NEW, "/workflow/{id}/approve/{request}", approve),
    ("GET", NEW, "/projects/{id}/pipeline-definitions", definitions),
    ("GET", NEW, "/insights/{project}/flaky-tests", flaky_tests),
    ("GET", NEW, "/webhook", webhooks),
    ("POST", NEW, "/webhook", create_webhook),
    ("GET", NEW, "/webhook/{id}", webhook),
    ("PUT", NEW, "/webhook/{id}", update_webhook),
    ("DELETE", NEW, "/webhook/{id}", delete_webhook),
)

ENDING = {  # POSTs of v1 and v1.1 that answer 410 from 1 February 2027
    "/project/{project}",
    "/project/{project}/tree/{branch}",
    "/project/{project}/build",
    _BUILD + "/retry",
    _BUILD + "/ssh",
}
NOT_ON_SERVER = {_BUILD + "/retry", _BUILD + "/ssh"}
