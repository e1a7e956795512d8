"""What is accepted as a webhook, by which key repeats are known, and what is refused with which words."""

import hashlib
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from relay.errors import PayloadError
from relay.model import EventKind, Generation
from relay.payloads import Peek, UnsupportedType, parse, peek
from tests.factories import NOON, body, classic, job_completed, ping, workflow_completed

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
BUILD = classic()["payload"]
FLAT = {"build_num": "907", "build_url": "https://circleci.com/gh/acme/api/907", "status": "success"}


def peek_at(hook: Any, content_type: str | None = JSON) -> Peek:
    return peek(body(hook), content_type)


def test_a_classic_build_is_known_by_repository_number_and_outcome() -> None:
    assert peek_at(classic()) == Peek(
        generation=Generation.CLASSIC,
        kind=EventKind.BUILD,
        type=None,
        source_id=None,
        dedupe_key="build:https://github.com/acme/api#42:success",
    )


@pytest.mark.parametrize(
    ("hook", "kind"),
    [
        (workflow_completed(), EventKind.WORKFLOW),
        (job_completed(), EventKind.JOB),
        (ping(), EventKind.PING),
        ({"type": "pipeline-approved", "id": "e-1"}, EventKind.UNKNOWN),
    ],
    ids=["workflow", "job", "ping", "a type to come"],
)
def test_a_modern_event_is_known_by_its_id(hook: dict[str, Any], kind: EventKind) -> None:
    assert peek_at(hook) == Peek(
        generation=Generation.MODERN,
        kind=kind,
        type=hook["type"],
        source_id=hook["id"],
        dedupe_key=f"event:{hook['id']}",
    )


def test_a_modern_event_stays_one_when_a_payload_is_added_to_it() -> None:
    assert peek_at(ping(payload={"build_num": 1})).kind is EventKind.PING


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (body({"payload": json.dumps(BUILD)}), JSON),
        (urlencode({"payload": json.dumps(BUILD)}).encode(), FORM),
        (urlencode({"token": "x", "payload": json.dumps(BUILD)}).encode(), f"{FORM}; charset=utf-8"),
        (body(FLAT), JSON),
        (body({"payload": {"reponame": "api", "status": "failed"}}), JSON),
        (body({"payload": {"build_url": "https://circleci.com/gh/acme/api/5"}}), JSON),
        (body({"payload": {"vcs_url": "https://github.com/acme/api", "outcome": "success"}}), JSON),
        (body({"Repository": "api", "IsFailed": True}), JSON),
        (body(FLAT), FORM),
    ],
    ids=[
        "payload is text",
        "form",
        "form with more fields",
        "flat",
        "status and name",
        "page alone",
        "outcome and repository",
        "camel case",
        "json sent as a form",
    ],
)
def test_a_lookalike_is_accepted(content: bytes, content_type: str) -> None:
    seen = peek(content, content_type)

    assert (seen.generation, seen.kind) == (Generation.LOOKALIKE, EventKind.BUILD)


def test_a_lookalike_with_a_number_is_known_by_it() -> None:
    assert peek_at(FLAT).dedupe_key == "build:https://circleci.com/gh/acme/api/907#907:success"


def test_a_lookalike_without_a_number_is_known_by_its_bytes() -> None:
    content = b'{"payload": {"reponame": "api", "status": "failed"}}'

    assert peek(content, JSON).dedupe_key == f"body:{hashlib.sha256(content).hexdigest()}"


def test_the_same_build_with_another_outcome_is_another_event() -> None:
    assert peek_at(classic(outcome="failed")).dedupe_key == "build:https://github.com/acme/api#42:failed"


def test_a_build_that_never_ran_is_known_by_its_status() -> None:
    never_ran = classic(outcome=None, status="not_run")

    assert peek_at(never_ran).dedupe_key == "build:https://github.com/acme/api#42:not_run"


def test_a_build_without_any_address_is_known_by_its_names() -> None:
    assert peek_at(classic(vcs_url=None, build_url=None)).dedupe_key == "build:acme/api#42:success"


def test_a_key_too_long_to_store_is_replaced_by_its_hash() -> None:
    long = peek_at(classic(vcs_url="https://github.com/acme/" + "a" * 490)).dedupe_key

    assert long.startswith("hash:")
    assert len(long) == len("hash:") + 64


@pytest.mark.parametrize(
    "content_type",
    [
        JSON,
        "application/json; charset=utf-8",
        "Application/JSON",
        "text/json",
        "application/vnd.circleci+json",
        "",
        ";",
        None,
    ],
)
def test_json_is_taken_under_any_of_its_names(content_type: str | None) -> None:
    assert peek_at(classic(), content_type).kind is EventKind.BUILD


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "multipart/form-data; boundary=x"])
def test_another_content_type_is_refused(content_type: str) -> None:
    with pytest.raises(
        UnsupportedType, match=r"^unsupported content type: wanted application/json or a form"
    ):
        peek_at(classic(), content_type)


REFUSED = {
    "empty": (b"", "not JSON: the body is empty"),
    "blank": (b" \n", "not JSON: the body is empty"),
    "not json": (b"hello", "not JSON: Expecting value (character 0)"),
    "cut off": (b'{"payload": {"build_num": 4', "not JSON: Expecting ',' delimiter (character 27)"),
    "more after it": (b"{} {}", "not JSON: Extra data (character 3)"),
    "utf-16": ('{"payload": {}}'.encode("utf-16"), "not JSON: Expecting value (character 0)"),
    "list": (b"[]", "no build: the body is a list, wanted an object"),
    "text": (b'"payload"', "no build: the body is a text, wanted an object"),
    "number": (b"1e999", "no build: the body is null, wanted an object"),
    "null": (b"null", "no build: the body is null, wanted an object"),
    "true": (b"true", "no build: the body is true, wanted an object"),
    "nothing in it": (
        b"{}",
        'no build: the body has neither `payload` nor `type`; wanted {"payload": {build}} or an event',
    ),
    "type alone": (b'{"type": "ping"}', "no event: the body has a `type` but no `id`"),
    "empty id": (b'{"type": "ping", "id": ""}', "no event: the body has a `type` but no `id`"),
    "payload null": (b'{"payload": null}', "no build: `payload` is null, wanted an object"),
    "payload list": (b'{"payload": [1]}', "no build: `payload` is a list, wanted an object"),
    "payload number": (b'{"payload": 7}', "no build: `payload` is a number, wanted an object"),
    "payload empty text": (b'{"payload": ""}', "not JSON: `payload` is empty"),
    "payload plain text": (b'{"payload": "hi"}', "not JSON: Expecting value (character 0)"),
    "payload text of a list": (b'{"payload": "[]"}', "no build: `payload` is a list, wanted an object"),
    "payload empty": (
        b'{"payload": {}}',
        "no build: `payload` has neither `build_num` nor `build_url`, "
        "nor an `outcome` or `status` with a `vcs_url` or `reponame`",
    ),
    "payload with a status alone": (
        b'{"payload": {"status": "failed"}}',
        "no build: `payload` has neither `build_num` nor `build_url`, "
        "nor an `outcome` or `status` with a `vcs_url` or `reponame`",
    ),
}


@pytest.mark.parametrize(("content", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_webhook_is_refused_with_a_reason(content: bytes, words: str) -> None:
    with pytest.raises(PayloadError) as refusal:
        peek(content, JSON)

    assert str(refusal.value) == words


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no build: the form has no `payload` field"),
        (b"build_num=4", "no build: the form has no `payload` field"),
        (b"payload=", "no build: the form has no `payload` field"),
        (b"payload=%7B", "not JSON: Expecting property name enclosed in double quotes (character 1)"),
        (b"a&" * 200, "not a form: more than 100 fields"),
    ],
    ids=["empty", "no payload", "empty payload", "cut off", "too many fields"],
)
def test_a_form_without_a_build_is_refused_with_a_reason(content: bytes, words: str) -> None:
    with pytest.raises(PayloadError) as refusal:
        peek(content, FORM)

    assert str(refusal.value) == words


MENDED = {
    "byte order mark": b"\xef\xbb\xbf" + body(ping(note="x")),
    "half an emoji": b'{"type": "ping", "id": "e-1", "note": "\\ud83d"}',
    "bytes that are not utf-8": b'{"type": "ping", "id": "e-1", "note": "\xff\xfe"}',
    "not a number": b'{"type": "ping", "id": "e-1", "note": NaN}',
    "a number of 9,000 digits": b'{"type": "ping", "id": "e-1", "note": ' + b"9" * 9_000 + b"}",
    "a float beyond all": b'{"type": "ping", "id": "e-1", "note": 1e999}',
    "a raw line feed": b'{"type": "ping", "id": "e-1", "note": "a\nb"}',
    "deep lists": b'{"note": ' + b"[" * 100_000 + b"]" * 100_000 + b', "type": "ping", "id": "e-1"}',
    "deep objects": b'{"a":' * 60_000 + b"1" + b"}" * 60_000,
    "deep under payload": b'{"payload": {"build_num": 3, "x": ' + b"[" * 5_000 + b"]" * 5_000 + b"}}",
}


@pytest.mark.parametrize("name", [name for name in MENDED if name != "deep objects"])
def test_a_broken_corner_does_not_cost_the_event(name: str) -> None:
    seen = peek(MENDED[name], JSON)

    assert parse(MENDED[name], JSON, id="1", received_at=NOON).kind is seen.kind


def test_nothing_but_depth_is_refused() -> None:
    with pytest.raises(PayloadError, match=r"^no build: the body has neither"):
        peek(MENDED["deep objects"], JSON)
