"""The short words that retry rules use for fields: `class` is `failure.class`, `failed_step` `failure.step`.

A rule's `when` is a `match` like a route's, about one failed job; only its names are shorter. It is spelt out
here, and the places of faults are put back into what was written.
"""

from collections.abc import Iterator, Mapping
from typing import Any

SHORT: Mapping[str, str] = {
    "class": "failure.class",
    "signature": "failure.signature",
    "fingerprint": "failure.fingerprint",
    "failed_step": "failure.step",
    "step_kind": "failure.step_kind",
    "exit_code": "failure.exit_code",
    "p_transient": "failure.p_transient",
    "job": "failure.name",
    "workflow": "workflow.name",
    "project": "project.slug",
    "author": "author.known",
    "attempt": "workflow.attempt",
    "tests.known_flaky": "failure.known_flaky",
    "tests.count": "failure.test_count",
    "tests.name": "failure.tests",
    "tests.wilson_lb": "failure.tests_wilson",
    "history.job_rho": "history.rho",
    "history.phi": "history.flake_rate",
}
NESTED = ("tests", "history")  # may be written with their fields inside
BLOCKS = ("any", "all", "not")
ALL_FLAKY, MOST_TESTS = "tests.all_known_flaky", "tests.max"  # two more ways to say it
NO_STEPS = "none"  # `steps: none`: no step failed
_LONG = {long: short for short, long in SHORT.items()}
_OTHERS: Mapping[str, tuple[str, ...]] = {
    "failure.step": ("steps",),
    "failure.known_flaky": (ALL_FLAKY,),
    "failure.test_count": (MOST_TESTS,),
    "history.rho": ("history.job_rho",),
    "history.flake_rate": ("history.phi",),
}

Path = tuple[str | int, ...]


def spelt_out(when: Any) -> Any:
    """The match that is meant. What is no mapping stays as it is, for whoever checks it."""
    if not isinstance(when, Mapping):
        return when
    return dict(_entry(key, value) for key, value in _flat(when))


def _flat(when: Mapping[Any, Any]) -> Iterator[tuple[Any, Any]]:
    for key, value in when.items():
        if key in NESTED and isinstance(value, Mapping):
            yield from ((f"{key}.{inner}", wanted) for inner, wanted in value.items())
        else:
            yield key, value


def _entry(key: Any, value: Any) -> tuple[Any, Any]:
    if key in BLOCKS:
        each = [value] if isinstance(value, Mapping) else value
        return key, [spelt_out(inner) for inner in each] if isinstance(each, (list, tuple)) else each
    if key == "steps" and value == NO_STEPS:
        return "failure.step", "!*"
    if key == ALL_FLAKY and isinstance(value, bool):
        return "failure.known_flaky", "all" if value else "!all"
    if key == MOST_TESTS and isinstance(value, int):
        return "failure.test_count", f"<= {value}"
    return SHORT.get(key, key), value


def written_path(path: Path, when: Any) -> Path:
    """Where something of the spelt-out match stands in what was written, as far as that is known."""
    written: list[str | int] = []
    here = when
    for part in path:
        names = _names(part, here)
        for name in names:
            if isinstance(here, Mapping) and name == 0 and 0 not in here:
                continue  # a block with one match that was written without a list
            written.append(name)
            here = _inside(here, name)
    return tuple(written)


def _names(part: str | int, here: Any) -> tuple[str | int, ...]:
    if not isinstance(part, str) or not isinstance(here, Mapping):
        return (part,)
    for name in (part, *_OTHERS.get(part, ()), _LONG.get(part, part)):
        if name in here:
            return (name,)
        first, _, rest = name.partition(".")
        if first in NESTED and rest in (here.get(first) or ()):
            return (first, rest)
    return (part,)


def _inside(here: Any, name: str | int) -> Any:
    if isinstance(here, Mapping):
        return here.get(name)
    is_there = isinstance(here, (list, tuple)) and isinstance(name, int) and name < len(here)
    return here[name] if is_there else None
