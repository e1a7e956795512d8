"""What today's routes make of past events, added up: which fired, which values came, who wrote code."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from relay import people
from relay.model import Event, EventKind
from relay.pipeline import Relay
from relay.routing import Pattern, Reading, Result, Router, RouteSpec, TraceLine, patterns_of
from relay.store.judged import Judged

IGNORED_KINDS = (EventKind.PING,)  # which are answered and go nowhere


@dataclass(kw_only=True, slots=True)
class Tally:
    """One route. stopped: events that would have matched had an earlier route not ended the list."""

    fired: int = 0
    spoken_for: int = 0
    stopped: int = 0
    stopper: str = ""
    errors: int = 0
    error: str = ""
    nearest: TraceLine | None = None
    nearest_id: str = ""

    @property
    def matched(self) -> int:
        return self.fired + self.spoken_for

    def add(self, line: TraceLine, event_id: str) -> None:
        if line.result is Result.FIRE:
            self.fired += 1
        elif line.result is Result.CHILDREN:
            self.spoken_for += 1
        elif line.result is Result.ERROR:
            self.errors, self.error = self.errors + 1, self.error or line.because
        elif line.result is Result.NO and (self.nearest is None or _missed(line) < _missed(self.nearest)):
            self.nearest, self.nearest_id = line, event_id


def _missed(line: TraceLine) -> int:
    return line.wanted - line.passed


@dataclass(kw_only=True, slots=True)
class UnknownAuthor:
    """Somebody who is not under `people`."""

    identity: str  # e-mail, else login, else name
    name: str | None
    commits: set[str] = field(default_factory=set)
    events: int = 0


class Seen:
    """Adds up one event after the other, in any order; memory grows with routes and authors only."""

    def __init__(self, relay: Relay) -> None:
        self.events = 0
        self.first: datetime | None = None
        self.last: datetime | None = None
        self.routes: defaultdict[str, Tally] = defaultdict(Tally)
        self.present: Counter[str] = Counter()  # by field, events that have it
        self.unmatched = list(patterns_of(relay.config.routes))
        self.authors: dict[str, UnknownAuthor] = {}
        self._relay = relay
        self._unstopped = Router(_without_stops(relay.config.routes))
        self._fields = frozenset(each.field for each in self.unmatched)

    def add(self, judged: Judged) -> None:
        if judged.event.kind in IGNORED_KINDS:
            return
        event = replace(judged.event, author=people.identify(judged.event.author, self._relay.people))
        self.events += 1
        self.first = min(self.first or judged.received_at, judged.received_at)
        self.last = max(self.last or judged.received_at, judged.received_at)
        self._add_routes(event, judged.id)
        self._add_patterns(event)
        self._add_author(event)

    def _add_routes(self, event: Event, event_id: str) -> None:
        trace = self._relay.router.explain(event)
        for line in trace:
            self.routes[line.route].add(line, event_id)
        stopped = {line.route: line.because for line in trace if line.result is Result.STOPPED}
        if not stopped:
            return
        for line in self._unstopped.explain(event):
            if line.route in stopped and line.result in (Result.FIRE, Result.CHILDREN):
                tally = self.routes[line.route]
                tally.stopped, tally.stopper = tally.stopped + 1, stopped[line.route]

    def _add_patterns(self, event: Event) -> None:
        reading = Reading(event)
        self.present.update(name for name in self._fields if reading.value(name) is not None)
        self.unmatched = [each for each in self.unmatched if not _matches(each, reading)]

    def _add_author(self, event: Event) -> None:
        author = event.author
        identity = (author.email or author.login or author.name or "").lower()
        if author.known or author.bot or not identity:
            return
        known = self.authors.setdefault(identity, UnknownAuthor(identity=identity, name=author.name))
        known.commits.add(event.commit.sha or event.correlation)
        known.events += 1


def _matches(pattern: Pattern, reading: Reading) -> bool:
    value = reading.value(pattern.field)
    if value is None:
        return False
    return any(map(pattern.item.matches, value if isinstance(value, tuple) else (value,)))


def _without_stops(routes: Iterable[RouteSpec]) -> Iterator[RouteSpec]:
    for spec in routes:
        yield replace(spec, stop=False, routes=tuple(_without_stops(spec.routes)))
