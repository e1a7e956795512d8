"""What a configuration makes of one of its own tests, and how that differs from what it expects. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from relay import changes, people, pipeline
from relay.cli import doings
from relay.config.examples import Earlier, Example, Expected
from relay.model import Event, EventKind, Outcome
from relay.moments import in_utc
from relay.people import AUTHOR
from relay.pipeline import Decided, Relay
from relay.planning import DIRECT, SHADOW, NewDelivery
from relay.quieting import Quiet
from relay.routing import Result, TraceLine
from relay.store import StoredEvent

APART = timedelta(minutes=1)  # between earlier results of which nobody says when they were
NO_TIME = datetime(
    2000, 1, 1, 12, tzinfo=UTC
)  # arrival of a webhook that tells no time, so that each day is the same
TOOK_PART = (Result.FIRE, Result.CHILDREN)


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """Something that came out otherwise; `what` is the key of `expect`."""

    what: str
    problem: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """A test that was run. `hit`: routes that matched, those included for which their children spoke."""

    name: str
    differences: tuple[Difference, ...]
    hit: frozenset[str]

    @property
    def passed(self) -> bool:
        return not self.differences


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcomes:
    """What came out, each name with its reason."""

    decided: Decided
    trace: Mapping[str, TraceLine]
    notified: Mapping[str, str]  # target or "dm:alice" → the route that reached it
    mentioned: Mapping[str, str]
    acted: Mapping[str, str]
    quiet: Mapping[str, Quiet]  # what had a say first, by notifier


def attempt(example: Example, hook: StoredEvent, relay: Relay) -> Tried:
    """Raises PayloadError. Nothing is read or written."""
    came = outcomes_of(example, hook, relay)
    hit = frozenset(route for route, line in came.trace.items() if line.result in TOOK_PART)
    return Tried(name=example.name, differences=tuple(_differences(example.expect, came, relay)), hit=hit)


def event_of(example: Example, hook: StoredEvent, relay: Relay) -> Event:
    """The event as it would arrive at the given time, else when it ended."""
    event = pipeline.normalise(hook, relay)
    given = example.given
    now = in_utc(given.now, relay.timezone) if given.now else event.finished_at or event.started_at
    return replace(event, received_at=now or hook.received_at, notes={**event.notes, **given.notes})


def history_of(past: Sequence[Earlier], event: Event, relay: Relay) -> tuple[Outcome, ...]:
    """Outcomes as the store would have kept them, numbered up to the event where no number is given."""
    own = changes.judge(event, (), ()).outcome
    number = own.number if own else event.pipeline.number
    begins = own.started_at if own else event.received_at
    return tuple(
        _outcome(each, distance, number, begins, relay)
        for distance, each in zip(range(len(past), 0, -1), past, strict=True)
    )


def _outcome(each: Earlier, distance: int, number: int | None, begins: datetime, relay: Relay) -> Outcome:
    at = in_utc(each.at, relay.timezone) if each.at else begins - distance * APART
    return Outcome(
        event_id=f"given-{distance}",
        status=each.status,
        number=number - distance if each.number is None and number is not None else each.number,
        started_at=at,
        commit=each.commit,
        run=f"given-{distance}",
        finished_at=at,
    )


def outcomes_of(example: Example, hook: StoredEvent, relay: Relay) -> Outcomes:
    """Who is told, mentioned and what is done, each by which route. Raises PayloadError."""
    decided = _decide(example, hook, relay)
    done = [each for each in decided.deliveries if not each.settings.get(SHADOW)]
    told = doings.messages(done)
    return Outcomes(
        decided=decided,
        trace={line.route: line for line in relay.router.explain(decided.event)},
        notified={_told_name(delivery): delivery.route for delivery in told},
        mentioned={key: delivery.route for delivery in told for key in _mentioned(delivery, decided, relay)},
        acted={delivery.target: delivery.route for delivery in doings.actions(done)},
        quiet={quiet.target: quiet for quiet in reversed(decided.quiet)},
    )


def _decide(example: Example, hook: StoredEvent, relay: Relay) -> Decided:
    event = event_of(example, hook, relay)
    history = history_of(example.given.past, event, relay)
    decided = pipeline.decide(event, history, relay, event.received_at)
    is_ping = event.kind is EventKind.PING  # which is answered, and nobody told
    return replace(decided, deliveries=(), quiet=()) if is_ping else decided


def _told_name(delivery: NewDelivery) -> str:
    return f"{DIRECT}{delivery.direct}" if delivery.direct else delivery.target


def _mentioned(delivery: NewDelivery, decided: Decided, relay: Relay) -> tuple[str, ...]:
    substitute = relay.config.defaults.unknown_author
    return people.resolve_mentions(delivery.mention, decided.event.author, relay.people, substitute)


def _differences(expected: Expected, came: Outcomes, relay: Relay) -> Iterator[Difference]:
    event = came.decided.event
    if expected.change is not None and event.change is not expected.change:
        yield Difference(what="change", problem=f"is {event.change}, wanted {expected.change}")
    for line in came.trace.values():
        if line.result is Result.ERROR:
            yield Difference(what="routes", problem=f"{line.route} cannot be decided: {line.because}")
    yield from _of_routes(expected, came)
    author = event.author.known or relay.config.defaults.unknown_author
    for what, wanted, found, verb in (
        ("notify", expected.notify, came.notified, "told"),
        ("mention", expected.mention, came.mentioned, "mentioned"),
        ("act", expected.act, came.acted, "taken"),
    ):
        names = None if wanted is None else tuple(_named(name, author) for name in wanted)
        missing, unwanted = _compare(names, found)
        why = came.quiet if what == "notify" else {}
        yield from (_missing(what, name, verb, why.get(name)) for name in missing)
        yield from (Difference(what=what, problem=f"{name} is {verb}, by {found[name]}") for name in unwanted)
    yield from _of_quiet(expected, came)


def _missing(what: str, name: str, verb: str, why: Quiet | None) -> Difference:
    because = f": kept quiet by {_spelt(why)}" if why else ""
    return Difference(what=what, problem=f"{name} is not {verb}{because}")


def _spelt(quiet: Quiet) -> str:
    return f"{quiet.control.value} ({quiet.reason})"


def _of_quiet(expected: Expected, came: Outcomes) -> Iterator[Difference]:
    """The whole of what had a say, when the test says anything about it."""
    if expected.quiet is None:
        return
    for name, control in expected.quiet.items():
        found = came.quiet.get(name)
        if found is None:
            yield Difference(what="quiet", problem=f"{name} is not kept quiet, wanted {control.value}")
        elif found.control is not control:
            yield Difference(
                what="quiet", problem=f"{name} is kept quiet by {_spelt(found)}, wanted {control.value}"
            )
    for name, found in came.quiet.items():
        if name not in expected.quiet:
            yield Difference(what="quiet", problem=f"{name} is kept quiet by {_spelt(found)}")


def _of_routes(expected: Expected, came: Outcomes) -> Iterator[Difference]:
    fired = {route: line for route, line in came.trace.items() if line.result is Result.FIRE}
    missing, unwanted = _compare(expected.routes, fired)
    for name in missing:
        line = came.trace[name]
        why = "its children spoke for it" if line.result is Result.CHILDREN else line.because
        yield Difference(what="routes", problem=f"{name} does not fire: {why}")
    for name in unwanted:
        yield Difference(what="routes", problem=f"{name} fires: {fired[name].because}")


def _named(name: str, author: str | None) -> str:
    """The person that `author` is; an author nobody knows stays a name that nothing has."""
    sign, bare = ("!", name[1:]) if name.startswith("!") else ("", name)
    if bare in (AUTHOR, f"{DIRECT}{AUTHOR}") and author is not None:
        bare = bare.removesuffix(AUTHOR) + author
    return sign + bare


def _compare(wanted: Sequence[str] | None, found: Iterable[str]) -> tuple[list[str], list[str]]:
    """(missing, unwanted) names. None wants nothing; with a `!`, what is not named is free."""
    if wanted is None:
        return [], []
    found = tuple(found)
    refused = {name[1:] for name in wanted if name.startswith("!")}
    needed = dict.fromkeys(name for name in wanted if not name.startswith("!"))
    is_unwanted: Callable[[str], bool] = refused.__contains__ if refused else lambda name: name not in needed
    return [name for name in needed if name not in found], [name for name in found if is_unwanted(name)]


def never_hit(routes: Iterable[str], tried: Iterable[Tried]) -> tuple[str, ...]:
    """Routes that no test reaches, in the order of the file."""
    hit = frozenset[str]().union(*(each.hit for each in tried))
    return tuple(route for route in routes if route not in hit)
