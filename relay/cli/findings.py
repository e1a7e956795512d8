"""What `relay lint` finds: from the configuration alone, and from what was seen of it. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from relay.cli.output import short
from relay.cli.seen import Seen, Tally
from relay.config import Config
from relay.planning import DIRECT
from relay.routing import Pattern, RouteSpec, dead_routes
from relay.routing.items import Flag
from relay.routing.match import WORDS
from relay.routing.wording import visible

OFTEN = 3  # commits, from which on an author is worth a line
MOST_AUTHORS = 20


class FindingKind(StrEnum):
    """In the order in which they are told."""

    CANNOT_FIRE = "cannot_fire"
    NEVER_FIRED = "never_fired"
    ALWAYS_STOPPED = "always_stopped"
    CHILDREN_SPOKE = "children_spoke"
    BROKE_DOWN = "broke_down"
    PATTERN_UNMATCHED = "pattern_unmatched"
    AUTHOR_UNKNOWN = "author_unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """subject: a route or an author. count: how many events, or an author's commits, it is about."""

    kind: FindingKind
    subject: str
    problem: str
    count: int = 0


def findings(settings: Config, seen: Seen) -> tuple[Finding, ...]:
    """Everything, in order; without events only what the configuration itself shows."""
    dead = {each.route: each.why for each in dead_routes(settings.routes)}
    found = [Finding(kind=FindingKind.CANNOT_FIRE, subject=route, problem=why) for route, why in dead.items()]
    if seen.events:
        found += _of_routes(settings.routes, seen, dead)
        found += _of_patterns(seen)
        found += _of_authors(settings, seen)
    order = list(FindingKind)
    return tuple(sorted(found, key=lambda finding: order.index(finding.kind)))


def _of_routes(routes: tuple[RouteSpec, ...], seen: Seen, dead: Mapping[str, str]) -> Iterator[Finding]:
    """Of a route that nothing reached, its children are not told of as well."""
    for spec in routes:
        tally = seen.routes[spec.name]
        if tally.errors:
            problem = f"{tally.errors:,} of {seen.events:,} events: {tally.error}"
            yield _finding(FindingKind.BROKE_DOWN, spec, problem, tally.errors)
        if spec.name in dead:
            continue
        if tally.matched:
            yield from _of_parent(spec, tally, seen.events)
            yield from _of_routes(spec.routes, seen, dead)
        elif tally.stopped:
            problem = f"{tally.stopped:,} of {seen.events:,} events would have matched: {tally.stopper}"
            yield _finding(FindingKind.ALWAYS_STOPPED, spec, problem, tally.stopped)
        elif not tally.errors:
            yield _finding(FindingKind.NEVER_FIRED, spec, _nearest(tally, seen.events), 0)


def _of_parent(spec: RouteSpec, tally: Tally, events: int) -> Iterator[Finding]:
    """A parent that says what to do, and never gets to do it."""
    if not tally.fired and (spec.notify or spec.act):
        problem = f"{tally.spoken_for:,} of {events:,} events matched, each taken by its children"
        yield _finding(FindingKind.CHILDREN_SPOKE, spec, problem, tally.spoken_for)


def _nearest(tally: Tally, events: int) -> str:
    text = f"0 of {events:,} events"
    if tally.nearest is None:
        return text
    return f"{text}; the nearest, {short(tally.nearest_id)}: {tally.nearest.because}"


def _finding(kind: FindingKind, spec: RouteSpec, problem: str, count: int) -> Finding:
    return Finding(kind=kind, subject=spec.name, problem=problem, count=count)


def _of_patterns(seen: Seen) -> Iterator[Finding]:
    """Words of closed sets are left out: that no build was canceled is no mistake."""
    for pattern in seen.unmatched:
        if pattern.field in WORDS or isinstance(pattern.item, Flag):
            continue
        present = seen.present[pattern.field]
        problem = _unmatched(pattern, present, seen.events)
        yield Finding(
            kind=FindingKind.PATTERN_UNMATCHED, subject=pattern.route, problem=problem, count=present
        )


def _unmatched(pattern: Pattern, present: int, events: int) -> str:
    written = f"{pattern.field} {visible(pattern.written)}"
    if not present:
        return f"{written}: the field was missing in all {events:,} events"
    verb = "excluded" if pattern.is_negative else "matched"
    return f"{written}: {verb} none of {present:,} that have the field"


def _of_authors(settings: Config, seen: Seen) -> Iterator[Finding]:
    if not _wants_people(settings):
        return
    often = [author for author in seen.authors.values() if len(author.commits) >= OFTEN]
    for author in sorted(often, key=lambda each: (-len(each.commits), each.identity))[:MOST_AUTHORS]:
        name = f"{visible(author.name)}, " if author.name and author.name != author.identity else ""
        problem = f"{name}{len(author.commits):,} commits in {author.events:,} events"
        yield Finding(
            kind=FindingKind.AUTHOR_UNKNOWN,
            subject=visible(author.identity),
            problem=problem,
            count=len(author.commits),
        )


def _wants_people(settings: Config) -> bool:
    """Whether it matters who somebody is."""
    return bool(settings.people) or _names_people(settings.routes)


def _names_people(routes: tuple[RouteSpec, ...]) -> bool:
    return any(
        spec.mention
        or any(name.startswith(DIRECT) for name in spec.notify or ())
        or _names_people(spec.routes)
        for spec in routes
    )
