"""GitHub's commit statuses: what is set where, and what GitHub's answers mean."""

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from relay.errors import DeliveryError
from relay.model import Answer, Event, Job, Message, Project, Status, Workflow
from relay.notifiers.base import Conversation
from relay.notifiers.github_status import CONTEXT, DESCRIPTION, MOST_STATUSES, GitHubStatus
from relay.transport import Transport
from tests.factories import NOON, OTHER_SHA, SHA, make_commit, make_event, make_project
from tests.fakes.github_server import TOKEN, GitHub
from tests.fakes.sink import Play, Sink
from tests.notifiers.factories import make_broken, make_message, make_outgoing

NEEDS = "(no such repository, or `token` may not: it needs the permission to write commit statuses)"
IN_90_S = f"{NOON.timestamp() + 90:.0f}"


def make(**more: Any) -> GitHubStatus:
    return GitHubStatus.model_validate({"token": TOKEN, **more})


def local(url: str, **more: Any) -> GitHubStatus:
    return make(api_url=url, allow_private=True, **more)


def payload(*events: Event, title: str = "broke", **more: Any) -> list[dict[str, Any]]:
    return make(**more).payload(Message(title=title), make_outgoing(events=events))


def send(transport: Transport, url: str, *events: Event, title: str = "broke", **more: Any) -> Answer:
    outgoing = make_outgoing(events=events or (make_broken(),))
    return local(url, **more).send(Message(title=title), outgoing, transport)


def refused(transport: Transport, status: int, body: Any = b"", **headers: str) -> DeliveryError:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with (
        Sink(Play(status=status, headers=named, body=content)) as sink,
        pytest.raises(DeliveryError) as caught,
    ):
        send(transport, sink.url)
    return caught.value


# the payload


def test_the_payload_in_full() -> None:
    event, notifier = make_broken(), make()

    assert notifier.payload(make_message(notifier), make_outgoing()) == [
        {
            "path": f"/repos/acme/api/statuses/{SHA}",
            "context": "ci/build-and-deploy",
            "state": "failure",
            "description": "api / build-and-deploy broke on main",
            "target_url": event.url,
        }
    ]


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (Status.SUCCESS, "success"),
        (Status.FAILED, "failure"),
        (Status.TIMEDOUT, "failure"),
        (Status.NO_TESTS, "failure"),
        (Status.ERROR, "error"),
        (Status.INFRASTRUCTURE_FAIL, "error"),
        (Status.CANCELED, "error"),
        (Status.UNAUTHORIZED, "error"),
        (Status.NOT_RUN, "pending"),
        (Status.UNKNOWN, "pending"),
    ],
)
def test_a_result_is_one_of_githubs_states(status: Status, state: str) -> None:
    assert payload(make_event(status=status))[0]["state"] == state


def test_the_context_is_a_template() -> None:
    event = make_event(workflow=Workflow(), job=Job(name="lint"))

    assert payload(event)[0]["context"] == "ci/lint"
    assert payload(event, context="{{ project.name }}: {{ branch }}")[0]["context"] == "api: main"


def test_several_events_set_each_context_to_its_last_result() -> None:
    events = (
        make_event(workflow=Workflow(name="build"), status=Status.FAILED),
        make_event(workflow=Workflow(name="deploy"), status=Status.SUCCESS),
        make_event(workflow=Workflow(name="build"), status=Status.SUCCESS),
    )

    said = [(each["context"], each["state"], each["description"]) for each in payload(*events)]

    assert said == [("ci/build", "success", "Success"), ("ci/deploy", "success", "Success")]


def test_no_more_statuses_are_set_than_github_bears() -> None:
    events = [make_event(workflow=Workflow(name=f"w{number}")) for number in range(500)]

    assert len(payload(*events)) == MOST_STATUSES


@pytest.mark.parametrize(
    "project",
    [
        make_project(),
        make_project(url="https://github.com/acme/api.git"),
        make_project(slug="circleci/Tg3xCkVdJ9/Kd5rHy9cJm", vcs=None),
        make_project(slug="circleci/Tg3xCkVdJ9/Kd5rHy9cJm", url=None),
        make_project(url="https://GitHub.com/acme/api"),
    ],
    ids=["by url", "ends in .git", "opaque slug", "by the commit", "letter case"],
)
def test_the_repository_is_found(project: Project) -> None:
    assert payload(make_event(project=project))[0]["path"] == f"/repos/acme/api/statuses/{SHA}"


def test_the_repository_is_found_by_circlecis_name_when_nothing_else_tells() -> None:
    event = make_event(project=make_project(url=None), commit=make_commit(url=None))

    assert payload(event)[0]["path"] == f"/repos/acme/api/statuses/{SHA}"


def test_an_enterprise_server_has_its_own_repositories() -> None:
    event = make_event(project=make_project(url="https://git.example.com/acme/api"))

    [own] = payload(event, api_url="https://git.example.com/api/v3/")

    assert own["path"] == f"/repos/acme/api/statuses/{SHA}"
    assert payload(make_event(), api_url="https://git.example.com/api/v3") == []


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/acme/..",
        "https://github.com/acme",
        "https://github.com/acme/api%2F..%2Fother/",
        "https://alice@github.com/acme/api",
        "https://github.com.evil.example.com/acme/api",
        "http://github.com/acme/api",
        "https://gitlab.com/acme/api",
    ],
)
def test_an_address_that_is_no_repository_is_not_used(url: str) -> None:
    event = make_event(project=make_project(slug="x/y/z", url=url), commit=make_commit(url=url))

    assert payload(event) == []


def test_everything_too_long_is_cut() -> None:
    long = "w" * 10_000
    event = make_event(workflow=Workflow(name=long), url=f"https://example.com/{long}")

    [status] = payload(event, title=long)

    assert (len(status["context"]), len(status["description"])) == (CONTEXT, DESCRIPTION)
    assert "target_url" not in status


def test_hostile_text_is_one_plain_line() -> None:
    hostile = "🔴 <!channel>\r\n@everyone\x1b[2J\u202e [x](http://evil)"
    [status] = payload(make_event(workflow=Workflow(name=hostile)), title=hostile)

    said = "<!channel> @everyone␛[2J\ufffd [x](http://evil)"
    assert (status["description"], status["context"]) == (said, f"ci/ {said}")


def test_a_template_of_ones_own_replaces_what_it_names() -> None:
    message = Message(title="broke", override={"description": "mine", "state": "pending"})

    [status] = make().payload(message, make_outgoing())

    assert (status["description"], status["state"], status["context"]) == (
        "mine", "pending", "ci/build-and-deploy",
    )  # fmt: skip


# sending


def test_the_status_is_set(transport: Transport) -> None:
    with GitHub() as github:
        answer = send(transport, github.url, title="🔴 broke")

    [(repository, sha, status)] = github.statuses
    assert (answer.status, repository, sha) == (201, "acme/api", SHA)
    assert (status["context"], status["description"]) == ("ci/build-and-deploy", "broke")


def test_the_request_is_as_github_wants_it(transport: Transport) -> None:
    with Sink(Play(status=201)) as sink:
        send(transport, sink.url)

    [request] = sink.requests
    assert (request.method, request.path) == ("POST", f"/repos/acme/api/statuses/{SHA}")
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert request.headers["Accept"] == "application/vnd.github+json"
    assert request.headers["X-GitHub-Api-Version"] == "2022-11-28"
    assert "path" not in request.json()


def test_each_commit_of_a_group_gets_its_status(transport: Transport) -> None:
    events = (make_event(), make_event(commit=make_commit(sha=OTHER_SHA)))

    with GitHub() as github:
        send(transport, github.url, *events)

    assert [sha for _, sha, _ in github.statuses] == [SHA, OTHER_SHA]


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        (make_event(commit=make_commit(sha=None)), "the event does not tell the whole commit's SHA"),
        (make_event(commit=make_commit(sha="a1b2c3d")), "the event does not tell the whole commit's SHA"),
        (
            make_event(
                project=make_project(slug="gl/acme/shop", url="https://gitlab.com/acme/shop"),
                commit=make_commit(url=None),
            ),
            "gl/acme/shop is not a project on github.com",
        ),
    ],
    ids=["no sha", "short sha", "GitLab"],
)
def test_an_event_without_a_place_is_refused_in_words(
    transport: Transport, event: Event, problem: str
) -> None:
    with Sink() as sink, pytest.raises(DeliveryError) as caught:
        send(transport, sink.url, event)

    assert (str(caught.value), caught.value.permanent, caught.value.is_dead) == (problem, True, False)
    assert not sink.requests


def test_a_context_that_cannot_be_made_is_refused_in_words(transport: Transport) -> None:
    with pytest.raises(DeliveryError, match="context: ") as caught:
        send(transport, "http://127.0.0.1:9", context="{{ branch.upper() + number }}")

    assert (caught.value.permanent, caught.value.is_dead) == (True, False)


# answers


def test_a_thousand_statuses_are_enough(transport: Transport) -> None:
    with GitHub() as github:
        github.statuses += [("acme/api", SHA, {"context": "ci/build-and-deploy"})] * 1000
        with pytest.raises(DeliveryError) as caught:
            send(transport, github.url)

    assert str(caught.value) == (
        "HTTP 422: GitHub says Validation Failed: "
        "This SHA and context has reached the maximum number of statuses."
    )
    assert (caught.value.permanent, caught.value.is_dead) == (True, False)


def test_a_wrong_token_ends_it(transport: Transport) -> None:
    with GitHub() as github, pytest.raises(DeliveryError) as caught:
        send(transport, github.url, token="wrong-token")

    assert str(caught.value) == "HTTP 401: GitHub says Bad credentials (check `token`; it may have expired)"
    assert caught.value.is_dead


@pytest.mark.parametrize(
    ("status", "said", "message"),
    [
        (403, "Resource not accessible by personal access token",
         f"HTTP 403: GitHub says Resource not accessible by personal access token {NEEDS}"),
        (404, "Not Found", f"HTTP 404: GitHub says Not Found {NEEDS}"),
        (301, "Moved Permanently",
         "HTTP 301: GitHub says Moved Permanently (the repository was renamed or moved)"),
        (422, "No commit found for SHA", "HTTP 422: GitHub says No commit found for SHA"),
    ],
)  # fmt: skip
def test_what_github_refuses_of_one_repository_is_not_the_end(
    transport: Transport, status: int, said: str, message: str
) -> None:
    error = refused(transport, status, {"message": said})

    assert (str(error), error.permanent, error.is_dead) == (message, True, False)


@pytest.mark.parametrize(
    ("status", "body", "headers", "wait"),
    [
        (403, b"{}", {"Retry_After": "30"}, 30.0),
        (429, b"{}", {"Retry_After": "30"}, 30.0),
        (403, b"{}", {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": IN_90_S}, 90.0),
        (429, b"{}", {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": "1"}, 1.0),
        (403, b"{}", {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": "soon"}, 60.0),
        (403, b'{"message": "You have exceeded a secondary rate limit"}', {}, 60.0),
        (429, b"", {}, 60.0),
    ],
    ids=["retry-after 403", "retry-after 429", "reset", "reset is over", "no number", "secondary", "bare"],
)  # fmt: skip
def test_too_many_requests_wait_as_long_as_github_says(
    transport: Transport, status: int, body: bytes, headers: dict[str, str], wait: float
) -> None:
    error = refused(transport, status, body, **headers)

    assert (str(error), error.permanent) == (f"HTTP {status}: GitHub wants fewer requests", False)
    assert error.retry_after == wait


def test_a_server_in_trouble_is_asked_again(transport: Transport) -> None:
    assert not refused(transport, 502, b"<html>unicorn</html>").permanent


def test_the_token_is_in_no_error(transport: Transport) -> None:
    error = refused(transport, 422, {"message": f"bad {TOKEN}"})

    assert TOKEN not in str(error) + error.excerpt + repr(make())


# configuration


def test_what_belongs_to_one_commit_stays_in_order() -> None:
    assert make().conversation is Conversation.COMMIT
    assert make().can_edit


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"token": ""}, "token is missing or empty"),
        ({"api_url": "http://git.example.com/api/v3"}, "api_url has to begin with https://"),
        ({"context": "ci/{{ wrkflow.name }}"}, "context: `wrkflow` is not a field, did you mean workflow?"),
        ({"context": "{{"}, "context: "),
        ({"style": "thread"}, "cannot answer in threads"),
    ],
)
def test_settings_that_cannot_work_are_refused(options: dict[str, str], problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        make(**options)

    assert problem in str(caught.value)
    assert TOKEN not in str(caught.value)


def test_a_group_with_one_event_elsewhere_sets_the_others() -> None:
    elsewhere = replace(make_event(), commit=make_commit(sha=None))

    assert len(payload(make_event(), elsewhere)) == 1
