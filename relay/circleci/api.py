"""What the clients of all API versions share: turning an endpoint's pieces into a call."""

from collections.abc import Mapping
from typing import Any

from relay.circleci.calls import Call
from relay.circleci.http import Http
from relay.circleci.slugs import Slug, fill, parse

Project = str | Slug  # "gh/acme/api", "acme/api", an address, or parsed already
Query = Mapping[str, str | int | bool | None]


class Api:
    """One version of the API. `prefix` is the path all its endpoints start with."""

    prefix: str

    def __init__(self, http: Http) -> None:
        self.http = http

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.http.root}{self.prefix})"

    def _project(self, project: Project) -> tuple[str, ...]:
        """The segments that name a project in this version."""
        slug = parse(project)
        return slug.vcs, slug.org, slug.name

    def _get(self, route: str, query: Query | None = None, **parts: Any) -> Any:
        return self.http.send(self._call("GET", route, parts, query=_sent(query))).body

    def _delete(self, route: str, json: Any = None, **parts: Any) -> Any:
        return self.http.send(self._call("DELETE", route, parts, json=json)).body

    def _post(self, route: str, json: Any = None, *, once: bool = True, **parts: Any) -> Any:
        """`once` unless doing it twice is the same as doing it once."""
        body = {} if json is None else json
        return self.http.send(self._call("POST", route, parts, json=body, once=once)).body

    def _call(self, method: str, route: str, parts: Mapping[str, Any], **rest: Any) -> Call:
        project = {"project": self._project(parts["project"])} if "project" in parts else {}
        path = self.prefix + fill(route, **{**parts, **project})
        return Call(method=method, endpoint=self.prefix + route, path=path, **rest)


def _sent(query: Query | None) -> dict[str, str]:
    """The query as it goes out: what is None stays away, flags are true and false."""
    given = {key: value for key, value in (query or {}).items() if value is not None}
    flags = {True: "true", False: "false"}
    return {key: flags[value] if isinstance(value, bool) else str(value) for key, value in given.items()}
