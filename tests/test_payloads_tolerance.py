"""Whatever strangers send is accepted or refused; what is accepted becomes an event that can be stored."""

import copy
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import PayloadError
from relay.payloads import parse, peek
from tests.factories import NOON, body

WEBHOOKS = sorted((Path(__file__).parent / "fixtures" / "webhooks").glob("*.json"))
HOOKS = [json.loads(path.read_text()) for path in WEBHOOKS]
NAMES = [path.stem for path in WEBHOOKS]
ONE_OF_EACH_SHAPE = [
    json.loads((WEBHOOKS[0].parent / f"{name}.json").read_text())
    for name in (
        "classic_2_0_failed",
        "classic_bitbucket_pull_request",
        "github_job_failed",
        "github_workflow_failed_fork",
        "github_app_workflow_failed",
        "gitlab_job_without_workflow",
        "lookalike_build_parameters",
        "lookalike_camel_case",
        "lookalike_flat",
        "lookalike_payload_is_text",
    )
]
REASON = re.compile(r"(not JSON|no build|no event|not a form|unsupported content type): ")
CONTENT_TYPES = ["application/json", "application/x-www-form-urlencoded", "text/plain", None]

WRONG: Mapping[str, Any] = {
    "null": None,
    "true": True,
    "a number": 17,
    "a negative number": -1,
    "a huge number": 10**60,
    "a float": 1.5,
    "an empty text": "",
    "nul": "\0",
    "half an emoji": "\ud83d",
    "a long text": "x" * 30_000,
    "not a link": "javascript:alert(1)",
    "a broken link": "https://[",
    "an empty list": [],
    "a mixed list": [None, 1, "x", [], {}, [[{}]]],
    "an empty object": {},
    "an object": {"name": {"x": 1}, "": None, "url": [1]},
}


def texts(value: Any) -> Iterator[str]:
    """Every text anywhere in an event, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from texts(key)
            yield from texts(item)
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from texts(item)
    elif is_dataclass(value):
        for part in fields(value):
            yield from texts(getattr(value, part.name))


def numbers(value: Any) -> Iterator[float]:
    if isinstance(value, (int, float)):
        yield value
    elif isinstance(value, Mapping):
        yield from (number for item in value.values() for number in numbers(item))
    elif isinstance(value, (tuple, list)):
        yield from (number for item in value for number in numbers(item))
    elif is_dataclass(value):
        yield from (number for part in fields(value) for number in numbers(getattr(value, part.name)))


def check(content: bytes, content_type: str | None = "application/json") -> None:
    """Refused by both looks, or accepted by both and fit for the store."""
    try:
        seen = peek(content, content_type)
    except PayloadError as refusal:
        if not REASON.match(str(refusal)):
            raise
        return
    event = parse(content, content_type, id="ours", received_at=NOON)
    assert (seen.kind, seen.generation, seen.type) == (event.kind, event.generation, event.type)
    found = [*texts(event), *texts(seen)]
    assert "\0" not in "".join(found).encode().decode()
    assert max(map(len, found)) <= 10_000
    assert all(abs(number) <= 2**53 for number in numbers(event))
    assert len(seen.dedupe_key) <= 400


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each part of a JSON value."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in parts:
        yield (*path, key)
        yield from paths(item, (*path, key))


def changed(hook: Any, path: tuple[Any, ...], change: Callable[[Any, Any], None]) -> Any:
    """A copy of the hook with something done to the part at the path."""
    other = copy.deepcopy(hook)
    parent = other
    for key in path[:-1]:
        parent = parent[key]
    change(parent, path[-1])
    return other


def setting(value: Any) -> Callable[[Any, Any], None]:
    def change(parent: Any, key: Any) -> None:
        parent[key] = value

    return change


def dropping(parent: Any, key: Any) -> None:
    del parent[key]


@pytest.mark.parametrize("hook", HOOKS, ids=NAMES)
def test_any_field_may_be_absent(hook: Any) -> None:
    for path in paths(hook):
        check(body(changed(hook, path, dropping)))


@pytest.mark.parametrize("value", WRONG.values(), ids=WRONG)
def test_any_field_may_be_of_any_type(value: Any) -> None:
    for hook in ONE_OF_EACH_SHAPE:
        for path in paths(hook):
            check(body(changed(hook, path, setting(value))))


@pytest.mark.parametrize("hook", HOOKS, ids=NAMES)
def test_any_webhook_may_be_cut_off_anywhere(hook: Any) -> None:
    content = body(hook)
    for end in range(0, len(content), 7):
        with pytest.raises(PayloadError):
            peek(content[:end], "application/json")


def test_any_field_may_be_nested_too_deeply() -> None:
    deep = b"[" * 3_000 + b"]" * 3_000
    for hook in ONE_OF_EACH_SHAPE:
        for path in paths(hook):
            check(body(changed(hook, path, setting("DEEP"))).replace(b'"DEEP"', deep))


@given(
    hook=st.sampled_from(HOOKS),
    cuts=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 3), st.binary(max_size=4)), max_size=4),
    content_type=st.sampled_from(CONTENT_TYPES),
)
def test_any_bytes_may_be_damaged(hook: Any, cuts: list[tuple[float, int, bytes]], content_type: str) -> None:
    content = body(hook)
    for place, length, other in cuts:
        at = int(place * len(content))
        content = content[:at] + other + content[at + length :]

    check(content, content_type)


@given(content=st.binary(), content_type=st.sampled_from(CONTENT_TYPES))
def test_any_bytes_may_come(content: bytes, content_type: str | None) -> None:
    check(content, content_type)


@given(
    hook=st.sampled_from(HOOKS),
    place=st.integers(0),
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ),
)
def test_any_field_may_hold_any_json(hook: Any, place: int, value: Any) -> None:
    every = list(paths(hook))

    check(body(changed(hook, every[place % len(every)], setting(value))))


@given(st.text(), st.text(), st.datetimes())
def test_any_text_may_stand_for_a_time(first: str, second: str, time: datetime) -> None:
    for text in (first, f"{time.isoformat()}{second}", f"{time} {second}"):
        check(body({"payload": {"build_num": 1, "start_time": text, "stop_time": second}}))
