"""A checked file → Config."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from relay.config.config import Config
from relay.config.file import File
from relay.config.names import Place, named_routes
from relay.config.retry import FLAKY, Retry
from relay.config.tree import Path
from relay.errors import Fault
from relay.routing import RouteSpec
from relay.sandbox import compile_condition
from relay.secret import Masker, Secret

SETTINGS = (
    "group",
    "hold",
    "throttle",
    "once_per",
    "during",
    "outside",
    "digest",
    "template",
    "shadow",
    "inhibit",
)
FINGERPRINT = 8  # hex digits


def fingerprint(text: str) -> str:
    """Names one version of a configuration."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:FINGERPRINT]


def build(
    *,
    source: str,
    text: str,
    file: File,
    notifiers: Mapping[str, BaseModel],
    actions: Mapping[str, BaseModel],
    outside_values: frozenset[str],
    warnings: tuple[Fault, ...],
) -> Config:
    """The configuration of a file without faults. `outside_values` came from environment and secret files."""
    models = (file, *notifiers.values(), *actions.values())
    secrets = {secret.reveal() for model in models for secret in secrets_in(model)}
    return Config(
        source=source,
        fingerprint=fingerprint(text),
        masker=Masker(outside_values | secrets - {file.store.reveal()}),
        warnings=warnings,
        server=file.server,
        store=file.store,
        circleci=file.circleci,
        defaults=file.defaults,
        people=file.people,
        notifiers=notifiers,
        templates=file.templates,
        actions=actions,
        signatures=file.signatures,
        routes=route_specs(file),
        unmatched=file.unmatched,
        tests=file.tests,
        watch=file.watch,
        silences=file.silences,
        schedules=file.schedules,
        retry=_retry(file, actions),
    )


def _retry(file: File, actions: Mapping[str, BaseModel]) -> Retry | None:
    """Failures are judged where the file says so, or an action wants it."""
    is_wanted = any(getattr(action, "policy", None) == FLAKY for action in actions.values())
    return file.retry if is_wanted or "retry" in file.model_fields_set else None


def secrets_in(value: Any) -> Iterator[Secret]:
    """Every secret inside a model, however deep."""
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from secrets_in(getattr(value, name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from secrets_in(item)
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from secrets_in(item)


def route_specs(file: File) -> tuple[RouteSpec, ...]:
    """The routes, named, with compiled conditions."""
    places = {place.path: place for place in named_routes(file.routes)}
    return _below(("routes",), len(file.routes), places)


def _below(path: Path, count: int, places: Mapping[Path, Place]) -> tuple[RouteSpec, ...]:
    return tuple(_spec(places[(*path, index)], places) for index in range(count))


def _spec(place: Place, places: Mapping[Path, Place]) -> RouteSpec:
    route = place.route
    return RouteSpec(
        name=place.name,
        match=route.match,
        when=compile_condition(route.when) if route.when is not None else None,
        when_text=route.when or "",
        notify=route.notify,
        act=route.act,
        mention=route.mention,
        settings=_settings(place),
        stop=route.stop,
        routes=_below((*place.path, "routes"), len(route.routes), places),
    )


def _settings(place: Place) -> dict[str, Any]:
    """Only what the route itself says; durations are seconds, all values fit into JSON."""
    written = place.route.model_dump(mode="json", include=set(SETTINGS), exclude_unset=True)
    whole = {"group": place.route.group, "digest": place.route.digest}
    dumped = {key: each.model_dump(mode="json", exclude_none=True) for key, each in whole.items() if each}
    return {**written, **dumped}
