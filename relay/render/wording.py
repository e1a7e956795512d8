"""Says in words what an event is about: pure, plain text, not yet escaped."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from relay.model import Change, Event, EventKind, Level, Reason, Status
from relay.sandbox.filters import roughly

LONGEST_NAME = 80  # characters of a branch, job or project name in a title
LONGEST_TEXT = 500  # characters of a text that the relay wrote itself

CHANGE_WORDS: Mapping[Change, str] = {
    Change.BROKE: "broke",
    Change.FIRST_FAILURE: "failed",
    Change.STILL_FAILING: "still failing",
    Change.FIXED: "fixed",
    Change.FIRST_SUCCESS: "passed",
    Change.STILL_PASSING: "passed",
    Change.PASSED_ON_RETRY: "passed on retry",
}
STATUS_WORDS: Mapping[Status, str] = {
    Status.SUCCESS: "passed",
    Status.FAILED: "failed",
    Status.ERROR: "could not run",
    Status.CANCELED: "was canceled",
    Status.TIMEDOUT: "timed out",
    Status.INFRASTRUCTURE_FAIL: "failed on CircleCI's side",
    Status.NO_TESTS: "ran no tests",
    Status.NOT_RUN: "did not run",
    Status.UNAUTHORIZED: "was not authorized",
    Status.UNKNOWN: "ended, CircleCI did not say how",
}
COUNT_WORDS: Mapping[Change, str] = {
    **CHANGE_WORDS,
    Change.FIRST_SUCCESS: "passing",
    Change.STILL_PASSING: "passing",
}
EMOJI: Mapping[Level, str] = {Level.GOOD: "🟢", Level.BAD: "🔴", Level.WARNING: "🟠", Level.INFO: "⚪"}
CHANGE_LEVELS: Mapping[Change, Level] = {
    Change.BROKE: Level.BAD,
    Change.FIRST_FAILURE: Level.BAD,
    Change.STILL_FAILING: Level.BAD,
    Change.FIXED: Level.GOOD,
    Change.FIRST_SUCCESS: Level.GOOD,
    Change.STILL_PASSING: Level.GOOD,
    Change.PASSED_ON_RETRY: Level.GOOD,
}
STATUS_LEVELS: Mapping[Status, Level] = {
    Status.SUCCESS: Level.GOOD,
    Status.FAILED: Level.BAD,
    Status.ERROR: Level.BAD,
    Status.TIMEDOUT: Level.BAD,
    Status.INFRASTRUCTURE_FAIL: Level.BAD,
    Status.NO_TESTS: Level.BAD,
    Status.UNAUTHORIZED: Level.WARNING,
}
LOUDEST_FIRST = (Level.BAD, Level.WARNING, Level.GOOD, Level.INFO)


def words_of(event: Event) -> dict[str, Any]:
    """What templates may use besides the fields, for one event."""
    level = level_of(event)
    return {
        "emoji": "🔔" if event.kind is EventKind.PING else EMOJI[level],
        "level": level,
        "what": what(event),
        "where": where(event),
        "change_text": change_text(event),
        "status_text": STATUS_WORDS[event.status],
    }


def missed_text(reason: Reason, now: datetime, zone: tzinfo) -> str:
    """ "and 3 more since 12:00", with the date when that was not today; nothing when none was missed."""
    if not reason.missed or reason.missed_since is None:
        return ""
    since, today = reason.missed_since.astimezone(zone), now.astimezone(zone).date()
    return f"and {reason.missed} more since {since:{'%H:%M' if since.date() == today else '%Y-%m-%d %H:%M'}}"


def level_of(event: Event) -> Level:
    """How loud the event is."""
    if event.kind is EventKind.RELAY:
        return Level(event.notes.get("level", Level.WARNING))
    return level_of_result(event.change, event.status)


def level_of_result(change: Change, status: Status) -> Level:
    return CHANGE_LEVELS.get(change) or STATUS_LEVELS.get(status, Level.INFO)


def loudest(events: Sequence[Event]) -> Event:
    """The event that speaks for a group: the first of the loudest."""
    return min(events, key=lambda event: LOUDEST_FIRST.index(level_of(event)))


def what(event: Event) -> str:
    """What ran: "api / build-and-deploy"."""
    if event.kind is EventKind.RELAY:
        return "relay"
    return " / ".join(short(name) for name in (project_name(event), *_parts(event)) if name)


def project_name(event: Event) -> str:
    return event.project.name or event.project.slug.rsplit("/", 1)[-1]


def _parts(event: Event) -> tuple[str | None, ...]:
    if event.kind is EventKind.JOB:
        return event.workflow.name, event.job.name
    return (event.workflow.name or event.job.name or _numbered(event),)


def _numbered(event: Event) -> str | None:
    return None if event.number is None else f"#{event.number}"


def where(event: Event) -> str:
    """Where it ran: "on main", "on tag v1.2.3", "on fix-login (#12)", "in pull request #12"."""
    if event.kind is EventKind.RELAY:
        return ""  # its text says it all
    if event.tag:
        return f"on tag {short(event.tag)}"
    request = next((f"#{each.number}" for each in event.pull_requests if each.number is not None), None)
    if event.branch is None:
        return f"in pull request {request}" if request else ""
    if event.branch.startswith("pull/"):  # how CircleCI names the branch of a fork
        return f"in pull request #{short(event.branch.split('/')[1])}"
    return f"on {short(event.branch)} ({request})" if request else f"on {short(event.branch)}"


def change_text(event: Event) -> str:
    """What the result did: "broke", "fixed after 2 h", "was canceled"."""
    if event.kind is EventKind.PING:
        return "sent a ping: the webhook works"
    if event.kind is EventKind.RELAY:
        return short(str(event.notes.get("text") or "has something to say"), LONGEST_TEXT)
    if event.kind is EventKind.UNKNOWN:
        return f"sent an event of type {short(event.type or 'unknown')}"
    if event.change is Change.FIXED:
        return _fixed(event)
    if event.change is Change.STILL_FAILING and event.previous.failures:
        return _still_failing(event)
    return CHANGE_WORDS.get(event.change) or STATUS_WORDS[event.status]


def _fixed(event: Event) -> str:
    since, until = event.previous.red_since, event.finished_at or event.received_at
    if since is None or since >= until:
        return "fixed"
    return f"fixed after {roughly((until - since).total_seconds())}"


def _still_failing(event: Event) -> str:
    """Another attempt of the same pipeline is not another time."""
    is_rerun = (event.workflow.attempt or 1) > 1
    return f"still failing, {_ordinal(event.previous.failures + (not is_rerun))} time"


def _ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 11th."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if 10 < number % 100 < 14 else ending}"


def group_what(events: Sequence[Event]) -> str:
    """What a group has in common: "api pipeline #42", "api on main", "api", "3 projects"."""
    projects = {project_name(event) for event in events}
    if len(projects) > 1:
        return f"{len(projects)} projects"
    name = short(projects.pop())
    pipelines = {event.pipeline.number for event in events}
    if len(pipelines) == 1 and None not in pipelines:
        return f"{name} pipeline #{pipelines.pop()}"
    places = {where(event) for event in events}
    return f"{name} {places.pop()}".rstrip() if len(places) == 1 else name


def summary_text(events: Sequence[Event]) -> str:
    """How many of each: "1 broke, 2 passing", the loudest first."""
    counts = Counter(
        (LOUDEST_FIRST.index(level_of(event)), count_word(event.kind, event.change, event.status))
        for event in events
    )
    return ", ".join(f"{count} {word}" for (_, word), count in sorted(counts.items()))


def count_word(kind: EventKind, change: Change, status: Status) -> str:
    """What several results of a kind are called together."""
    if kind in (EventKind.PING, EventKind.RELAY, EventKind.UNKNOWN):
        return kind.value
    word = COUNT_WORDS.get(change) or STATUS_WORDS[status]
    return word.removeprefix("was ")


def headline(event: Event) -> str:
    """One plain line about one event."""
    return " ".join(filter(None, (what(event), change_text(event), where(event))))


def group_headline(events: Sequence[Event]) -> str:
    """One plain line about one or several events."""
    if len(events) == 1:
        return headline(events[0])
    return f"{len(events)} results for {group_what(events)}: {summary_text(events)}"


def short(text: str, most: int = LONGEST_NAME) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
