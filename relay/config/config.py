"""The configuration as the rest of the relay uses it: checked, resolved, frozen."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from relay.config.examples import Example
from relay.config.people import Person
from relay.config.quiet import Hours, SilenceSpec
from relay.config.retry import Retry
from relay.config.routes import Unmatched
from relay.config.server import CircleCI, Defaults, Server
from relay.config.signatures import Signatures
from relay.config.templates import TemplateSpec
from relay.config.watch import Watch
from relay.errors import Fault
from relay.routing import RouteSpec
from relay.secret import Masker, Secret


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """Everything the file says. `notifiers` and `actions` are models of the registries given to `load`."""

    source: str  # the file's path as it was given
    fingerprint: str  # first 8 hex digits of the SHA-256 of its text
    masker: Masker  # hides every secret of the file, its environment and its secret files
    warnings: tuple[Fault, ...]  # odd, but no reason to refuse
    server: Server
    store: Secret  # a database URL
    circleci: CircleCI
    defaults: Defaults
    people: Mapping[str, Person]
    notifiers: Mapping[str, BaseModel]
    templates: Mapping[str, TemplateSpec]
    actions: Mapping[str, BaseModel]
    signatures: Signatures
    routes: tuple[RouteSpec, ...]
    unmatched: Unmatched
    watch: Mapping[str, Watch]
    silences: tuple[SilenceSpec, ...]
    schedules: Mapping[str, Hours]
    retry: Retry | None  # None: nothing is judged
    tests: tuple[Example, ...] = ()
