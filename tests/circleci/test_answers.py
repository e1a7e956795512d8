"""Errors say what CircleCI said, whatever the form."""

import pytest

from relay.circleci.answers import error_of, message_of, retry_after
from relay.circleci.errors import (
    CircleCIError,
    Forbidden,
    Gone,
    NotFound,
    RateLimited,
    Redirected,
    Refused,
    ServerError,
    Unauthorized,
)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"message":"Project not found"}', "Project not found"),
        (b'{"error":"no"}', "no"),
        (b'{"error":{"title":"Bad","detail":"field x"}}', "Bad: field x"),
        (b'{"message":"{\\"message\\":\\"Not Found\\",\\"documentation_url\\":\\"d\\"}"}', "Not Found"),
        (b'{"message":"{\\"message\\":\\"{\\\\\\"message\\\\\\":1}\\"}"}', '{"message":1}'),
        (b'{"message":"[1, 2]"}', "[1, 2]"),
        (
            b"<html><head><title>Down</title><style>b{}</style></head><b>for &lt;now</b></html>",
            "Down for <now",
        ),
        (b"plain words", "plain words"),
        (b"x" * 500, "x" * 200),
        (b"", ""),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b'["a"]', '["a"]'),
        (b'{"other":1}', '{"other":1}'),
        (b'{"message":"red\\u001b[31m\\nalert"}', "red[31m alert"),
        (b"[" * 100_000, "[" * 200),
    ],
)
def test_the_message_is_found(body: bytes, message: str) -> None:
    assert message_of(body) == message


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (302, "", Redirected),
        (400, "bad", Refused),
        (401, "no", Unauthorized),
        (403, "no", Forbidden),
        (403, "API rate limit exceeded for user", RateLimited),
        (404, "", NotFound),
        (410, "", Gone),
        (422, "", Refused),
        (429, "", RateLimited),
        (500, "", ServerError),
        (503, "", ServerError),
    ],
)
def test_each_status_has_its_error(status: int, said: str, kind: type[CircleCIError]) -> None:
    error = error_of(request="GET /x", status=status, headers={}, said=said, token=True)

    assert type(error) is kind
    assert error.status == status


def test_a_refused_token_is_explained() -> None:
    error = error_of(
        request="GET /api/v2/me", status=401, headers={}, said="You must log in first.", token=True
    )

    assert str(error) == (
        "GET /api/v2/me answered 401: You must log in first (the token is mistyped, revoked or expired "
        "(personal tokens end within a year): make a new one)"
    )


def test_a_missing_token_is_explained() -> None:
    error = error_of(request="GET /x", status=401, headers={}, said="", token=False)

    assert error.message == "no token was sent, and this call needs one"


def test_the_404_of_a_project_token_on_v2_is_explained() -> None:
    request = "GET /api/v2/project/gh/acme/api"
    error = error_of(request=request, status=404, headers={}, said="Project not found", token=True)

    assert error.message == (
        "Project not found (not there, or not visible to this token; a project token always gets this answer "
        "from API v2, which takes personal tokens only)"
    )


@pytest.mark.parametrize(
    ("request_", "instead"),
    [
        ("POST /api/v1.1/project/github/acme/api/1/retry", "POST /api/v2/workflow/{id}/rerun"),
        ("POST /api/v1/project/acme/api/1/ssh", "POST /api/v2/workflow/{id}/rerun"),
        ("POST /api/v1/project/acme/api/tree/main", "POST /api/v2/project/{project}/pipeline/run"),
        ("GET /api/v1/me", ""),
    ],
)
def test_an_ended_endpoint_names_its_successor(request_: str, instead: str) -> None:
    error = error_of(request=request_, status=410, headers={}, said="", token=True)

    assert isinstance(error, Gone)
    assert error.instead == instead


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "99999"}, 3600.0),
        (
            {"Retry-After": "Mon, 23 Nov 2026 12:00:30 GMT", "Date": "Mon, 23 Nov 2026 12:00:00 GMT"},
            30.0,
        ),
        ({"Retry-After": "Mon, 23 Nov 2026 12:00:30 GMT"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-1"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds
