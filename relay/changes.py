"""What a result does to the state of its branch: broke, fixed, still failing, …

The state of a key is its outcomes folded in order: by pipeline or build number, then by start, whatever
order they arrived in. Outcomes of one number are attempts of one pipeline. A classic build that retries
another takes the number of that one, so it stands where the build it repeats stood.

    before    attempt of the pipeline    good              bad              state after
    ------    -----------------------    ----------------  ---------------  ------------
    nothing   first                      first_success     first_failure    green / red
    green     first                      still_passing     broke            green / red
    red       first                      fixed             still_failing    green / red
    green     later                      still_passing     broke            green / red
    red       later, after a bad one     passed_on_retry   still_failing    red   / red

A retry that goes green proves that the failure was not steady, not that it is gone: the branch stays red,
and the next pipeline that is green at its first attempt is `fixed`.

Good is `success`; every other status that is not ignored is bad. No change, hence no message:

- statuses to ignore (cancelled, not run, …) and unknown ones: not recorded;
- repeats of a run seen before with the same status, or seen bad: not recorded;
- results older than the newest known of their key, that is, late ones: recorded, so that the next results
  are judged on the whole history.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from relay import fields
from relay.model import Change, Event, EventKind, Outcome, Previous, Status

RESULTS = (EventKind.BUILD, EventKind.JOB, EventKind.WORKFLOW)
KEY_LIMIT = 400  # characters; longer keys end in a digest


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """The event with change, previous and workflow.attempt; the outcome to record, if any."""

    event: Event
    outcome: Outcome | None
    skipped: tuple[Outcome, ...] = ()  # ignored results between the previous one and this


def state_key(event: Event, names: Sequence[str]) -> str:
    """The values of the named fields, "-" for a missing one: `gh/acme/api | main | build-and-deploy`."""
    values = [_key_part(fields.lookup(event, name)) for name in names]
    while values and values[-1] == "-":
        values.pop()
    key = " | ".join(values)
    if len(key) <= KEY_LIMIT:
        return key
    return f"{key[:KEY_LIMIT]} {sha256(key.encode()).hexdigest()[:16]}"


def _key_part(value: object) -> str:
    text = "" if value is None else str(value)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text) or "-"


def judge(event: Event, history: Sequence[Outcome], ignore: Collection[Status]) -> Judgement:
    """What the event changes, given earlier outcomes of its state key in any order.

    `ignore` names statuses that say nothing about the branch. An outcome of the same event is left out, so
    judging again gives the same answer.
    """
    if event.kind not in RESULTS:
        return Judgement(event=replace(event, change=Change.NONE), outcome=None)
    known = [outcome for outcome in history if outcome.event_id != event.id]
    silent = {*ignore, Status.UNKNOWN}
    past = in_order(outcome for outcome in known if outcome.status not in silent)
    outcome = _outcome_of(event, past)
    placed = _place(event, outcome, past)
    if event.status in silent or _is_repeat(outcome, past):
        return Judgement(event=placed, outcome=None)
    change, red, was = _change_of(outcome, past)
    previous = replace(placed.previous, red_since=was.since, failures=was.failures)
    return Judgement(
        event=replace(placed, change=change, previous=previous),
        outcome=replace(outcome, red=red),
        skipped=_skipped(outcome, past, [other for other in known if other.status in silent]),
    )


def in_order(outcomes: Iterable[Outcome]) -> tuple[Outcome, ...]:
    """Oldest first, each run and status once."""
    distinct: dict[tuple[str, Status], Outcome] = {}
    for outcome in sorted(outcomes, key=_full_order):
        distinct.setdefault((outcome.run or outcome.event_id, outcome.status), outcome)
    return tuple(distinct.values())


def is_red(outcomes: Iterable[Outcome]) -> bool | None:
    """The state after all outcomes, which are given in order; None when there are none."""
    return _state_after(outcomes).is_red


@dataclass(frozen=True, kw_only=True, slots=True)
class _State:
    """Where a branch stands: red or not, and the pipeline it was told by."""

    is_red: bool | None = None
    number: int | None = None
    since: datetime | None = None  # when it turned red
    failures: int = 0  # pipelines in a row that failed

    def after(self, outcome: Outcome) -> tuple[Change, "_State"]:
        is_first = outcome.number is None or outcome.number != self.number
        is_bad = _is_bad(outcome)
        stays_red = bool(self.is_red) and not is_first
        change = self._change(is_bad, is_first=is_first)
        is_red = is_bad or stays_red
        begins = outcome.finished_at or outcome.started_at
        return change, _State(
            is_red=is_red,
            number=outcome.number,
            since=(self.since or begins) if is_red else None,
            failures=self.failures + (is_bad and (is_first or not self.is_red)) if is_red else 0,
        )

    def _change(self, is_bad: bool, *, is_first: bool) -> Change:
        if self.is_red is None:
            return Change.FIRST_FAILURE if is_bad else Change.FIRST_SUCCESS
        if is_bad:
            return Change.STILL_FAILING if self.is_red else Change.BROKE
        if not self.is_red:
            return Change.STILL_PASSING
        return Change.FIXED if is_first else Change.PASSED_ON_RETRY


def _is_bad(outcome: Outcome) -> bool:
    return outcome.status is not Status.SUCCESS


def _state_after(outcomes: Iterable[Outcome]) -> _State:
    state = _State()
    for outcome in outcomes:
        state = state.after(outcome)[1]
    return state


def _change_of(outcome: Outcome, past: Sequence[Outcome]) -> tuple[Change, bool, _State]:
    """The change that the outcome makes, whether the branch is red after it, and where it stood before."""
    before = [other for other in past if _order(other) <= _order(outcome)]
    was = _state_after(before)
    change, state = was.after(outcome)
    is_late = len(before) < len(past)
    return Change.NONE if is_late else change, bool(state.is_red), was


def _outcome_of(event: Event, past: Iterable[Outcome]) -> Outcome:
    return Outcome(
        event_id=event.id,
        status=event.status,
        number=_number_of(event, past),
        started_at=event.workflow.created_at or event.started_at or event.finished_at or event.received_at,
        commit=event.commit.sha,
        run=_run_of(event),
        finished_at=event.finished_at,
    )


def _run_of(event: Event) -> str | None:
    number = None if event.number is None else str(event.number)
    return number if event.kind is EventKind.BUILD else event.workflow.id or number


def _number_of(event: Event, past: Iterable[Outcome]) -> int | None:
    """A retry that retries a retry takes the number of the first build, as long as that is known."""
    if event.pipeline.number is not None:
        return event.pipeline.number
    retried = event.build.retry_of
    if retried is None:
        return event.number
    return next((other.number for other in past if other.run == str(retried)), retried)


def _order(outcome: Outcome) -> tuple[int, datetime]:
    """Numbers come first; results without one, from look-alikes, stand before all and by time."""
    return (-1 if outcome.number is None else outcome.number, outcome.started_at)


def _full_order(outcome: Outcome) -> tuple[int, datetime, str, Status]:
    return (*_order(outcome), outcome.run or outcome.event_id, outcome.status)


def _is_repeat(outcome: Outcome, past: Iterable[Outcome]) -> bool:
    same_run = [other for other in past if outcome.run is not None and other.run == outcome.run]
    return any(other.status is outcome.status or _is_bad(other) for other in same_run)


def _place(event: Event, outcome: Outcome, past: Sequence[Outcome]) -> Event:
    """The event with the result before its pipeline and its place among the attempts."""
    earlier = [other for other in past if _order(other) < _order(outcome)]
    attempts = {other.run for other in earlier if _is_same_pipeline(other, outcome)}
    before = [other for other in earlier if not _is_same_pipeline(other, outcome)]
    return replace(
        event,
        change=Change.NONE,
        previous=_as_previous(before[-1]) if before else Previous(),
        workflow=replace(event.workflow, attempt=len(attempts) + 1),
    )


def _is_same_pipeline(one: Outcome, other: Outcome) -> bool:
    return one.number is not None and one.number == other.number


def _as_previous(outcome: Outcome) -> Previous:
    return Previous(
        status=outcome.status,
        number=outcome.number,
        commit=outcome.commit,
        at=outcome.finished_at or outcome.started_at,
    )


def _skipped(outcome: Outcome, past: Sequence[Outcome], silent: Iterable[Outcome]) -> tuple[Outcome, ...]:
    """Ignored outcomes since the one before this."""
    before = [_order(other) for other in past if _order(other) < _order(outcome)]
    since = before[-1] if before else None
    return tuple(
        other
        for other in in_order(silent)
        if _order(other) < _order(outcome) and (since is None or _order(other) > since)
    )
