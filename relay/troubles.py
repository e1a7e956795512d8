"""Troubles that the store shows: dead notifiers and deliveries, a rejected token, projects gone silent."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from typing import Protocol

from relay import durations
from relay.model import Level
from relay.notices import Notice, What
from relay.pipeline import Relay
from relay.store import DeadLetters, DeadPlace, Mark, Store, mark_key
from relay.store.marks import DEAD, REJECTED

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SETTLED = timedelta(seconds=30)  # what died later may not be committed yet
DISABLED = "disabled"  # a kind of marks
PROJECTS = 10  # in one step
PROJECTS_MOST = 100  # in one round; the next goes on from there
SILENCE_EVERY = timedelta(minutes=15)  # between two rounds over all projects
SILENCE_DAYS = 28  # what is usual is read from so many days
REGULAR_DAYS = 7  # … on at least so many of which something came
SILENT_AFTER = 2  # times the longest pause there was
ERROR_KEPT = 300  # characters


class Tell(Protocol):
    def __call__(self, store: Store, notice: Notice, now: datetime, mark: Mark | None = None) -> bool: ...


class Troubles:
    """What one round looks at, in short steps. What was seen stays in the store."""

    def __init__(self, store: Store, tell: Tell) -> None:
        self._store = store
        self._tell = tell
        self._silence_at: datetime | None = None  # when all projects were looked at last
        self._after = ""  # the project looked at last

    def steps(self, relay: Relay, now: datetime) -> Iterator[None]:
        self._look_for_disabled(relay, now)
        yield
        self._look_for_dead(now)
        yield
        self._look_for_rejection(relay, now)
        yield
        if self._silence_at is None or abs(now - self._silence_at) >= SILENCE_EVERY:
            yield from self._look_for_silence(now)

    def _look_for_disabled(self, relay: Relay, now: datetime) -> None:
        """Once for each time that it happens: the mark stays until something gets through again."""
        marks = self._store.signs.marks(DISABLED)
        dead = {mark_key(DISABLED, place.destination): place for place in self._store.signs.dead_places()}
        for key in dead.keys() - marks.keys():
            names = sorted(
                n for n, each in relay.notifiers.items() if each.destination() == dead[key].destination
            )
            if names:
                self._tell(self._store, disabled(dead[key], names), now, Mark(key=key, at=dead[key].since))
        over = sorted(marks.keys() - dead.keys())
        if over:
            self._store.signs.remove(over)

    def _look_for_dead(self, now: datetime) -> None:
        """At most one event for a target and hour, which counts all since the one before."""
        marks = self._store.signs.marks(DEAD)
        until = now - SETTLED
        for letters in self._store.signs.dead_letters(until - HOUR, until):
            mark = marks.get(mark_key(DEAD, letters.target))
            if mark is not None and until - mark.at < HOUR:
                continue
            new = Mark(key=mark_key(DEAD, letters.target), at=until, version=mark.version if mark else 0)
            self._tell(self._store, went_dead(self._since(mark, letters, until), until), now, new)

    def _since(self, mark: Mark | None, letters: DeadLetters, until: datetime) -> DeadLetters:
        """With those that died while nothing was told, so that none is left out of the counts."""
        if mark is None:
            return letters
        found = self._store.signs.dead_letters(max(mark.at, until - DAY), until)
        return next((each for each in found if each.target == letters.target), letters)

    def _look_for_rejection(self, relay: Relay, now: datetime) -> None:
        """Once a day for one token, as long as it is used and rejected."""
        rejected_at = relay.rejections.take()
        token = relay.config.circleci.token
        if rejected_at is None or not token:
            return
        key = mark_key(REJECTED, sha256(token.reveal().encode()).hexdigest()[:16])
        mark = self._store.signs.marks(REJECTED).get(key)
        if mark is None or now - mark.at >= DAY:
            new = Mark(key=key, at=now, version=mark.version if mark else 0)
            self._tell(self._store, rejected(key, rejected_at, now), now, new)

    def _look_for_silence(self, now: datetime) -> Iterator[None]:
        bounds = [now - day * DAY for day in range(SILENCE_DAYS + 1)]
        for _ in range(PROJECTS_MOST // PROJECTS):
            projects = self._store.signs.projects(self._after, PROJECTS)
            for project in projects:
                self._look_at(project, bounds)
            self._after = projects[-1] if len(projects) == PROJECTS else ""
            if not self._after:
                self._silence_at = now
                return
            yield

    def _look_at(self, project: str, bounds: Sequence[datetime]) -> None:
        """The whole month is only read of a project that has not been heard of lately."""
        now = bounds[0]
        last = self._store.signs.last_before(project, bounds[:1])
        if not last or now - last[0] <= SILENT_AFTER * DAY:
            return
        notice = silence(project, self._store.signs.last_before(project, bounds), now)
        if notice:
            self._tell(self._store, notice, now)


def disabled(place: DeadPlace, names: Sequence[str]) -> Notice:
    which = "notifier" if len(names) == 1 else "notifiers"
    return Notice(
        key=f"{DISABLED}:{place.destination}:{place.since.timestamp():.3f}",
        what=What.NOTIFIER_DISABLED,
        level=Level.BAD,
        text=f"disabled the {which} {', '.join(names)}: {place.why[:ERROR_KEPT]}",
        about=", ".join(names),
        avoid=(place.destination,),
        more={"notifiers": list(names), "since": place.since.isoformat(), "error": place.why},
    )


def went_dead(letters: DeadLetters, until: datetime) -> Notice:
    count = "1 delivery" if letters.count == 1 else f"{letters.count} deliveries"
    verb = "to" if letters.kind == "notify" else "of action"
    return Notice(
        key=f"{DEAD}:{letters.target}:{until.timestamp():.3f}",
        what=What.DEAD_DELIVERIES,
        level=Level.BAD,
        text=f"gave up on {count} {verb} {letters.target}: {letters.error[:ERROR_KEPT]}",
        about=letters.target,
        avoid=(letters.destination,),
        more={"count": letters.count, "target": letters.target, "error": letters.error},
    )


def rejected(key: str, at: datetime, now: datetime) -> Notice:
    return Notice(
        key=f"{key}:{now.timestamp():.3f}",
        what=What.TOKEN_REJECTED,
        level=Level.BAD,
        text="was refused by CircleCI: the token of `circleci.token` is not accepted (401)",
        about="circleci.token",
        more={"at": at.isoformat()},
    )


def silence(project: str, came: Sequence[datetime], now: datetime) -> Notice | None:
    """A notice when nothing has come for much longer than the longest pause on record.

    came: the last moment before each of several bounds a day apart, in order, so that of each day at most
    one is there; pauses read from them are a little longer than they were.
    """
    if len(came) < REGULAR_DAYS:
        return None
    longest = max(later - earlier for earlier, later in pairwise(came))
    quiet = now - came[-1]
    if quiet <= SILENT_AFTER * max(longest, DAY):
        return None
    spelt, usual = durations.spell(quiet.total_seconds()), durations.spell(longest.total_seconds())
    return Notice(
        key=f"silent:{project}:{came[-1].timestamp():.3f}",
        what=What.PROJECT_SILENT,
        level=Level.WARNING,
        text=f"has not heard of {project} for {spelt}; it was never quiet for longer than {usual}",
        about=project,
        project=project,
        more={"last": came[-1].isoformat(), "longest_pause": longest.total_seconds()},
    )
