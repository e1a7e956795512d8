"""The documentation names every endpoint the client calls, and every method."""

import inspect
import re
from pathlib import Path

import pytest

from relay.circleci.facade import CircleCI
from relay.circleci.v1 import V1
from relay.circleci.v1_1 import V11
from relay.circleci.v2 import V2

PAGE = (Path(__file__).parents[2] / "docs" / "circleci.md").read_text()
METHODS = [
    (kind, name, method)
    for kind in (V1, V11, V2)
    for name, method in inspect.getmembers(kind, inspect.isfunction)
    if not name.startswith("_")
]


@pytest.mark.parametrize(
    ("kind", "name", "method"), METHODS, ids=[f"{kind.__name__}.{name}" for kind, name, _ in METHODS]
)
def test_a_method_stands_in_the_documentation_beside_its_endpoint(
    kind: type, name: str, method: object
) -> None:
    endpoint = re.match(r"(GET|POST|PUT|DELETE) /[^\s:]*", inspect.getdoc(method) or "")

    assert endpoint is not None
    assert re.search(rf"`{name}\(.*\| `{re.escape(endpoint[0])}`", PAGE)


def test_each_method_of_the_facade_is_documented() -> None:
    names = [name for name, _ in inspect.getmembers(CircleCI, inspect.isfunction) if not name.startswith("_")]

    assert [name for name in names if f"`{name}(" not in PAGE] == []
