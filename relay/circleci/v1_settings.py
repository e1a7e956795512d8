"""The user, followed projects and their keys and variables, through API v1 and v1.1."""

from typing import Any

from relay.circleci.api import Api, Project, Query
from relay.circleci.calls import Call
from relay.circleci.reading import Raw, mapping, objects, text
from relay.circleci.types.projects import CheckoutKey, EnvVar, Following, ProjectSummary, User

KEY = "/project/{project}/checkout-key"


class Settings(Api):
    """The calls about who and what is set up. Most need a personal token."""

    def me(self) -> User:
        """GET /me: the token's owner; needs a personal token."""
        return User.read(self._get("/me"))

    def projects(self, *, shallow: bool | None = None) -> tuple[ProjectSummary, ...]:
        """GET /projects: those followed. `shallow` leaves out `branches`, which go on 7 December 2026."""
        found = self._get("/projects", {"shallow": shallow})
        return tuple(ProjectSummary.read(project) for project in objects(found))

    def settings(self, project: Project, *, skip_branches: bool | None = None) -> Raw:
        """GET /project/{project}/settings: raw; holds secrets, so never show it whole."""
        query: Query = {"skip-branches": skip_branches}
        return mapping(self._get("/project/{project}/settings", query, project=project))

    def follow(self, project: Project) -> Following:
        """POST /project/{project}/follow: may start a first build."""
        return Following.read(self._post("/project/{project}/follow", project=project))

    def unfollow(self, project: Project) -> Following:
        """POST /project/{project}/unfollow"""
        return Following.read(self._post("/project/{project}/unfollow", project=project))

    def enable(self, project: Project) -> Raw:
        """POST /project/{project}/enable: the settings, raw; they hold secrets."""
        return mapping(self._post("/project/{project}/enable", project=project))

    def disable(self, project: Project) -> Raw:
        """DELETE /project/{project}/enable"""
        return mapping(self._delete("/project/{project}/enable", project=project))

    def envvars(self, project: Project) -> tuple[EnvVar, ...]:
        """GET /project/{project}/envvar: values masked."""
        found = self._get("/project/{project}/envvar", project=project)
        return tuple(EnvVar.read(variable) for variable in objects(found))

    def envvar(self, project: Project, name: str) -> EnvVar:
        """GET /project/{project}/envvar/{name}"""
        return EnvVar.read(self._get("/project/{project}/envvar/{name}", project=project, name=name))

    def set_envvar(self, project: Project, name: str, value: str) -> EnvVar:
        """POST /project/{project}/envvar"""
        body = {"name": name, "value": value}
        return EnvVar.read(self._post("/project/{project}/envvar", body, project=project))

    def delete_envvar(self, project: Project, name: str) -> str:
        """DELETE /project/{project}/envvar/{name}: CircleCI's words about it."""
        return _said(self._delete("/project/{project}/envvar/{name}", project=project, name=name))

    def checkout_keys(self, project: Project, *, digest: str | None = None) -> tuple[CheckoutKey, ...]:
        """GET /project/{project}/checkout-key: digest is md5 or sha256 (v1.1)."""
        found = self._get(KEY, {"digest": digest}, project=project)
        return tuple(CheckoutKey.read(key) for key in objects(found))

    def checkout_key(self, project: Project, fingerprint: str) -> CheckoutKey:
        """GET /project/{project}/checkout-key/{fingerprint}"""
        route = KEY + "/{fingerprint}"
        return CheckoutKey.read(self._get(route, project=project, fingerprint=fingerprint))

    def create_checkout_key(self, project: Project, type: str) -> CheckoutKey:
        """POST /project/{project}/checkout-key: type is deploy-key or github-user-key."""
        return CheckoutKey.read(self._post(KEY, {"type": type}, project=project))

    def delete_checkout_key(self, project: Project, fingerprint: str) -> str:
        """DELETE /project/{project}/checkout-key/{fingerprint}: CircleCI's words about it."""
        route = KEY + "/{fingerprint}"
        return _said(self._delete(route, project=project, fingerprint=fingerprint))

    def add_ssh_key(self, project: Project, hostname: str, private_key: str) -> None:
        """POST /project/{project}/ssh-key: for reaching `hostname` from builds."""
        body = {"hostname": hostname, "private_key": private_key}
        self._post("/project/{project}/ssh-key", body, project=project)

    def delete_ssh_key(self, project: Project, hostname: str, fingerprint: str) -> None:
        """DELETE /project/{project}/ssh-key"""
        body = {"hostname": hostname, "fingerprint": fingerprint}
        self._delete("/project/{project}/ssh-key", body, project=project)

    def add_user_ssh_key(self) -> Any:
        """POST /user/ssh-key: puts a key of CircleCI on the owner's GitHub account."""
        return self._post("/user/ssh-key")

    def add_heroku_key(self, apikey: str) -> None:
        """POST /user/heroku-key: sent as a form; of use for platform 1.0 only."""
        route = self.prefix + "/user/heroku-key"
        form = {"apikey": apikey}
        self.http.send(Call(method="POST", endpoint=route, path=route, form=form, once=True))


def _said(answer: Any) -> str:
    return text(mapping(answer), "message") or ""
