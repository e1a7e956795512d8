"""What a result does to the state of its branch: broke, fixed, still failing, …

Two things are kept apart. The *state* of a key is its outcomes folded in order: by pipeline or build
number, then by start, whatever order they arrived in. What was *told* is where the last announcement left
the branch, red or green; a change is always one from there, so that `broke` and `fixed` alternate whatever
arrives when. They differ while a late result says that an announcement was not the whole truth, and after
results whose messages were all kept back: `as_untold` leaves what was told as it was before them.

    told      attempt of the pipeline    good              bad              told after
    ------    -----------------------    ----------------  ---------------  ------------
    nothing   first                      first_success     first_failure    green / red
    green     first                      still_passing     broke            green / red
    red       first                      fixed             still_failing    green / red
    green     later                      still_passing     broke            green / red
    red       later                      passed_on_retry   still_failing    red   / red

Outcomes of one number are attempts of one pipeline. A classic build that retries another takes the number
of that one, so it stands where the build it repeats stood. A retry that goes green proves that the failure
was not steady, not that it is gone: the branch stays red, and the next pipeline that is green at its first
attempt is `fixed`.

A run is told of once, by whichever webhook comes first, classic or modern. Builds count on a scale of their
own: one that is known by its build number only stands after the newest pipeline that began before it, until
a modern webhook of the same run tells the pipeline's number.

Good is `success`; every other status that is not ignored is bad. No change, hence no message:

- statuses to ignore (cancelled, not run, …) and unknown ones: not recorded;
- repeats of a run seen before with the same status, or seen bad: recorded only if they know its pipeline;
- results older than the newest known of their key, that is, late ones: recorded, so that the next results
  have the whole history behind them.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from itertools import takewhile

from relay import fields
from relay.model import Change, Event, EventKind, Outcome, Previous, Status

RESULTS = (EventKind.BUILD, EventKind.JOB, EventKind.WORKFLOW)
KEY_LIMIT = 400  # characters; longer keys end in a digest
HOW_MOST = 10  # names of failed steps that are kept of a result
FINGERPRINT = "fingerprint "  # before one among what something failed by
HOW_LONGEST = 80  # characters of each
BEFORE_ALL = -1  # where results without a number stand, from look-alikes, ordered by time

Place = tuple[int, bool, int, datetime, str, Status]


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """The event with change, previous and workflow.attempt; the outcome to record, if any."""

    event: Event
    outcome: Outcome | None
    skipped: tuple[Outcome, ...] = ()  # ignored results between the previous one and this
    is_repeat: bool = False  # its run was counted before
    told: bool | None = None  # whether the branch was red by the last announcement before it
    turned_by: str | None = None  # of what passed on a red branch: the event that had turned it red
    same: tuple[str, ...] = ()  # … with this status, by these events

    @property
    def earlier(self) -> tuple[str, ...] | None:
        """The events on record that told this result; None when it is the first to go on record."""
        return None if self.outcome is not None and not self.is_repeat else self.same


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
    counted = [outcome for outcome in known if outcome.status not in silent]
    outcome = _outcome_of(event, known)
    line = in_order((*counted, outcome))
    placed = _place(event, outcome, line)
    if event.status in silent:
        return Judgement(event=placed, outcome=None)
    told = _told(known, line, outcome)
    if _is_repeat(outcome, counted):
        correction = _correction(replace(outcome, red=told), counted)
        return Judgement(
            event=placed, outcome=correction, is_repeat=True, same=_same_result(outcome, counted)
        )
    others = [other for other in known if other.status in silent]
    judgement = _judged(placed, outcome, line, told)
    passes = judgement.event.change in (Change.FIXED, Change.PASSED_ON_RETRY)
    return replace(
        judgement,
        skipped=_skipped(outcome, line, others),
        turned_by=_turned_by(known) if passes else None,
    )


def as_untold(judgement: Judgement) -> Judgement:
    """The judgement of a result of which nobody was told: the branch stays as it was announced before, and
    as green where nothing ever was."""
    if judgement.outcome is None:
        return judgement
    return replace(judgement, outcome=replace(judgement.outcome, red=bool(judgement.told)))


def as_never_red(judgement: Judgement) -> Judgement:
    """The judgement of a result that passed, when nobody was told of the failure before it, nor will be."""
    if judgement.outcome is None:
        return judgement
    return replace(judgement, outcome=replace(judgement.outcome, red=False))


def failing(outcomes: Iterable[Outcome], ignore: Collection[Status] = ()) -> tuple[Outcome, ...]:
    """The results since the last one that passed, oldest first; none when the newest one did."""
    silent = {*ignore, Status.UNKNOWN}
    line = in_order(each for each in outcomes if each.status not in silent)
    return tuple(reversed(list(takewhile(_is_bad, reversed(line)))))


def how_failed(event: Event) -> tuple[str, ...]:
    """What it failed by, little enough to be kept: fingerprints, where its logs were read, and the names of
    its failed steps."""
    names = (_key_part(step.name)[:HOW_LONGEST] for step in event.failed_steps)
    return tuple(dict.fromkeys((*_fingerprints(event), *names)))[:HOW_MOST]


def _fingerprints(event: Event) -> Iterator[str]:
    note = event.notes.get("failure")
    jobs = (note.get("jobs") or [note]) if isinstance(note, Mapping) else ()
    for job in jobs:
        found = job.get("fingerprint") if isinstance(job, Mapping) else None
        if isinstance(found, str) and found:
            yield f"{FINGERPRINT}{found[:HOW_LONGEST]}"


def in_order(outcomes: Iterable[Outcome]) -> tuple[Outcome, ...]:
    """Oldest first, each run once: as it ended worst, under the number of its pipeline if one is known."""
    runs: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        runs.setdefault(_name(outcome), []).append(outcome)
    merged = [_merged(of_run) for of_run in runs.values()]
    return tuple(sorted(merged, key=_places(merged)))


def is_red(outcomes: Iterable[Outcome]) -> bool | None:
    """The state after all outcomes, which are given in order; None when there are none."""
    return _state_after(outcomes).is_red


@dataclass(frozen=True, kw_only=True, slots=True)
class _State:
    """Where a branch stands: red or not, and the pipeline it was told by."""

    is_red: bool | None = None
    last: Outcome | None = None
    since: datetime | None = None  # when it turned red
    failures: int = 0  # pipelines in a row that failed

    def after(self, outcome: Outcome) -> "_State":
        is_first = self.last is None or not _is_same_pipeline(self.last, outcome)
        is_bad = _is_bad(outcome)
        is_red = is_bad or (bool(self.is_red) and not is_first)
        begins = outcome.finished_at or outcome.started_at
        return _State(
            is_red=is_red,
            last=outcome,
            since=(self.since or begins) if is_red else None,
            failures=self.failures + (is_bad and (is_first or not self.is_red)) if is_red else 0,
        )


def _state_after(outcomes: Iterable[Outcome]) -> _State:
    state = _State()
    for outcome in outcomes:
        state = state.after(outcome)
    return state


def _judged(event: Event, outcome: Outcome, line: Sequence[Outcome], told: bool | None) -> Judgement:
    """The judgement of a result that counts. A late one leaves what was told as it is."""
    before = _before(outcome, line)
    if len(before) + 1 < len(line):
        return Judgement(event=event, outcome=replace(outcome, red=told), told=told)
    is_first = not any(_is_same_pipeline(other, outcome) for other in before)
    change = _change(told, _is_bad(outcome), is_first=is_first)
    was = _state_after(before) if told else _State()
    previous = replace(event.previous, red_since=was.since, failures=was.failures)
    red = _is_bad(outcome) or change is Change.PASSED_ON_RETRY
    return Judgement(
        event=replace(event, change=change, previous=previous), outcome=replace(outcome, red=red), told=told
    )


def _change(told: bool | None, is_bad: bool, *, is_first: bool) -> Change:
    if told is None:
        return Change.FIRST_FAILURE if is_bad else Change.FIRST_SUCCESS
    if is_bad:
        return Change.STILL_FAILING if told else Change.BROKE
    if not told:
        return Change.STILL_PASSING
    return Change.FIXED if is_first else Change.PASSED_ON_RETRY


def _told(known: Iterable[Outcome], line: Sequence[Outcome], outcome: Outcome) -> bool | None:
    """Whether the branch is red by the last announcement; by the state where none is on record."""
    recorded = [other for other in known if other.red is not None]
    if recorded:
        return max(recorded, key=lambda other: other.place).red
    return is_red(_before(outcome, line))


def _turned_by(known: Iterable[Outcome]) -> str | None:
    """The event whose announcement turned a branch red that is red."""
    recorded = (other for other in known if other.red is not None)
    newest_first = sorted(recorded, key=lambda other: other.place, reverse=True)
    red = tuple(takewhile(lambda other: other.red, newest_first))
    return red[-1].event_id if red else None


def _is_bad(outcome: Outcome) -> bool:
    return outcome.status is not Status.SUCCESS


def _outcome_of(event: Event, known: Sequence[Outcome]) -> Outcome:
    number, by_build = _number_of(event, known)
    return Outcome(
        event_id=event.id,
        status=event.status,
        number=number,
        by_build=by_build,
        started_at=event.workflow.created_at or event.started_at or event.finished_at or event.received_at,
        commit=event.commit.sha,
        run=_run_of(event),
        finished_at=event.finished_at,
        how=how_failed(event),
        place=max((other.place for other in known), default=0) + 1,
    )


def _run_of(event: Event) -> str | None:
    """Its workflow, as long as it runs as part of one."""
    number = None if event.number is None else str(event.number)
    return number if event.build.retry_of is not None else event.workflow.id or number


def _number_of(event: Event, known: Sequence[Outcome]) -> tuple[int | None, bool]:
    """And whether it is a build's. A retry of a retry takes the first build's, as long as that is known."""
    if event.pipeline.number is not None:
        return event.pipeline.number, False
    retried = event.build.retry_of
    if retried is None:
        return event.number, event.number is not None
    builds = [other for other in known if other.by_build]
    first = next((other.number for other in builds if other.run == str(retried)), retried)
    return first, True


def _name(outcome: Outcome) -> str:
    return outcome.run or outcome.event_id


def _merged(of_run: Sequence[Outcome]) -> Outcome:
    """What the results of one run come to."""
    if len(of_run) == 1:
        return of_run[0]
    worst = min(of_run, key=lambda one: (not _is_bad(one), one.by_build, one.started_at, one.event_id))
    numbered = next((one for one in of_run if not one.by_build), worst)
    how = worst.how or next((one.how for one in of_run if one.how), ())
    return replace(
        worst,
        number=numbered.number,
        by_build=numbered.by_build,
        started_at=numbered.started_at,
        how=how,
    )


def _places(outcomes: Collection[Outcome]) -> Callable[[Outcome], Place]:
    """Sorts by number, then by time; a build's number counts among builds that began after one pipeline."""
    begins: dict[tuple[int, bool], datetime] = {}
    for outcome in outcomes:
        if outcome.number is not None:
            pipeline = outcome.number, outcome.by_build
            begins[pipeline] = min(outcome.started_at, begins.get(pipeline, outcome.started_at))
    pipelines = [(number, start) for (number, by_build), start in begins.items() if not by_build]

    def place(outcome: Outcome) -> Place:
        rest = (outcome.started_at, _name(outcome), outcome.status)
        if outcome.number is None:
            return (BEFORE_ALL, False, 0, *rest)
        if not outcome.by_build:
            return (outcome.number, False, 0, *rest)
        began = begins[outcome.number, True]
        after = max((number for number, start in pipelines if start <= began), default=BEFORE_ALL)
        return (after, True, outcome.number, *rest)

    return place


def _before(outcome: Outcome, line: Sequence[Outcome]) -> Sequence[Outcome]:
    name = _name(outcome)
    return line[: next(at for at, other in enumerate(line) if _name(other) == name)]


def _is_repeat(outcome: Outcome, counted: Iterable[Outcome]) -> bool:
    same_run = [other for other in counted if outcome.run is not None and other.run == outcome.run]
    return any(other.status is outcome.status or _is_bad(other) for other in same_run)


def _same_result(outcome: Outcome, counted: Iterable[Outcome]) -> tuple[str, ...]:
    same = (other for other in counted if other.run == outcome.run and other.status is outcome.status)
    return tuple(other.event_id for other in same)


def _correction(outcome: Outcome, counted: Iterable[Outcome]) -> Outcome | None:
    """A repeat that knows the number of the pipeline, when so far only the build's is known."""
    same_run = [other for other in counted if other.run == outcome.run]
    is_news = not outcome.by_build and all(other.by_build for other in same_run)
    return outcome if is_news else None


def _place(event: Event, outcome: Outcome, line: Sequence[Outcome]) -> Event:
    """The event with the result before its pipeline and its place among the attempts."""
    earlier = _before(outcome, line)
    own = line[len(earlier)]
    before = [other for other in earlier if not _is_same_pipeline(other, own)]
    return replace(
        event,
        change=Change.NONE,
        previous=_as_previous(before[-1]) if before else Previous(),
        workflow=replace(event.workflow, attempt=len(earlier) - len(before) + 1),
    )


def _is_same_pipeline(one: Outcome, other: Outcome) -> bool:
    return one.number is not None and (one.number, one.by_build) == (other.number, other.by_build)


def _as_previous(outcome: Outcome) -> Previous:
    return Previous(
        status=outcome.status,
        number=outcome.number,
        commit=outcome.commit,
        at=outcome.finished_at or outcome.started_at,
    )


def _skipped(outcome: Outcome, line: Sequence[Outcome], silent: Sequence[Outcome]) -> tuple[Outcome, ...]:
    """Ignored outcomes since the one before this."""
    if not silent:
        return ()
    names = {_name(other) for other in line}
    whole = in_order((*line, *(other for other in silent if _name(other) not in names)))
    before = _before(outcome, whole)
    last = max((at for at, other in enumerate(before) if _name(other) in names), default=-1)
    return tuple(before[last + 1 :])
