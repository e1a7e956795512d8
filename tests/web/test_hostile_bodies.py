"""Whatever strangers send, the answer is theirs to mend: never a 5xx, never a traceback."""

import json
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay.store import Store
from relay.store.group_commit import GroupCommit
from relay.web.access import Access
from relay.web.app import Services, create_app
from tests.web.bodies import JSON, classic, modern, signed
from tests.web.conftest import BOTH
from tests.web.ledgers import NOON, ScriptedLedger

URL = "/hooks/circleci"
FORM = "application/x-www-form-urlencoded"
SEEDS = (
    modern(pipeline={"number": 7, "vcs": {"branch": "main", "commit": {"subject": "Fix it"}}}),
    classic(7, "failed", steps=[{"name": "test", "actions": [{"status": "failed", "index": 0}]}]),
    b'{"build_num": "12", "reponame": "api", "status": "failed", "build_url": "https://example.com/12"}',
    b'{"payload": "{\\"build_num\\": 3, \\"reponame\\": \\"api\\", \\"outcome\\": \\"success\\"}"}',
)
NASTY_TEXTS = (
    "",
    "\0",
    "\ud800",
    "\U0001f600" * 300,
    "x" * 5000,
    "../../etc/passwd",
    "'; DROP TABLE events;--",
)
NASTY_VALUES: tuple[Any, ...] = (*NASTY_TEXTS, None, True, -1, 2**70, 1e308, [], {}, [[[[]]]], {"": {"": ""}})
NASTY_BODIES = {
    "deep arrays": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "deep payload": b'{"payload":' * 2000 + b"1" + b"}" * 2000,
    "payload in payload": b'{"payload":' + b'"' + b"[" * 5000 + b'"}',
    "a number without end": b'{"id": ' + b"9" * 100_000 + b', "type": "x"}',
    "number as id": b'{"id": 1e999, "type": "x"}',
    "not a number": b'{"id": NaN, "type": Infinity}',
    "lone surrogate": b'{"id": "\\ud800", "type": "\\udfff"}',
    "nul": b'{"id": "a\\u0000b", "type": "\\u0000"}',
    "nul bytes": b"\0" * 100,
    "not utf-8": b'{"id": "\xff\xfe", "type": "\xc3"}',
    "utf-16": '{"id": "a", "type": "b"}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"id": "a", "type": "b"}',
    "a key twice": b'{"id": "a", "id": {}, "type": "b", "type": []}',
    "two values": b'{"id": "a", "type": "b"}{"id": "c"}',
    "an enormous id": json.dumps({"id": "i" * 100_000, "type": "t" * 100_000}).encode(),
    "an enormous build number": classic(10**4000 - 1),
    "a gzip header": b"\x1f\x8b\x08\x00" + b"\0" * 50,
}


@pytest.fixture(scope="module")
def open_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """Without access control, so that every body is looked into."""
    store = Store.open(f"sqlite:///{tmp_path_factory.mktemp('store')}/relay.db")
    store.upgrade()
    writer = GroupCommit(store)
    services = Services(access=Access(), submit=writer.submit, store=store, now=lambda: NOON)
    yield create_app(services).test_client()
    writer.close()
    store.close()


def is_theirs(status: int) -> bool:
    return 200 <= status < 300 or 400 <= status < 500


@pytest.mark.parametrize("body", NASTY_BODIES.values(), ids=NASTY_BODIES.keys())
@pytest.mark.parametrize("media", [JSON, FORM, "", "application/json; charset=utf-7"])
def test_nasty_bodies_are_answered(open_client: FlaskClient, body: bytes, media: str) -> None:
    answer = open_client.post(URL, data=body, content_type=media)

    assert is_theirs(answer.status_code)
    assert len(answer.data) < 400


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A real shape with one thing wrong with its values and perhaps one with its bytes."""
    body = json.loads(draw(st.sampled_from(SEEDS)))
    paths = list(_paths(body))
    for path in draw(st.lists(st.sampled_from(paths), max_size=3)):
        _put(body, path, draw(st.sampled_from(NASTY_VALUES)))
    text = json.dumps(body, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    return draw(st.sampled_from([text, _cut(draw, text), _poke(draw, text)]))


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in inner:
        yield (*path, key)
        yield from _paths(child, (*path, key))


def _put(body: Any, path: tuple[Any, ...], value: Any) -> None:
    """Set the value unless an earlier change took the way there."""
    with suppress(KeyError, IndexError, TypeError):
        for key in path[:-1]:
            body = body[key]
        body[path[-1]] = deepcopy(value)


def _cut(draw: st.DrawFn, text: bytes) -> bytes:
    return text[: draw(st.integers(0, len(text)))]


def _poke(draw: st.DrawFn, text: bytes) -> bytes:
    at = draw(st.integers(0, len(text)))
    return text[:at] + draw(st.binary(min_size=1, max_size=4)) + text[at + 1 :]


BOUNDED = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@BOUNDED
@given(body=mutated(), media=st.sampled_from([JSON, FORM, "", "text/json"]))
def test_mutated_webhooks_are_answered(open_client: FlaskClient, body: bytes, media: str) -> None:
    answer = open_client.post(URL, data=body, content_type=media)

    assert is_theirs(answer.status_code)


@BOUNDED
@given(header=st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=200))
def test_any_signature_header_but_the_right_one_is_refused(header: str) -> None:
    services = Services(access=BOTH, submit=lambda _: True, store=ScriptedLedger(), now=lambda: NOON)
    client = create_app(services).test_client()

    answer = client.post(URL, data=modern(), headers={**signed(modern()), "Circleci-Signature": header})

    assert answer.status_code == 401
