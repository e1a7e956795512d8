"""The verdict after: what a failure turned out to be, in the words of the report (odds.md 4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from relay.failures.record import INFRASTRUCTURE, FailureClass
from relay.odds.attempts import Attempt, tells
from relay.odds.decide import GENUINE_BELOW
from relay.odds.known import Flakiness
from relay.odds.logits import counted, percent

GENUINE_AFTER_RETRIES = 0.30
LINE_LENGTH = 200


class Verdict(StrEnum):
    """What a failure was. Only what passed on the same commit is ever called flaky."""

    INFRASTRUCTURE = "infrastructure"
    FLAKY = "flaky"
    RECOVERED = "recovered-unexplained"
    GENUINE = "genuine"
    BROKEN_BRANCH = "broken-branch"
    OUTAGE = "outage"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Broken:
    """A branch that is broken in the way in question. `inherited`: the failure is on one forked from it."""

    branch: str
    first_bad: str
    last_good: str | None = None
    inherited: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Outage:
    """What many builds hit at once."""

    builds: int
    signature: str
    since: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """A failed job and what came of it. Attempts at other commits, or with other inputs, are passed over."""

    failure_class: FailureClass
    attempts: tuple[Attempt, ...]  # at least one that failed
    p_transient: float  # 0 to 1, after the retries
    is_final: bool  # no further retry will be made
    known_flaky: Flakiness | None = None  # of the failing tests, or the job, when it is known flaky
    broken: Broken | None = None
    outage: Outage | None = None
    failed_twice: bool = False  # the same fingerprint on two consecutive pushes of a pull request
    evidence: str | None = None  # the decisive line, secrets masked


@dataclass(frozen=True, kw_only=True, slots=True)
class Concluded:
    """The verdict and its words, one line of plain text."""

    verdict: Verdict
    words: str


def conclude(ending: Ending) -> Concluded:
    """The verdict after (odds.md 4). A pass on the same commit speaks first, then what many others
    met, then the odds. Raises ValueError when nothing failed."""
    ours = _ours(ending.attempts)
    if any(each.passed for each in ours):
        return _recovered(ending)
    alike = _alike(ours)
    return (
        _outage(ending) or _broken(ending) or _genuine(ending, ours, alike) or _unknown(ending, ours, alike)
    )


def _ours(attempts: Sequence[Attempt]) -> tuple[Attempt, ...]:
    """The first failure and all that ran after it with the same commit and inputs."""
    told = sorted(filter(tells, attempts), key=lambda each: each.at)
    first = next((each for each in told if not each.passed), None)
    if first is None:
        raise ValueError("there is nothing to conclude: no attempt failed")
    key = (first.signal, first.commit, first.epoch)
    return tuple(x for x in told if (x.signal, x.commit, x.epoch) == key and x.at >= first.at)


def _alike(failed: Sequence[Attempt]) -> bool:
    return len({each.fingerprint for each in failed}) == 1


def _recovered(ending: Ending) -> Concluded:
    kind = ending.failure_class
    if kind in INFRASTRUCTURE:
        line = _line(ending.evidence)
        return Concluded(
            verdict=Verdict.INFRASTRUCTURE,
            words="recovered; not your change" + (f"; {line}" if line else ""),
        )
    if kind is FailureClass.FLAKY or (kind is FailureClass.TEST and ending.known_flaky):
        return Concluded(verdict=Verdict.FLAKY, words=f"passed on retry; {_flaked(ending.known_flaky)}")
    why = "we do not know why"
    if kind is not FailureClass.UNKNOWN:
        why += f", since it failed with {NOUNS[kind]}"
    return Concluded(verdict=Verdict.RECOVERED, words=f"passed on retry; {why}")


def _flaked(known: Flakiness | None) -> str:
    if known is None:
        return "it was not known to be flaky"
    low, high = (f"{each * 100:.1f}" for each in known.bounds)
    commits = counted(known.flakes + known.clean, "commit")
    return f"flaked on {known.flakes} of {commits} ({low}-{high} %)"


def _outage(ending: Ending) -> Concluded | None:
    outage = ending.outage
    if outage is None:
        return None
    since = f"{outage.since:%Y-%m-%d %H:%M} UTC"
    hit = f"{counted(outage.builds, 'build')} hit {_line(outage.signature)} since {since}"
    return Concluded(verdict=Verdict.OUTAGE, words=f"{hit}; retries paused")


def _broken(ending: Ending) -> Concluded | None:
    broken = ending.broken
    if broken is None:
        return None
    words = f"broken on {_line(broken.branch)} since {broken.first_bad[:7]}"
    if broken.inherited:
        words += "; your change is not tested"
    elif broken.last_good:
        words += f"; the last good commit is {broken.last_good[:7]}"
    return Concluded(verdict=Verdict.BROKEN_BRANCH, words=words)


def _genuine(ending: Ending, ours: Sequence[Attempt], alike: bool) -> Concluded | None:
    retried = len(ours) > 1
    if ending.failed_twice:
        return Concluded(verdict=Verdict.GENUINE, words="fails the same way on two pushes in a row")
    if retried and alike and ending.is_final and ending.p_transient <= GENUINE_AFTER_RETRIES:
        return Concluded(verdict=Verdict.GENUINE, words=f"fails the same way {len(ours)} times")
    if not retried and ending.p_transient <= GENUINE_BELOW:
        words = f"a retry would not help: transient with {percent(ending.p_transient)} only"
        return Concluded(verdict=Verdict.GENUINE, words=words)
    return None


def _unknown(ending: Ending, ours: Sequence[Attempt], alike: bool) -> Concluded:
    times = "" if len(ours) == 1 else f" {len(ours)} times"
    if not alike:
        words = f"failed{times}, not always in the same way; unstable"
    elif ending.failure_class is FailureClass.FLAKY or ending.known_flaky:
        words = f"failed{times}; a flaky test is suspected, but it has not passed on this commit"
    elif ending.failure_class is FailureClass.UNKNOWN:
        words = "not recognised; name the signature"
    else:
        guess = "; perhaps an outage" if times and ending.failure_class in INFRASTRUCTURE else ""
        words = f"failed{times} with {NOUNS[ending.failure_class]}{guess}"
    return Concluded(verdict=Verdict.UNKNOWN, words=words)


def _line(text: str | None) -> str:
    """Strangers' text on one line, cut to 200 characters."""
    kept = "".join(each if each.isprintable() else " " for each in text or "")
    return " ".join(kept.split())[:LINE_LENGTH]


NOUNS = {
    FailureClass.AGENT: "a lost executor",
    FailureClass.NET: "network errors",
    FailureClass.REGISTRY: "package registry errors",
    FailureClass.DOCKER: "Docker errors",
    FailureClass.QUOTA: "a limit on requests",
    FailureClass.VCS: "errors in fetching the code",
    FailureClass.CACHE: "errors in a cache or workspace",
    FailureClass.CONTENTION: "something in use elsewhere",
    FailureClass.DISK: "disk errors",
    FailureClass.TIMEOUT: "a timeout",
    FailureClass.OOM: "too little memory",
    FailureClass.FLAKY: "an unsteady test",
    FailureClass.COMPILE: "a compiler error",
    FailureClass.LINT: "a linter's findings",
    FailureClass.GATE: "a check of the repository",
    FailureClass.DEP: "a dependency that cannot be had",
    FailureClass.CONFIG: "a wrong setting or missing file",
    FailureClass.AUTH: "missing credentials",
    FailureClass.TEST: "a failing test",
    FailureClass.CANCEL: "a cancelled run",
    FailureClass.UNKNOWN: "an unknown error",
}
