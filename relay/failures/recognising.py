"""From the failed steps of a job, with their logs, to what kind of failure it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from relay.failures.badstep import BadStep, causes
from relay.failures.catalogue import Catalogue
from relay.failures.fingerprint import MOST_TESTS, fingerprint, normalised
from relay.failures.loglines import lines_of
from relay.failures.matching import Hit
from relay.failures.record import Evidence, Failure, FailureClass, StepKind
from relay.failures.ruling import FADED, LEANS_GENUINE, LEANS_TRANSIENT, Finding, Ruling, rule
from relay.failures.stepkinds import kind_of

AROUND = 10  # lines of context before and after the evidence
LONGEST_EVIDENCE = 500  # characters of the line
LONGEST_CONTEXT = 300  # characters of each line around it
LAST_WORDS = 40  # lines at the end of a step that timed out; earlier ones were followed by work
# What a class says that follows from how the job ended, and not from a line.
LOST_LR, NO_STEP_LR, TIMEOUT_LR, TESTS_LR = 40.0, 20.0, 2.0, 0.6
TIMED_OUT, LOST = "timedout", "infrastructure_fail"
WITHOUT_RUNNING = {  # endings of jobs about which no line can say anything
    "canceled": FailureClass.CANCEL,
    "unauthorized": FailureClass.AUTH,
    "not_run": FailureClass.UNKNOWN,
}
CUT_SHORT = (FailureClass.AGENT, FailureClass.TIMEOUT)  # what was said last is then no part of the failure
FETCHED_BY = {  # what steps of a kind fetch
    StepKind.CHECKOUT: FailureClass.VCS,
    StepKind.CACHE: FailureClass.CACHE,
    StepKind.DEPS: FailureClass.REGISTRY,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Read:
    """A step with the lines of its log that are looked at."""

    step: BadStep
    lines: tuple[str, ...]
    hits: tuple[Hit, ...]


def recognise(
    steps: Sequence[BadStep],
    *,
    catalogue: Catalogue,
    job: str | None = None,
    status: str | None = None,
    tests: Sequence[str] = (),
    mask: Callable[[str], str] = str,
) -> Failure:
    """The failure of one job. `steps`: those that failed, in order; `status`: CircleCI's word for the job;
    `tests`: ids of all that failed; `mask` hides secrets."""
    read = [_read(step, catalogue) for step in causes(steps)]
    ruling = _by_step(_by_ending(rule([each.hits for each in read]), read, status, tests), read)
    blamed = read[ruling.decisive.step] if ruling.decisive else read[0] if read else None
    named = sorted(set(tests))[:MOST_TESTS]
    return Failure(
        job=job,
        failure_class=ruling.failure_class,
        step=mask(blamed.step.name) if blamed else None,
        step_kind=kind_of(blamed.step.name) if blamed else None,
        exit_code=blamed.step.exit_code if blamed else None,
        tests=tuple(map(mask, named)),
        test_count=len(set(tests)),
        signatures=tuple(each.signature.id for each in ruling.found),
        evidence=_evidence(ruling, read, mask),
        lr_transient=_lr_transient(ruling, read, status),
        lr_genuine=_lr_genuine(ruling),
        fingerprint=fingerprint(
            job=job,
            step=blamed.step.name if blamed else None,
            said=_said(ruling, blamed, is_named=bool(named)),
            tests=named,
            exit_code=blamed.step.exit_code if blamed else None,
        ),
    )


def _read(step: BadStep, catalogue: Catalogue) -> _Read:
    lines = _with_exit_code(lines_of(step.log), step.exit_code)
    looked_at = lines[-LAST_WORDS:] if step.status == TIMED_OUT else lines
    return _Read(step=step, lines=looked_at, hits=catalogue.matcher.hits(looked_at))


def _with_exit_code(lines: tuple[str, ...], code: int | None) -> tuple[str, ...]:
    """The exit code says something too, and not every log ends with it."""
    if not code or any("exit" in line.lower() and str(code) in line for line in lines[-3:]):
        return lines
    return (*lines, f"Exited with code {code}")


def _by_ending(ruling: Ruling, read: Sequence[_Read], status: str | None, tests: Sequence[str]) -> Ruling:
    """How the job and its steps ended, where that says more than the lines."""
    endings = {status, *(each.step.status for each in read)}
    if status in WITHOUT_RUNNING:
        return Ruling(failure_class=WITHOUT_RUNNING[status])
    if LOST in endings or (not read and not tests):
        return _if_of(ruling, FailureClass.AGENT)
    if TIMED_OUT in endings and not _is_clear(ruling):
        return _if_of(ruling, FailureClass.TIMEOUT)
    if ruling.decisive is None and tests:
        return Ruling(failure_class=FailureClass.TEST)
    return ruling


def _by_step(ruling: Ruling, read: Sequence[_Read]) -> Ruling:
    """What a network error kept from being fetched is told by the step."""
    if ruling.decisive is None or ruling.failure_class != FailureClass.NET:
        return ruling
    kind = kind_of(read[ruling.decisive.step].step.name)
    return replace(ruling, failure_class=FETCHED_BY.get(kind, ruling.failure_class))


def _if_of(ruling: Ruling, failure_class: FailureClass) -> Ruling:
    """This class; the lines stay where they say the same."""
    said = [each for each in ruling.found if each.signature.failure_class == failure_class]
    if not said:
        return Ruling(failure_class=failure_class)
    return Ruling(failure_class=failure_class, decisive=said[0], transient=said[0], found=tuple(said))


def _is_clear(ruling: Ruling) -> bool:
    both = sum(each.weight for each in (ruling.transient, ruling.genuine) if each)
    return ruling.failure_class != FailureClass.FLAKY and not LEANS_GENUINE <= both <= LEANS_TRANSIENT


def _lr_transient(ruling: Ruling, read: Sequence[_Read], status: str | None) -> float:
    if ruling.transient:
        return _lr(ruling.transient)
    if ruling.failure_class == FailureClass.AGENT:
        return LOST_LR if LOST in (status, *(each.step.status for each in read)) else NO_STEP_LR
    return TIMEOUT_LR if ruling.failure_class == FailureClass.TIMEOUT else 1.0


def _lr_genuine(ruling: Ruling) -> float:
    if ruling.genuine:
        return _lr(ruling.genuine)
    return TESTS_LR if ruling.failure_class == FailureClass.TEST else 1.0


def _lr(finding: Finding) -> float:
    """As written in the catalogue, or less where it was overtaken."""
    is_whole = finding.weight == finding.signature.weight
    return finding.signature.lr if is_whole else float(finding.signature.lr**FADED)


def _said(ruling: Ruling, blamed: _Read | None, *, is_named: bool) -> str:
    """What makes it the same failure: for transient ones the signature, for others its line as well. Where
    the tests are named, they tell more than a line."""
    if ruling.decisive is None and ruling.failure_class in CUT_SHORT:
        return ruling.failure_class
    if ruling.decisive is None:
        from relay.failures.errorlines import first_error

        line = first_error("\n".join(blamed.lines)) if blamed and not is_named else None
        return f"{ruling.failure_class} {normalised(line or '')}"
    signature = ruling.decisive.signature
    if (
        not signature.is_genuine
        or (is_named and signature.failure_class == FailureClass.TEST)
        or blamed is None
    ):
        return signature.id
    return f"{signature.id} {normalised(blamed.lines[ruling.decisive.hit.at])}"


def _evidence(ruling: Ruling, read: Sequence[_Read], mask: Callable[[str], str]) -> Evidence | None:
    if ruling.decisive is None:
        return None
    found, at, lines = ruling.decisive, ruling.decisive.hit.at, read[ruling.decisive.step].lines
    first = max(0, at - AROUND)
    shown = _masked(lines[first : at + AROUND + 1], mask)
    place = at - first
    return Evidence(
        signature=found.signature.id,
        failure_class=found.signature.failure_class,
        lr=_lr(found),
        line=(shown[place] if shown else mask(lines[at])).strip()[:LONGEST_EVIDENCE],
        step=mask(read[found.step].step.name),
        before=_cut(shown[:place]),
        after=_cut(shown[place + 1 :]),
    )


def _masked(lines: Sequence[str], mask: Callable[[str], str]) -> tuple[str, ...]:
    """Masked together, since a secret may have several lines; nothing when it is not clear any more which
    line is which."""
    masked = mask("\n".join(lines)).split("\n")
    return tuple(masked) if len(masked) == len(lines) else ()


def _cut(lines: Sequence[str]) -> tuple[str, ...]:
    return tuple(line.rstrip()[:LONGEST_CONTEXT] for line in lines)
