"""The whole configuration file as it is written."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from relay.config.examples import Example
from relay.config.people import Person
from relay.config.quiet import Hours, SilenceSpec
from relay.config.retry import Retry
from relay.config.routes import Route, Unmatched
from relay.config.section import Section
from relay.config.server import CircleCI, Defaults, Server
from relay.config.signatures import Signatures
from relay.config.templates import TemplateSpec
from relay.config.values import Kind, Name
from relay.config.watch import Watch
from relay.secret import Secret

Written = Annotated[Mapping[str, Any], Kind(name="options")]


class File(Section):
    """The sections of the file. All but `version` and `routes` may be left out.

    Options of notifiers and actions depend on their type and are checked apart.
    """

    version: Literal[1] = Field(description="The version of this format: 1.")
    server: Server = Field(default=Server(), description="How the relay is reached.")
    store: Secret = Field(
        default=Secret("sqlite:///relay.db"),
        description="The database: `sqlite:///relay.db` or `postgresql://…`.",
    )
    circleci: CircleCI = Field(default=CircleCI(), description="The CircleCI that sends the webhooks.")
    defaults: Defaults = Field(
        default=Defaults(), description="What holds unless a notifier or a route says otherwise."
    )
    people: Mapping[Name, Person] = Field(
        default_factory=dict, description="Who is who: git identity to chat identity, by name."
    )
    schedules: Mapping[Name, Hours] = Field(default_factory=dict, description="Named hours of the week.")
    notifiers: Mapping[Name, Written] = Field(
        default_factory=dict, description="The places the relay can speak to, by name."
    )
    templates: Mapping[Name, TemplateSpec] = Field(
        default_factory=dict, description="The wording of messages, by name."
    )
    actions: Mapping[Name, Written] = Field(
        default_factory=dict, description="Things done through an API, by name."
    )
    signatures: Signatures = Field(
        default=Signatures(), description="What is added to the catalogue by which failures are recognised."
    )
    retry: Retry = Field(
        default=Retry(), description="When a failed run is tried again before anybody is told."
    )
    silences: tuple[SilenceSpec, ...] = Field(
        default=(), description="Times in which nothing is said about some events."
    )
    watch: Mapping[Name, Watch] = Field(
        default_factory=dict, description="Runs that should happen and are missed when they do not, by name."
    )
    routes: tuple[Route, ...] = Field(default=(), description="Who is told what, in order. At least one.")
    unmatched: Unmatched = Field(
        default=Unmatched(), description="What happens to events that no route takes."
    )
    tests: tuple[Example, ...] = Field(
        default=(), description="Examples that this configuration must get right."
    )
