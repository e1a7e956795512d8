"""What is known of one failed job: its class, the evidence for it, and a fingerprint."""

from dataclasses import dataclass
from enum import StrEnum


class FailureClass(StrEnum):
    """What kind of failure it is. The transient ones may pass when run again."""

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
        return self.value.startswith("genuine.")


TRANSIENT = frozenset(
    each
    for each in FailureClass
    if not each.is_genuine and each not in (FailureClass.CANCEL, FailureClass.UNKNOWN)
)


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
    failure_class: FailureClass
    lr: float  # P(line | transient) / P(line | genuine)
    line: str
    step: str | None = None
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """One failed job or build. `signatures` are ids, strongest evidence first."""

    job: str | None
    failure_class: FailureClass
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
