"""Calling an address of one's own: what comes from an event cannot lead elsewhere."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from relay.actions.http import Http
from relay.errors import DeliveryError
from relay.ids import new_id
from tests.actions.conftest import Bench
from tests.factories import make_commit, make_event
from tests.fakes.sink import Play, Sink


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


def action(sink: Sink, path: str = "/previews/{{ branch }}", **options: Any) -> Http:
    return Http.model_validate({"url": f"{sink.url}{path}", "allow_private": True, **options})


@pytest.mark.parametrize(
    ("branch", "path"),
    [
        ("topic/door", "/previews/topic%2Fdoor"),
        ("a?b=c#d", "/previews/a%3Fb%3Dc%23d"),
        ("%2e%2e", "/previews/%252e%252e"),
        ("tür", "/previews/t%C3%BCr"),
    ],
)
def test_values_are_one_part_of_the_address(bench: Bench, sink: Sink, branch: str, path: str) -> None:
    bench.do(action(sink), make_event(branch=branch))

    assert [request.path for request in sink.requests] == [path]


def test_a_preview_is_taken_down(bench: Bench, sink: Sink) -> None:
    bench.do(action(sink, method="DELETE"), make_event())

    assert [(request.method, request.path) for request in sink.requests] == [("DELETE", "/previews/main")]


def test_encoding_by_hand_does_not_encode_twice(bench: Bench, sink: Sink) -> None:
    bench.do(action(sink, "/p/{{ branch | urlencode }}"), make_event(branch="topic/door"))

    assert sink.requests[0].path == "/p/topic%2Fdoor"


@pytest.mark.parametrize(
    ("branch", "problem"),
    [
        ("..", "would be . or .."),
        (".", "would be . or .."),
        (None, "a value of the address is missing"),
        ("", "a value of the address is missing"),
    ],
)
def test_a_value_that_would_name_something_else_is_refused(
    bench: Bench, sink: Sink, branch: str | None, problem: str
) -> None:
    with pytest.raises(DeliveryError, match=problem) as caught:
        bench.do(action(sink), make_event(branch=branch))
    assert caught.value.permanent
    assert sink.requests == []


def test_method_headers_and_body(bench: Bench, sink: Sink) -> None:
    hostile = 'shut", "admin": true, "x": "'
    delivery = new_id()

    bench.do(
        action(
            sink,
            method="PUT",
            headers={"Authorization": "Bearer s3cret"},
            body='{"subject": "{{ commit.subject }}"}',
        ),
        make_event(commit=make_commit(subject=hostile)),
        delivery=delivery,
    )

    (request,) = sink.requests
    assert (request.method, request.headers["Authorization"]) == ("PUT", "Bearer s3cret")
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Idempotency-Key"] == delivery
    assert json.loads(request.body) == {"subject": hostile}


def test_a_body_of_another_kind_is_sent_as_it_is(bench: Bench, sink: Sink) -> None:
    bench.do(
        action(sink, headers={"content-type": "text/plain"}, body='say "{{ branch }}"'),
        make_event(branch='a"b'),
    )

    assert sink.requests[0].body == b'say "a"b"'


def test_what_was_answered_is_told_without_the_address(bench: Bench, sink: Sink) -> None:
    answer = bench.do(action(sink, method="GET"), make_event())

    assert answer.excerpt == "GET 127.0.0.1 answered 200: ok"


@pytest.mark.parametrize(("status", "permanent"), [(404, True), (503, False), (429, False)])
def test_failures_say_whether_another_try_can_help(
    bench: Bench, sink: Sink, status: int, permanent: bool
) -> None:
    sink.plays.append(Play(status=status))

    with pytest.raises(DeliveryError) as caught:
        bench.do(action(sink), make_event())
    assert caught.value.permanent is permanent


def test_private_addresses_need_to_be_meant(bench: Bench, sink: Sink) -> None:
    with pytest.raises(DeliveryError, match="a private address"):
        bench.do(Http.model_validate({"url": "https://127.0.0.1/x"}), make_event())


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://previews.example.com/x", "https://"),
        ("https://{{ branch }}.example.com/x", "the host of url cannot come from an event"),
        ("https://previews.example.com/{{ brnch }}", "did you mean branch"),
        ("previews.example.com", "begins with https://"),
    ],
)
def test_addresses_that_cannot_be_meant_are_faults(url: str, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        Http.model_validate({"url": url})


def test_its_address_is_a_secret() -> None:
    action = Http.model_validate({"url": "https://hooks.example.com/s3cret"})

    assert "s3cret" not in repr(action)
    assert "s3cret" not in action.would(make_event())
    assert action.destination().startswith("http:")
