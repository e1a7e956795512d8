"""Whatever somebody saves as a configuration: an answer, never a traceback."""

from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from relay.config import load_text
from relay.errors import ConfigError
from tests.config.kinds import ENVIRON, NOTIFIERS

COMPLETE = (Path(__file__).parents[1] / "fixtures" / "config" / "good" / "complete.yaml").read_text()
WORDS = [*"-:?[]{},#&*!|>'\"%@` \n\t~${}=", "${", "\n  ", "a", "1", "null", "true", "é", "<<", "+x", "dm:"]
PIECES = st.lists(st.sampled_from(WORDS), max_size=12).map("".join)

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | PIECES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PIECES, inner, max_size=3),
    max_leaves=8,
)
SECTIONS = (
    *("version", "server", "store", "circleci", "defaults", "people"),
    *("notifiers", "templates", "routes", "unmatched", "tests", "actions"),
)
ROUTE_KEYS = (
    *("name", "match", "when", "notify", "act", "mention", "group", "hold"),
    *("template", "stop", "shadow", "routes", "once_per", "digest"),
)
keys = st.sampled_from(SECTIONS)
route_keys = st.sampled_from(ROUTE_KEYS)


def is_answered(text: str) -> bool:
    try:
        load_text(text, "relay.yaml", NOTIFIERS, {}, ENVIRON)
    except ConfigError as error:
        return all(fault.line >= 1 and fault.column >= 1 and fault.problem for fault in error.faults)
    return True


@settings(max_examples=80, deadline=None)
@given(PIECES)
def test_any_text_is_answered(text: str) -> None:
    assert is_answered(text)


@settings(max_examples=80, deadline=None)
@given(st.integers(0, len(COMPLETE)), st.integers(0, 40), PIECES)
def test_a_good_file_with_a_slip_of_the_pen_is_answered(at: int, cut: int, slip: str) -> None:
    assert is_answered(COMPLETE[:at] + slip + COMPLETE[at + cut :])


@settings(max_examples=80, deadline=None)
@given(
    st.dictionaries(keys, anything, max_size=4), st.lists(st.dictionaries(route_keys, anything), max_size=3)
)
def test_any_values_below_known_keys_are_answered(
    sections: dict[str, Any], routes: list[dict[str, Any]]
) -> None:
    assert is_answered(as_yaml({"routes": routes, **sections}))


def as_yaml(value: Any) -> str:
    """YAML in flow style, every text quoted."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(key)}: {as_yaml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_yaml, value)) + "]"
    if isinstance(value, str):
        return quoted(value)
    return "null" if value is None else str(value)


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'
