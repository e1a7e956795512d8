"""A trigger picks the API that can do what is asked, and says what it did."""

import pytest

from relay.circleci.errors import Gone, Refused, Unclear
from relay.circleci.facade import CircleCI
from relay.circleci.started import Kind, Version
from relay.errors import UsageError
from tests.circleci.test_retry import posts
from tests.fakes.circleci_server import CircleCIServer, lost, says
from tests.fakes.circleci_world import FakeProject

RUN = "/api/v2/project/gh/acme/api/pipeline/run"
OLDER = "/api/v2/project/gh/acme/api/pipeline"
TREE = "/api/v1.1/project/github/acme/api/tree/main"


def test_a_pipeline_is_run(circle: CircleCI, server: CircleCIServer, project: FakeProject) -> None:
    started = circle.trigger("acme/api", branch="main", parameters={"deploy": True})

    assert (started.kind, started.number, started.how) == (Kind.PIPELINE, 1, "v2 pipeline/run")
    assert posts(server) == [RUN]


def test_a_skipped_pipeline_is_not_started(circle: CircleCI, project: FakeProject) -> None:
    started = circle.trigger("acme/api", branch="skip")

    assert (started.started, started.why_not) == (False, "Pipeline was skipped: [ci skip]")


def test_an_install_without_pipeline_run_is_asked_the_older_way(
    circle: CircleCI, server: CircleCIServer, project: FakeProject
) -> None:
    server.script("POST", "/pipeline/run$", says(404, b""))

    started = circle.trigger("acme/api", branch="main")

    assert (started.how, started.started) == ("v2 pipeline", True)
    assert "used the older endpoint" in started.notes[0]
    assert posts(server) == [RUN, OLDER]


def test_an_install_without_v2_starts_a_build(
    circle: CircleCI, server: CircleCIServer, project: FakeProject
) -> None:
    server.world.no_v2 = True

    started = circle.trigger("acme/api", branch="main")

    assert (started.kind, started.number, started.how) == (Kind.BUILD, 1, "v1.1 trigger")
    assert posts(server) == [RUN, OLDER, TREE]


def test_build_parameters_go_through_v1_1(
    circle: CircleCI, server: CircleCIServer, project: FakeProject
) -> None:
    started = circle.trigger("acme/api", branch="main", build_parameters={"A": "x"})

    assert (started.how, project.builds[1]["build_parameters"]) == ("v1.1 trigger", {"A": "x"})
    assert posts(server) == [TREE]


def test_v1_is_used_where_asked_for(circle: CircleCI, server: CircleCIServer, project: FakeProject) -> None:
    started = circle.trigger("acme/api", tag="v1", version=Version.V1)

    assert (started.how, started.number) == ("v1 trigger", 1)
    assert posts(server) == ["/api/v1/project/acme/api"]


def test_after_the_end_build_parameters_become_pipeline_parameters(
    circle: CircleCI, server: CircleCIServer, project: FakeProject
) -> None:
    server.world.gone = True

    started = circle.trigger("acme/api", branch="main", build_parameters={"deploy": [1]})

    assert started.kind is Kind.PIPELINE
    assert started.notes == (
        f"POST {TREE} answered 410 Gone; started a pipeline through API v2, "
        "with the build parameters as pipeline parameters",
    )
    assert server.requests[-1].json["parameters"] == {"deploy": "[1]"}


def test_parameters_the_pipeline_does_not_know_start_nothing(
    circle: CircleCI, server: CircleCIServer, project: FakeProject
) -> None:
    server.world.gone = True

    with pytest.raises(Refused, match=r"Unexpected argument\(s\): A"):
        circle.trigger("acme/api", branch="main", build_parameters={"A": "x"})
    assert server.world.pipelines == {}


def test_after_the_end_a_revision_cannot_be_built(
    circle: CircleCI, server: CircleCIServer, project: FakeProject
) -> None:
    server.world.gone = True

    with pytest.raises(Gone):
        circle.trigger("acme/api", revision="abc")
    assert len(posts(server)) == 1


def test_a_build_that_will_not_run_is_not_started(circle: CircleCI, project: FakeProject) -> None:
    project.dont_build = "no-followers"

    started = circle.trigger("acme/api", branch="main", version=Version.V1_1)

    assert (started.started, started.why_not) == (False, "no-followers")


def test_a_lost_answer_is_unclear(circle: CircleCI, server: CircleCIServer, project: FakeProject) -> None:
    server.script("POST", "/pipeline/run$", lost())

    with pytest.raises(Unclear):
        circle.trigger("acme/api", branch="main")
    assert len(posts(server)) == 1


@pytest.mark.parametrize("body", [b"", b"{}"])
def test_an_answer_that_says_nothing_is_unclear(
    body: bytes, circle: CircleCI, server: CircleCIServer, project: FakeProject
) -> None:
    server.script("POST", "/pipeline/run$", says(201, body))

    with pytest.raises(Unclear, match="may have been started all the same"):
        circle.trigger("acme/api", branch="main")
    assert len(posts(server)) == 1


def test_an_opaque_project_has_no_older_way(circle: CircleCI, server: CircleCIServer) -> None:
    with pytest.raises(Exception, match="answered 404"):
        circle.trigger("circleci/3xKq/9fZ2", branch="main", definition="d-1")
    assert len(posts(server)) == 1


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ({"revision": "abc", "version": Version.V2}, "cannot start a revision"),
        ({"build_parameters": {"A": 1}, "version": Version.V2}, "cannot start a revision"),
        ({"parameters": {"a": 1}, "build_parameters": {"A": 1}}, "are of API v2"),
        ({"parameters": {"a": 1}, "version": Version.V1}, "give build parameters instead"),
        ({"branch": "main", "tag": "v1"}, "not of both"),
        ({"branch": "main", "tag": "v1", "version": Version.V1}, "not of both"),
    ],
)
def test_what_no_api_can_do_is_not_sent(
    asked: dict[str, object], problem: str, circle: CircleCI, server: CircleCIServer
) -> None:
    with pytest.raises(UsageError, match=problem):
        circle.trigger("acme/api", **asked)  # type: ignore[arg-type]  # the table mixes types
    assert server.requests == []
