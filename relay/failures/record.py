"""What is known of one failed job: its class, the evidence for it, and a fingerprint."""

from dataclasses import dataclass
from enum import StrEnum


class FailureClass(StrEnum):
    """The kinds of failure that the relay knows by itself. The transient ones may pass when run again.

    People add classes of their own, so a class is kept as text; these are equal to theirs.
    """

    AGENT = "agent"
    NET = "net"
    REGISTRY = "registry"
    DOCKER = "docker"
    QUOTA = "quota"
    VCS = "vcs"
    CACHE = "cache"
    CONTENTION = "contention"
    DISK = "disk"
    TIMEOUT = "timeout"
    OOM = "oom"
    FLAKY = "flaky"
    COMPILE = "genuine.compile"
    LINT = "genuine.lint"
    GATE = "genuine.gate"
    DEP = "genuine.dep"
    CONFIG = "genuine.config"
    AUTH = "genuine.auth"
    TEST = "genuine.test"
    CANCEL = "cancel"
    UNKNOWN = "unknown"

    @property
    def is_genuine(self) -> bool:
        return is_genuine(self)


GENUINE = "genuine."  # how the names of classes begin that no retry helps


def is_genuine(failure_class: str) -> bool:
    """Whether something is broken, by the class alone."""
    return failure_class.startswith(GENUINE)


def is_transient(failure_class: str) -> bool:
    """Whether a retry may help, by the class alone; people's own classes too, unless named `genuine.…`."""
    return not is_genuine(failure_class) and failure_class not in (FailureClass.CANCEL, FailureClass.UNKNOWN)


TRANSIENT = frozenset(each for each in FailureClass if is_transient(each))  # of those known by themselves
INFRASTRUCTURE = frozenset(
    {
        FailureClass.AGENT,
        FailureClass.NET,
        FailureClass.REGISTRY,
        FailureClass.DOCKER,
        FailureClass.QUOTA,
        FailureClass.VCS,
        FailureClass.CACHE,
        FailureClass.CONTENTION,
        FailureClass.DISK,
    }
)
"""What the change has nothing to do with."""


class StepKind(StrEnum):
    """What a step is for, by its name."""

    SETUP = "setup"
    CHECKOUT = "checkout"
    CACHE = "cache"
    DEPS = "deps"
    BUILD = "build"
    TEST = "test"
    DEPLOY = "deploy"
    POST = "post"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """A line that a signature recognised, secrets masked, with what stood around it."""

    signature: str  # its id
    failure_class: str
    lr: float  # P(line | transient) / P(line | genuine)
    line: str
    step: str | None = None
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """One failed job or build. `signatures` are ids, strongest evidence first."""

    job: str | None
    failure_class: str
    step: str | None = None  # the one that failed; None when none did
    step_kind: StepKind | None = None
    exit_code: int | None = None
    tests: tuple[str, ...] = ()  # ids of failing tests, sorted, at most 20
    test_count: int = 0  # of all that failed
    signatures: tuple[str, ...] = ()
    evidence: Evidence | None = None
    lr_transient: float = 1.0  # of the strongest transient signature
    lr_genuine: float = 1.0  # of the strongest genuine one
    fingerprint: str  # 16 hex digits; the same for the same failure, whatever numbers and paths it names
