"""What no part of the file can check alone: names that refer to other parts, match blocks, routes.

Each check is given the whole file and says everything that is wrong; none stops at the first.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from relay import durations, moments
from relay.config.faults import Page
from relay.config.file import File
from relay.config.names import named_routes
from relay.config.retry_conditions import retry_faults, told_in_short
from relay.config.signature_checks import signature_faults
from relay.config.suggestions import unknown
from relay.config.templates import STANDARD
from relay.config.tree import Path, find
from relay.errors import Fault
from relay.fields import field_type, is_fetched
from relay.people import AUTHOR
from relay.planning import DIRECT
from relay.policy import written_path
from relay.routing import check_match

NO_ROUTES = (
    "a configuration without routes tells nobody anything; write for example:"
    " routes: [{match: {change: [broke, fixed]}, notify: NAME}]"
)

NO_HOURS = "there are no hours to be outside of; add during: and a name from `schedules`"
NO_STATE_OF_TRUNK = "it has no effect, since defaults.state.key does not name branch; add branch there"
GROUP_IN_DIGEST = "the digest gathers everything already; remove group"
GROUP_UNDER_DIGEST = "the inherited digest gathers everything already; remove group, or add digest: null"
FETCHED_LATE = "has to be fetched from CircleCI, and whether to be silent is decided without asking"


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """What the checks look at."""

    file: File
    page: Page
    notifiers: frozenset[str] | None  # all names, also of broken ones; None when nobody can tell
    actions: frozenset[str] | None = None  # the same


def cross_check(subject: Subject) -> tuple[Fault, ...]:
    """Everything wrong between the parts."""
    checks = (
        _no_routes,
        _routes,
        _duplicate_names,
        _default_template,
        _notifier_templates,
        _unmatched,
        _same_names,
        _members,
        _unknown_author,
        _fallbacks,
        _tests,
        _silences,
        _retry,
        _signatures,
        _trunk,
        _dedupe,
    )
    return tuple(fault for check in checks for fault in check(subject))


def _no_routes(subject: Subject) -> Iterator[Fault]:
    written = find(subject.page.root, ("routes",))
    if written is None or written.value == ():
        yield subject.page.fault(("routes",), NO_ROUTES)


def _routes(subject: Subject) -> Iterator[Fault]:
    for place in named_routes(subject.file.routes):
        path, route = place.path, place.route
        yield from _match(subject, route.match, (*path, "match"))
        yield from _names(subject, route.notify or (), (*path, "notify"))
        yield from _acts(subject, route.act or (), (*path, "act"))
        yield from _mentions(subject, route.mention or (), (*path, "mention"))
        if route.template is not None:
            yield from _template(subject, route.template, (*path, "template"))
        if route.during is not None and route.during not in subject.file.schedules:
            known = subject.file.schedules
            problem = unknown(f"unknown schedule {route.during}", route.during, known)
            yield subject.page.fault((*path, "during"), problem)
        if route.throttle is not None and route.throttle > subject.file.defaults.keep:
            yield subject.page.fault((*path, "throttle"), _forgotten(subject))
        if route.outside is not None and not _has_hours(subject, path):
            yield subject.page.fault((*path, "outside"), NO_HOURS, at_key=True)
        if route.group is not None and (digest := _digest_over(subject, path)) is not None:
            problem = GROUP_IN_DIGEST if digest == path else GROUP_UNDER_DIGEST
            yield subject.page.fault((*path, "group"), problem, at_key=True)
        if place.is_leaf and not _says_what_to_do(subject, path):
            yield subject.page.fault(path, "notifies nobody; add notify: NAME, or notify: [] to be silent")


def _says_what_to_do(subject: Subject, path: Path) -> bool:
    """Whether the route or one above it names somebody to notify or something to do, rightly or wrongly."""
    return _is_written(subject, _with_those_above(path), ("notify", "act"))


def _has_hours(subject: Subject, path: Path) -> bool:
    """Whether the route, one above it or one below it says `during`."""
    below = [place.path for place in named_routes(subject.file.routes) if place.path[: len(path)] == path]
    return _is_written(subject, (*_with_those_above(path), *below), ("during",))


def _digest_over(subject: Subject, path: Path) -> Path | None:
    """The route whose digest gathers the messages of this one: itself, or the nearest above that says so."""
    for above in reversed(_with_those_above(path)):
        written = find(subject.page.root, (*above, "digest"))
        if written is not None:
            return above if written.value is not None else None
    return None


def _with_those_above(path: Path) -> tuple[Path, ...]:
    return tuple(path[: length + 1] for length in range(1, len(path), 2))


def _is_written(subject: Subject, routes: Iterable[Path], keys: Iterable[str]) -> bool:
    written = (find(subject.page.root, (*route, key)) for route in routes for key in keys)
    return any(node is not None and node.value is not None for node in written)


def _match(subject: Subject, match: Mapping[str, Any], path: Path) -> Iterator[Fault]:
    for error in check_match(match):
        no_field = bool(error.path) and field_type(str(error.path[-1])) is None
        yield subject.page.fault((*path, *error.path), error.problem, at_key=no_field)


def _dedupe(subject: Subject) -> Iterator[Fault]:
    defaults = subject.file.defaults
    if "dedupe" in defaults.model_fields_set and defaults.dedupe > defaults.keep:
        yield subject.page.fault(("defaults", "dedupe"), _forgotten(subject))


def _forgotten(subject: Subject) -> str:
    kept = durations.spell(subject.file.defaults.keep)
    return f"longer than `defaults.keep`, {kept}, after which messages are forgotten; make that longer"


def _silences(subject: Subject) -> Iterator[Fault]:
    zone = ZoneInfo(subject.file.defaults.timezone)
    for index, silence in enumerate(subject.file.silences):
        path: Path = ("silences", index)
        yield from _match(subject, silence.match, (*path, "match"))
        for key_path in _match_keys(silence.match, (*path, "match")):
            if is_fetched(str(key_path[-1])):
                yield subject.page.fault(key_path, FETCHED_LATE, at_key=True)
        if silence.since and silence.until:
            since, until = moments.parse(silence.since, zone), moments.parse(silence.until, zone)
            if until <= since:
                yield subject.page.fault((*path, "until"), "it ends before it begins")


def _retry(subject: Subject) -> Iterator[Fault]:
    for path, when, error in retry_faults(subject.file.retry):
        yield subject.page.fault((*path, *written_path(error.path, when)), told_in_short(error), at_key=True)
    ids = [rule.id for rule in subject.file.retry.rules or ()]
    for index, name in enumerate(ids):
        if name in ids[:index]:
            yield subject.page.fault(("retry", "rules", index, "id"), f"two rules are called {name}")


def _signatures(subject: Subject) -> Iterator[Fault]:
    return signature_faults(subject.file.signatures, subject.page)


def _trunk(subject: Subject) -> Iterator[Fault]:
    """Without the branch in its key, a state is that of all branches, and trunk has none of its own."""
    defaults = subject.file.defaults
    if defaults.trunk and "branch" not in defaults.state.key:
        yield subject.page.fault(("defaults", "trunk"), NO_STATE_OF_TRUNK, at_key=True)


def _match_keys(match: object, path: Path) -> Iterator[Path]:
    """Every key of a match block, those inside `any`, `all` and `not` included."""
    if isinstance(match, Mapping):
        for key, value in match.items():
            yield (*path, key)
            yield from _match_keys(value, (*path, key))
    elif isinstance(match, list):
        for index, item in enumerate(match):
            yield from _match_keys(item, (*path, index))


def _names(subject: Subject, names: Iterable[str], path: Path) -> Iterator[Fault]:
    names = tuple(names)
    for index, written in enumerate(names):
        name = written.removeprefix("+")
        if name.startswith(DIRECT):
            yield from _person(subject, name.removeprefix(DIRECT), (*path, index))
        elif subject.notifiers is not None and name not in subject.notifiers:
            yield subject.page.fault(
                (*path, index), unknown(f"unknown notifier {name}", name, subject.notifiers)
            )
    yield from _mixed(subject, names, path)


def _mixed(subject: Subject, names: Iterable[str], path: Path) -> Iterator[Fault]:
    if len({written.startswith("+") for written in names}) > 1:
        yield subject.page.fault(
            path, "mixes +name, which adds to the inherited list, with names that replace it"
        )


def _acts(subject: Subject, names: Iterable[str], path: Path) -> Iterator[Fault]:
    names = tuple(names)
    for index, written in enumerate(names):
        name = written.removeprefix("+")
        if subject.actions is not None and name not in subject.actions:
            yield subject.page.fault((*path, index), unknown(f"unknown action {name}", name, subject.actions))
    yield from _mixed(subject, names, path)


def _same_names(subject: Subject) -> Iterator[Fault]:
    """A route's targets are told apart by their names alone."""
    for name in sorted((subject.notifiers or frozenset()) & (subject.actions or frozenset())):
        yield subject.page.fault(("actions", name), "a notifier has this name already", at_key=True)


def _mentions(subject: Subject, names: Iterable[str], path: Path) -> Iterator[Fault]:
    for index, written in enumerate(names):
        yield from _person(subject, written.removeprefix("+"), (*path, index))


def _person(subject: Subject, name: str, path: Path) -> Iterator[Fault]:
    known = (AUTHOR, *subject.file.people)
    if name not in known:
        yield subject.page.fault(path, unknown(f"unknown person {name}", name, known))


def _unknown_author(subject: Subject) -> Iterator[Fault]:
    name, known = subject.file.defaults.unknown_author, tuple(subject.file.people)
    if name is not None and name not in known:
        path = ("defaults", "unknown_author")
        yield subject.page.fault(path, unknown(f"unknown person {name}", name, known))


def _fallbacks(subject: Subject) -> Iterator[Fault]:
    for name, options in subject.file.notifiers.items():
        written = options.get("fallback") or ()
        for index, other in enumerate((written,) if isinstance(written, str) else written):
            path = (
                ("notifiers", name, "fallback")
                if isinstance(written, str)
                else ("notifiers", name, "fallback", index)
            )
            if other == name:
                yield subject.page.fault(path, "a notifier cannot be its own fallback")
            elif subject.notifiers is not None and other not in subject.notifiers:
                yield subject.page.fault(path, unknown(f"unknown notifier {other}", other, subject.notifiers))


def _tests(subject: Subject) -> Iterator[Fault]:
    """Each name that an example expects must be there, and each example be told from the others."""
    routes = [place.name for place in named_routes(subject.file.routes)]
    names = [example.name for example in subject.file.tests]
    for number, example in enumerate(subject.file.tests):
        path: Path = ("tests", number)
        if example.name in names[:number]:
            yield subject.page.fault((*path, "name"), "another test has this name already")
        for key, check in (
            ("routes", lambda s, n, p: _expected_routes(s, n, p, routes)),
            ("notify", _names),
            ("mention", _mentions),
            ("act", _acts),
        ):
            bare = tuple(name.removeprefix("!") for name in getattr(example.expect, key) or ())
            yield from check(subject, bare, (*path, "expect", key))
        yield from _expected_quiet(subject, example.expect.quiet or (), (*path, "expect", "quiet"))


def _expected_quiet(subject: Subject, names: Iterable[str], path: Path) -> Iterator[Fault]:
    for name in names:
        if subject.notifiers is not None and name not in subject.notifiers:
            problem = unknown(f"unknown notifier {name}", name, subject.notifiers)
            yield subject.page.fault((*path, name), problem, at_key=True)


def _expected_routes(
    subject: Subject, names: Iterable[str], path: Path, known: Iterable[str]
) -> Iterator[Fault]:
    for index, name in enumerate(names):
        if name not in known:
            yield subject.page.fault((*path, index), unknown(f"unknown route {name}", name, known))


def _template(subject: Subject, name: str, path: Path) -> Iterator[Fault]:
    known = {STANDARD, *subject.file.templates}
    if name not in known:
        yield subject.page.fault(path, unknown(f"unknown template {name}", name, known))


def _default_template(subject: Subject) -> Iterator[Fault]:
    yield from _template(subject, subject.file.defaults.template, ("defaults", "template"))


def _notifier_templates(subject: Subject) -> Iterator[Fault]:
    for name, options in subject.file.notifiers.items():
        template = options.get("template")
        if isinstance(template, str):
            yield from _template(subject, template, ("notifiers", name, "template"))


def _unmatched(subject: Subject) -> Iterator[Fault]:
    yield from _names(subject, subject.file.unmatched.notify, ("unmatched", "notify"))


def _duplicate_names(subject: Subject) -> Iterator[Fault]:
    places = [place for place in named_routes(subject.file.routes) if place.route.name is not None]
    counts = Counter(place.route.name for place in places)
    seen: set[str | None] = set()
    for place in places:
        name = place.route.name
        if counts[name] > 1 and name in seen:
            yield subject.page.fault((*place.path, "name"), f"another route is called {name} already")
        seen.add(name)


def _members(subject: Subject) -> Iterator[Fault]:
    people = subject.file.people
    for name, person in people.items():
        for index, member in enumerate(person.members):
            path = ("people", name, "members", index)
            if member not in people:
                yield subject.page.fault(path, unknown(f"unknown person {member}", member, people))
            elif people[member].members:
                yield subject.page.fault(path, f"{member} is a team; a team has people as members")
