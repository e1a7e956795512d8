"""Every error the relay raises on purpose.

RelayError
├── PayloadError        a webhook that is not JSON or tells of no build: answered with 400
├── ConfigError         a configuration that cannot be used; carries every fault found
├── StoreError          the database cannot be used now
│   ├── StoreBusy       … but may be soon: answered with 503 and Retry-After
│   └── PlanRefused     one plan among several cannot be recorded; record each by itself
├── TemplateError       a template that cannot be rendered; the message is sent plain
├── DeliveryError       one try at a delivery failed; says whether another can help
└── UsageError          a command was asked for something that is not there
"""

from collections.abc import Sequence
from dataclasses import dataclass


class RelayError(Exception):
    """Base of all errors raised on purpose."""


class PayloadError(RelayError):
    """A webhook body that cannot become an event. The text is safe to answer with."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One thing wrong in a configuration, and where."""

    file: str
    line: int  # from 1
    column: int  # from 1
    path: str  # "notifiers.oncall.webhok"
    problem: str  # "unknown key, did you mean webhook?"

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}"
        return f"{where} {self.path}: {self.problem}" if self.path else f"{where} {self.problem}"


class ConfigError(RelayError):
    """All faults of a configuration at once."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = tuple(faults)


class StoreError(RelayError):
    """The database cannot be used."""


class StoreBusy(StoreError):
    """The database cannot commit now; the caller should come back."""

    def __init__(self, message: str, retry_after: int = 5) -> None:
        super().__init__(message)
        self.retry_after = retry_after  # seconds


class PlanRefused(StoreError):
    """The database refused a plan, and with it everything of the same turn."""


class TemplateError(RelayError):
    """A template that is wrong, or took too much."""


class DeliveryError(RelayError):
    """One try at a delivery failed.

    permanent: trying again cannot help. is_dead: nor can any other message be delivered there until somebody
    mends it. retry_after: seconds the other side asked us to wait. status and excerpt: what it answered, if
    it did.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        is_dead: bool = False,
        retry_after: float | None = None,
        status: int | None = None,
        excerpt: str = "",
    ) -> None:
        super().__init__(message)
        self.permanent = permanent or is_dead
        self.is_dead = is_dead
        self.retry_after = retry_after
        self.status = status
        self.excerpt = excerpt


class UsageError(RelayError):
    """What was asked for does not exist or cannot be done."""
