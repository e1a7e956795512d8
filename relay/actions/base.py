"""What all actions have in common: the keys of their configuration, and what they are given to work with.

An action is carried out as a delivery of the queue: with attempts, a lease and replay. It answers with what
it did, or raises DeliveryError; a failure stops no message.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict, Field

from relay.actions.parts.options import Seconds
from relay.circleci.errors import CircleCIError
from relay.errors import DeliveryError, TemplateError, UsageError
from relay.model import Answer, Event
from relay.runs import Earlier, Intent, Outcome, Run
from relay.transport import Transport

if TYPE_CHECKING:
    from relay.circleci.facade import CircleCI

CIRCLECI = "circleci"  # the destination of everything asked of CircleCI
NO_TOKEN = "there is no circleci.token in the configuration; add one and replay"  # noqa: S105 - words


class Runs(Protocol):
    """Where runs are written down; see `relay.store.runs`."""

    def find(self, delivery_id: str) -> Run | None: ...
    def intend(self, intent: Intent, why_not: Callable[[Earlier], str | None]) -> Run: ...
    def settle(self, delivery_id: str, outcome: Outcome) -> None: ...
    def children(self, root: str) -> tuple[str, ...]: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Doing:
    """One attempt at an action."""

    delivery_id: str  # the same on every attempt
    name: str  # the action's, in the configuration
    event: Event
    scope: str  # the event's state key
    now: datetime
    settings: Mapping[str, Any] = field(default_factory=dict)  # of its delivery


@dataclass(frozen=True, kw_only=True, slots=True)
class Tools:
    """What actions may use. `note` adds to the event's notes, for messages that are made later."""

    circleci: "CircleCI | None"
    transport: Transport
    runs: Runs
    note: Callable[[Mapping[str, Any]], None]
    is_off: Callable[[], str | None] = lambda: None  # why no retry that was judged is made just now


class Unresolved(DeliveryError):
    """An answer was lost: what was asked for may have happened. Without another try it stays unknown."""


class NotYet(DeliveryError):
    """The other side is well, and yet it is too early: nobody is to blame."""


class Action(BaseModel):
    """Something done through an API. Subclasses: one file each, named as their type."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, hide_input_in_errors=True)

    needs_circleci: ClassVar[bool] = True
    starts_runs: ClassVar[bool] = False  # whether its children's events are to be recognised
    longest: ClassVar[float] = 60.0  # seconds for one attempt, unless `timeout` says otherwise
    in_flight: ClassVar[int | None] = 4  # being done at once, for one destination
    rate: ClassVar[float | None] = 5.0  # a second, for one destination
    burst: ClassVar[int] = 10

    type: str
    delay: Seconds = Field(default=0.0, description="How long to wait before it is done.")
    timeout: Seconds | None = Field(default=None, gt=0, description="How long one attempt may take.")

    def destination(self) -> str:
        """Names whom it asks, for limits and the ledger. Tells no secret."""
        return CIRCLECI

    def would(self, event: Event) -> str:
        """What it would do for this event, for `explain`: "would fetch up to 50 files, 50 MB"."""
        raise NotImplementedError

    def act(self, doing: Doing, tools: Tools) -> Answer:
        """One attempt. The answer's excerpt says in words what was done."""
        raise NotImplementedError

    def texts(self) -> Iterable[str]:
        """Its templates, for whoever wants to know which fields they use."""
        return ()

    def perform(self, doing: Doing, tools: Tools) -> Answer:
        """As `act`; every failure is a DeliveryError that says whether another attempt can help."""
        try:
            return self.act(doing, tools)
        except CircleCIError as error:
            raise as_delivery_error(error) from error
        except (UsageError, TemplateError) as error:
            raise DeliveryError(str(error), permanent=True) from error

    @property
    def seconds(self) -> float:
        return self.longest if self.timeout is None else self.timeout

    def client(self, tools: Tools) -> "CircleCI":
        """CircleCI's client, whose calls together take no longer than an attempt may."""
        if tools.circleci is None:
            raise DeliveryError(NO_TOKEN, permanent=True)
        return tools.circleci.within(self.seconds)


def as_delivery_error(error: CircleCIError) -> DeliveryError:
    return DeliveryError(
        str(error),
        permanent=not error.temporary or bool(getattr(error, "lasting", False)),
        retry_after=error.retry_after,
        status=error.status,
    )


def noted(name: str, action_type: str, text: str, url: str | None = None) -> dict[str, Any]:
    """What templates find below `notes.actions.NAME`."""
    return {"actions": {name: {"type": action_type, "text": text, "url": url}}}
