"""The hook's contract: which request gets which answer."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from relay.errors import StoreBusy, StoreError
from relay.secret import Secret
from relay.store.accept import Arrival
from relay.web.access import Access
from relay.web.app import Services, create_app
from tests.web.bodies import JSON, SECRET, TOKEN, UNSIGNED, classic, modern, ping, signed
from tests.web.ledgers import NOON, ScriptedLedger

URL = "/hooks/circleci"
WITH_TOKEN = f"{URL}/{TOKEN.reveal()}"
OPEN = Access()

Clients = Callable[..., FlaskClient]


def post(
    client: FlaskClient, body: bytes, url: str = URL, headers: dict[str, str] | None = None
) -> TestResponse:
    return client.post(url, data=body, headers=signed(body) if headers is None else headers)


def error_of(answer: TestResponse) -> str:
    return str(answer.get_json()["error"])


def test_a_new_webhook_is_accepted_under_an_id_of_its_own(client: FlaskClient) -> None:
    answer = post(client, modern())

    assert (answer.status_code, answer.content_type) == (202, JSON)
    assert answer.get_json() == {"id": answer.get_json()["id"], "status": "accepted"}
    assert len(answer.get_json()["id"]) == 26


def test_the_same_event_again_is_a_duplicate(client: FlaskClient) -> None:
    post(client, modern())

    answer = post(client, modern(happened_at="later"))

    assert (answer.status_code, answer.get_json()) == (200, {"status": "duplicate"})


def test_the_same_build_with_another_outcome_is_no_duplicate(client: FlaskClient) -> None:
    post(client, classic(7, "failed"), WITH_TOKEN, UNSIGNED)

    answer = post(client, classic(7, "success"), WITH_TOKEN, UNSIGNED)

    assert answer.status_code == 202


def test_an_authentic_event_of_an_unknown_type_is_accepted(client: FlaskClient) -> None:
    answer = post(client, modern(type="deployment-finished"))

    assert answer.status_code == 202


def test_a_ping_is_answered_and_not_stored(client: FlaskClient) -> None:
    answers = [post(client, ping()) for _ in range(2)]

    assert [(answer.status_code, answer.get_json()) for answer in answers] == [(200, {"status": "ok"})] * 2


def test_an_unsigned_ping_is_refused(client: FlaskClient) -> None:
    answer = post(client, ping(), headers=UNSIGNED)

    assert answer.status_code == 401


def test_a_signature_over_other_bytes_is_refused(client: FlaskClient) -> None:
    answer = post(client, modern() + b" ", headers=signed(modern()))

    assert (answer.status_code, error_of(answer)) == (
        401,
        "the circleci-signature header does not fit the body under any configured secret",
    )


def test_the_signature_is_checked_before_the_body_is_looked_at(client: FlaskClient) -> None:
    answer = post(client, b"not JSON", headers=signed(b"something else"))

    assert answer.status_code == 401


def test_a_wrong_url_token_is_refused_without_echoing_it(client: FlaskClient) -> None:
    answer = post(client, classic(), f"{URL}/not-the-token", UNSIGNED)

    assert (answer.status_code, error_of(answer)) == (
        401,
        "the token in the URL is not one of circleci.hooks.url_tokens",
    )


def test_a_slash_at_the_end_is_no_token(client: FlaskClient) -> None:
    answer = post(client, modern(), f"{URL}/")

    assert answer.status_code == 202


def test_without_any_configuration_everything_is_accepted(client_for: Clients) -> None:
    client = client_for(OPEN)

    answers = [post(client, body, headers=UNSIGNED) for body in (modern(), classic())]

    assert [answer.status_code for answer in answers] == [202, 202]


def test_a_form_with_a_payload_is_accepted(client: FlaskClient) -> None:
    build = classic()[len(b'{"payload": ') : -1].decode()

    answer = client.post(WITH_TOKEN, data={"payload": build})

    assert answer.status_code == 202


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", "not JSON: the body is empty"),
        (b"[]", "no build: the body is a list, wanted an object"),
        (b'{"type": "workflow-completed"}', "no event: the body has a `type` but no `id`"),
        (
            b"{}",
            'no build: the body has neither `payload` nor `type`; wanted {"payload": {build}} or an event',
        ),
    ],
    ids=["empty", "array", "no id", "empty object"],
)
def test_a_body_without_a_build_is_told_what_is_missing(client: FlaskClient, body: bytes, error: str) -> None:
    answer = post(client, body)

    assert (answer.status_code, error_of(answer)) == (400, error)


@pytest.mark.parametrize(
    "media", ["text/plain", "multipart/form-data; boundary=x", "\xff", "application/xml"]
)
def test_another_content_type_is_refused(client: FlaskClient, media: str) -> None:
    answer = post(client, modern(), headers={**signed(modern()), "Content-Type": media})

    assert (answer.status_code, error_of(answer)) == (
        415,
        "unsupported content type: wanted application/json or a form with `payload`",
    )


def test_a_compressed_body_is_refused(client: FlaskClient) -> None:
    answer = post(client, modern(), headers={**signed(modern()), "Content-Encoding": "gzip"})

    assert (answer.status_code, error_of(answer)) == (
        415,
        "compressed bodies are not taken: send it without Content-Encoding",
    )


def test_a_body_over_the_limit_is_refused(client_for: Clients) -> None:
    answer = post(client_for(body_limit=1000), modern(padding="x" * 1000))

    assert (answer.status_code, error_of(answer)) == (413, "the body is larger than 1000 bytes")


def test_a_body_at_the_limit_is_accepted(client_for: Clients) -> None:
    body = modern()

    answer = post(client_for(body_limit=len(body)), body)

    assert answer.status_code == 202


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"])
def test_other_methods_are_told_to_post(client: FlaskClient, method: str) -> None:
    answer = client.open(URL, method=method)

    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert error_of(answer) == (
        "this address takes CircleCI's webhooks by POST; enter it in the project's webhook settings"
    )


def test_a_path_that_only_begins_like_the_hook_is_not_the_hook(client: FlaskClient) -> None:
    assert client.post("/hooks/circleci-other").status_code == 404


def client_with(submit: Callable[[Arrival], bool], access: Access = OPEN) -> FlaskClient:
    return create_app(
        Services(access=access, submit=submit, store=ScriptedLedger(), now=lambda: NOON)
    ).test_client()


def failing(error: Exception) -> Callable[[Arrival], bool]:
    def submit(_: Arrival) -> bool:
        raise error

    return submit


@pytest.mark.parametrize(
    ("error", "wait_s", "text"),
    [
        (StoreBusy("locked", retry_after=7), "7", "the webhook could not be stored now; send it again"),
        (StoreError("gone"), "30", "the webhook could not be stored now; send it again"),
        (ZeroDivisionError("/secret/path"), "30", "a fault in the relay; send it again"),
    ],
    ids=["busy", "broken", "fault"],
)
def test_what_cannot_be_stored_is_asked_for_again(error: Exception, wait_s: str, text: str) -> None:
    answer = post(client_with(failing(error)), modern(), headers=UNSIGNED)

    assert (answer.status_code, answer.headers["Retry-After"], error_of(answer)) == (503, wait_s, text)


def test_what_arrived_is_handed_on_whole() -> None:
    arrivals: list[Arrival] = []

    def submit(arrival: Arrival) -> bool:
        arrivals.append(arrival)
        return True

    body = modern(id="event-9", type="job-completed")
    post(client_with(submit), body, headers={"Content-Type": "application/json; charset=utf-8"})

    seen: dict[str, Any] = {name: getattr(arrivals[0], name) for name in Arrival.__slots__ if name != "id"}
    assert seen == {
        "dedupe_key": "event:event-9",
        "received_at": NOON,
        "kind": "job",
        "generation": "modern",
        "type": "job-completed",
        "source_id": "event-9",
        "content_type": "application/json; charset=utf-8",
        "body": body,
    }


def test_a_secret_with_letters_beyond_ascii_is_a_secret(client_for: Clients) -> None:
    secret = Secret("schlüssel")

    answer = post(client_for(Access(secrets=(SECRET, secret))), modern(), headers=signed(modern(), secret))

    assert answer.status_code == 202
