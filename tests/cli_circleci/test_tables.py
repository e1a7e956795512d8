"""What people read: tables, facts, durations and times in words, exactly."""

from tests.cli_circleci.conftest import Relay, seconds_ago
from tests.fakes.circleci_server import CircleCIServer
from tests.fakes.circleci_world import FakeProject, Json


def test_builds_are_told_the_newest_first(
    relay: Relay, server: CircleCIServer, project: FakeProject, build: Json
) -> None:
    running = {"status": "running", "outcome": None, "build_time_millis": None, "branch": None}
    server.world.add_build(project, 124, **running, vcs_tag="v7", start_time=seconds_ago(7300))

    result = relay("builds", "acme/api")

    assert result.stdout == (
        "build  status   job   branch  subject     by            started    took\n"
        "124    running        tag v7  Add a door  Alice Archer  2 h ago\n"
        "123    failed   test  main    Add a door  Alice Archer  3 min ago  1m 1s\n"
    )


def test_a_build_is_told_with_its_steps(
    relay: Relay, server: CircleCIServer, build: Json, workflow: Json
) -> None:
    server.world.add_log(build, "npm test", [], run_time_millis=61_500)
    build["steps"][0]["actions"].append({"index": 1, "status": "success", "run_time_millis": 900})

    result = relay("build", "123", "-p", "acme/api")

    assert result.stdout == (
        "build        123 of gh/acme/api\n"
        "status       failed\n"
        "workflow     build / test\n"
        "branch       main\n"
        "commit       a1b2c3d Add a door\n"
        "author       Alice Archer\n"
        "started by   alice (github)\n"
        "started      3 min ago\n"
        "took         1m 1s\n"
        f"workflow id  {workflow['id']}\n"
        f"page         {server.url}/gh/acme/api/123\n"
        "\n"
        "step      container  status   exit  took\n"
        "npm test  0          failed   1     1m 2s\n"
        "npm test  1          success        0.9s\n"
    )


def test_a_workflow_is_told_with_its_jobs_and_what_they_need(relay: Relay, workflow: Json) -> None:
    result = relay("workflow", workflow["id"])

    assert result.stdout == (
        f"workflow  build {workflow['id']}\n"
        "status    failed\n"
        "project   gh/acme/api\n"
        f"pipeline  1 ({workflow['pipeline_id']})\n"
        "started   3 min ago\n"
        "took      3m\n"
        "\n"
        "job   number  type      status   started    needs\n"
        "test  123               failed   3 min ago\n"
        "hold          approval  on_hold             test\n"
    )


def test_a_pipeline_is_told_by_its_number_with_its_workflows(relay: Relay, workflow: Json) -> None:
    result = relay("pipeline", "1", "-p", "acme/api")

    assert result.stdout == (
        f"pipeline    1 ({workflow['pipeline_id']})\n"
        "project     gh/acme/api\n"
        "state       created\n"
        "branch      main\n"
        "commit      a1b2c3d Add a door\n"
        "started by  alice (webhook)\n"
        "created     3 min ago\n"
        "\n"
        "workflow                              name   status  started    took\n"
        f"{workflow['id']}  build  failed  3 min ago  3m\n"
    )


def test_failed_tests_are_told_with_what_they_said(relay: Relay, project: FakeProject, build: Json) -> None:
    bad = {"name": "opens", "classname": "Door", "result": "failure", "message": "expected open\n  got shut"}
    good = {"name": "shuts", "classname": "Door", "result": "success", "run_time": "0.25"}
    project.tests[123] = [good, {**bad, "run_time": 1.5}]

    result = relay("tests", "123", "-p", "acme/api", "--failed")

    assert result.stdout == (
        "test   class  result   took\n"
        "opens  Door   failure  1.5s\n"
        "\n"
        "opens:\n"
        "  expected open\n"
        "    got shut\n"
        "\n"
        "2 tests, 1 failed\n"
    )


def test_no_failed_tests_is_good_news(relay: Relay, project: FakeProject, build: Json) -> None:
    project.tests[123] = [{"name": "shuts", "result": "success"}]

    result = relay("tests", "123", "-p", "acme/api", "--failed")

    assert (result.exit_code, result.stdout) == (0, "none of 1 test failed\n")


def test_flaky_tests_are_told_the_worst_first(relay: Relay, project: FakeProject) -> None:
    rarely = {"test_name": "opens", "classname": "Door", "times_flaked": 2, "job_name": "test"}
    project.flaky = [rarely, {**rarely, "test_name": "shuts", "times_flaked": 9, "job_number": 120}]

    result = relay("flaky-tests", "acme/api")

    assert result.stdout == (
        "test   class  times  job   last build\nshuts  Door   9      test  120\nopens  Door   2      test\n"
    )


def test_an_empty_list_says_so(relay: Relay, project: FakeProject) -> None:
    result = relay("builds", "acme/api", "--branch", "nobody")

    assert (result.exit_code, result.stdout) == (0, "no builds\n")


def test_followed_projects_are_told(relay: Relay, project: FakeProject) -> None:
    result = relay("projects")

    assert result.stdout == (
        "project   default branch  address\nacme/api  main            https://github.com/acme/api\n"
    )


def test_settings_are_told_one_a_line_without_their_secrets(relay: Relay, project: FakeProject) -> None:
    result = relay("settings", "acme/api")

    assert result.stdout == "slack_webhook_url  ***\noss                no\n"


def test_text_from_strangers_cannot_steer_the_terminal(
    relay: Relay, server: CircleCIServer, project: FakeProject
) -> None:
    subject = "\x1b]0;gone\x07\x1b[2J\u202ehello\nsecond line"
    server.world.add_build(project, 1, subject=subject, branch="a\rb", author_name="[red]x[/red]")

    result = relay("builds", "acme/api")

    shown = "\ufffd]0;gone\ufffd\ufffd[2J\ufffdhello\ufffdsecond line"
    assert f"a\ufffdb     {shown}  [red]x[/red]" in result.stdout
    assert result.stdout.count("\n") == 2


def test_lists_of_many_pages_are_followed_up_to_the_limit(
    relay: Relay, server: CircleCIServer, project: FakeProject
) -> None:
    for _ in range(50):
        server.world.add_pipeline(project)

    result = relay("pipelines", "acme/api", "--limit", "30")

    assert len(result.stdout.splitlines()) == 1 + 30
    assert len(server.requests) == 2
