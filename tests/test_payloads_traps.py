"""The traps of CircleCI's webhooks, one by one: words, numbers, times, texts, links, people, steps."""

from datetime import UTC, datetime
from typing import Any

import pytest

from relay.model import Author, Event, FailedStep, Status
from relay.payloads import parse
from tests.factories import (
    NOON,
    SHA,
    action,
    body,
    classic,
    classic_job,
    failed_action,
    gitlab_parameters,
    job_completed,
    step,
    vcs,
    vcs_commit,
    workflow_completed,
)

NOBODY = {"name": None, "email": None}


def event_of(hook: Any) -> Event:
    return parse(body(hook), "application/json", id="ours", received_at=NOON)


def build_of(**fields: Any) -> Event:
    return event_of(classic(**fields))


def workflow_of(**fields: Any) -> Event:
    return event_of(workflow_completed(pipeline={"vcs": vcs(**fields)}))


@pytest.mark.parametrize(
    ("outcome", "status", "lifecycle", "wanted"),
    [
        ("success", "success", "finished", Status.SUCCESS),
        ("success", "fixed", "finished", Status.SUCCESS),
        ("success", "retried", "finished", Status.SUCCESS),
        ("failed", "failed", "finished", Status.FAILED),
        ("failed", "retried", "finished", Status.FAILED),
        ("no_tests", "no_tests", "finished", Status.NO_TESTS),
        ("timedout", "timedout", "finished", Status.TIMEDOUT),
        ("canceled", "canceled", "finished", Status.CANCELED),
        ("infrastructure_fail", "retried", "finished", Status.INFRASTRUCTURE_FAIL),
        ("infrastructure_fail", "infrastructure_fail", "finished", Status.INFRASTRUCTURE_FAIL),
        ("canceled", "canceled", "scheduled", Status.CANCELED),
        (None, "scheduled", "scheduled", Status.UNKNOWN),
        (None, "not_run", "scheduled", Status.NOT_RUN),
        (None, None, "not_run", Status.NOT_RUN),
        (None, "not_running", "not_running", Status.UNKNOWN),
        (None, "queued", "queued", Status.UNKNOWN),
        (None, "running", "running", Status.UNKNOWN),
        (None, "killed", "finished", Status.CANCELED),
        (None, "on_hold", "finished", Status.UNKNOWN),
        (None, "blocked", "finished", Status.UNKNOWN),
        (None, "unauthorized", "finished", Status.UNAUTHORIZED),
        (None, "terminated-unknown", "finished", Status.ERROR),
        (None, "retried", "finished", Status.UNKNOWN),
        ("", "Failed", "", Status.FAILED),
        ("brand-new-word", "success", "finished", Status.SUCCESS),
        (None, None, None, Status.UNKNOWN),
        (7, ["failed"], {}, Status.UNKNOWN),
    ],
)
def test_a_build_is_decided_on_its_outcome_then_its_status(
    outcome: Any, status: Any, lifecycle: Any, wanted: Status
) -> None:
    assert build_of(outcome=outcome, status=status, lifecycle=lifecycle).status is wanted


@pytest.mark.parametrize("failed", [None, False, True])
def test_failed_says_nothing_about_success(failed: bool | None) -> None:
    assert build_of(outcome="success", failed=failed).status is Status.SUCCESS


def test_a_build_that_was_not_to_run_did_not_run() -> None:
    assert build_of(outcome=None, status="queued", dont_build="ci-skip").status is Status.NOT_RUN


def test_the_word_of_circleci_is_kept_to_show() -> None:
    assert build_of(outcome="failed", status="retried").build.status == "retried"


@pytest.mark.parametrize("status", ["success", "failed", "error", "canceled", "unauthorized"])
def test_a_workflow_ends_with_one_of_five_words(status: str) -> None:
    assert event_of(workflow_completed(status=status)).status is Status(status)


@pytest.mark.parametrize(
    ("why", "wanted"),
    [
        ("github", "push"),
        ("bitbucket", "push"),
        ("first-build", "first-build"),
        ("retry", "retry"),
        ("auto-retry", "auto-retry"),
        ("ssh", "ssh"),
        ("edit", "edit"),
        ("trigger", "ui"),
        ("api", "api"),
        ("Scheduled", "schedule"),
        ("Because I can", "because i can"),
        ("", None),
        (None, None),
        (3, None),
    ],
)
def test_why_a_build_ran_is_told_in_our_words(why: Any, wanted: str | None) -> None:
    assert build_of(why=why).trigger == wanted


@pytest.mark.parametrize(
    ("sender", "happened", "wanted"),
    [
        ("webhook", None, "push"),
        ("webhook", "push", "push"),
        ("webhook", "pull_request", "pr"),
        ("gitlab", "merge_request", "pr"),
        ("gitlab", "a word to come", "push"),
        ("github_app", "create pipeline run api", "api"),
        ("api", "push", "api"),
        ("explicit", None, "api"),
        ("schedule", None, "schedule"),
        ("scheduled_pipeline", None, "schedule"),
        ("carrier-pigeon", None, "carrier-pigeon"),
        (None, None, None),
    ],
)
def test_why_a_pipeline_ran_is_told_in_our_words(
    sender: str | None, happened: str | None, wanted: str | None
) -> None:
    parameters = {"circleci": {"event_type": happened}, "gitlab": {"branch": "main"}}
    pipeline = {"trigger": {"type": sender}, "trigger_parameters": parameters}

    assert event_of(workflow_completed(pipeline=pipeline)).trigger == wanted


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (42, 42),
        ("42", 42),
        (" 42 ", 42),
        (42.0, 42),
        (0, 0),
        (2**53, 2**53),
        (2**53 + 1, None),
        (10**400, None),
        ("9" * 400, None),
        (-1, None),
        (42.5, None),
        (True, None),
        ("forty-two", None),
        ("٤٢", None),
        ([42], None),
        ({}, None),
        (None, None),
    ],
)
def test_a_number_is_a_whole_one_that_every_reader_keeps(value: Any, wanted: int | None) -> None:
    assert build_of(build_num=1, retry_of=value).build.retry_of == wanted


def test_a_build_without_a_number_takes_it_from_its_page() -> None:
    assert build_of(build_num=None, build_url="https://circleci.com/gh/acme/api/77").number == 77


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("2026-11-23T12:00:00Z", NOON),
        ("2026-11-23T12:00:00.000Z", NOON),
        ("2026-11-23T13:00:00+01:00", NOON),
        ("2026-11-23T12:00:00.000000999Z", NOON),
        ("2026-11-23T12:00:00.361740256Z", NOON.replace(microsecond=361_740)),
        ("2026-11-23 12:00:00.361740256 +0000 UTC", NOON.replace(microsecond=361_740)),
        ("2026-11-23 14:00:00 +0200 EET m=+0.000012", NOON),
        ("2026-11-23T12:00:00", NOON),
        ("2026-11-23 12:00:00", NOON),
        ("2026-13-23T12:00:00Z", None),
        ("0001-01-01T00:00:00Z", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("yesterday", None),
        ("", None),
        ("2026-11-23T12:00:00Z" + " " * 100, None),
        (1_795_435_200, None),
        (None, None),
    ],
)
def test_a_time_is_read_in_every_way_it_is_written(value: Any, wanted: datetime | None) -> None:
    assert build_of(start_time=value).started_at == wanted


def test_a_time_is_in_utc() -> None:
    assert build_of(start_time="2026-11-23T13:00:00+01:00").started_at == NOON
    assert str(build_of(start_time="2026-11-23T13:00:00+01:00").started_at).endswith("+00:00")


@pytest.mark.parametrize(
    ("millis", "start", "stop", "wanted"),
    [
        (61_500, "2026-11-23T11:55:00Z", "2026-11-23T11:57:00Z", 61.5),
        (47, "2026-11-23T11:55:00Z", "2026-11-23T11:57:00Z", 120.0),
        (0, "2026-11-23T11:55:00Z", "2026-11-23T11:57:00Z", 120.0),
        (47, None, "2026-11-23T11:57:00Z", 0.047),
        (None, "2026-11-23T11:55:00Z", "2026-11-23T11:57:00Z", 120.0),
        (None, "2026-11-23T11:57:00Z", "2026-11-23T11:55:00Z", None),
        (-5, None, None, None),
        ("61500", None, None, 61.5),
        (None, None, None, None),
    ],
    ids=[
        "told",
        "tiny",
        "zero",
        "tiny, no times",
        "measured",
        "ends first",
        "negative",
        "as text",
        "nothing",
    ],
)
def test_the_duration_is_what_is_told_unless_the_times_know_better(
    millis: Any, start: Any, stop: Any, wanted: float | None
) -> None:
    assert build_of(build_time_millis=millis, start_time=start, stop_time=stop).duration == wanted


@pytest.mark.parametrize(
    ("subject", "wanted"),
    [
        ("Fix it", "Fix it"),
        ("  Fix it\r\n", "Fix it"),
        ("Fix\x00 it", "Fix it"),
        ("Fix \ud83d it", "Fix  it"),
        ("Fix\nit\x1b[31m", "Fix it [31m"),
        ("Ünï 🎉", "Ünï 🎉"),
        ("x" * 1_000, "x" * 1_000),
        ("x" * 1_001, "x" * 999 + "…"),
        ("", None),
        (" \n", None),
        (None, None),
        (["Fix it"], None),
    ],
    ids=[
        "plain",
        "blanks",
        "nul",
        "half an emoji",
        "control characters",
        "any language",
        "at the limit",
        "too long",
        "empty",
        "blank",
        "null",
        "list",
    ],
)
def test_a_subject_is_one_line_that_can_be_stored(subject: Any, wanted: str | None) -> None:
    assert build_of(subject=subject, all_commit_details=[]).commit.subject == wanted


def test_a_body_keeps_its_lines_and_loses_what_cannot_be_stored() -> None:
    commit = build_of(body="One\r\ntwo\x00\x1b\tthree\ud83d\n\n" + "x" * 20_000).commit

    assert commit.body is not None
    assert commit.body.startswith("One\ntwo\tthree\n\nxxx")
    assert len(commit.body) == 10_000


def test_a_name_is_cut_at_500_characters() -> None:
    assert build_of(branch="b" * 600).branch == "b" * 499 + "…"


def test_build_parameters_may_be_any_json() -> None:
    parameters = {"A": 1, "B": ["x", None, {"C\x00": "d\x00"}], "E": True, "F": 1.5, "G": 10**30}

    assert build_of(build_parameters=parameters).build.parameters == {
        "A": 1,
        "B": ["x", None, {"C": "d"}],
        "E": True,
        "F": 1.5,
        "G": None,
    }


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//circleci.com/x",
        "circleci.com/gh/acme/api/1",
        "https://circleci.com@evil.example/gh/acme/api/1",
        "https://circleci.com/a b",
        "https://circleci.com/a>b",
        'https://circleci.com/"onclick',
        "https://circleci.com/a\nb",
        "https://[::1/",
        "https://circleci.com:port/",
        "https://",
        "https://circleci.com/" + "a" * 2_000,
        42,
        "",
        None,
    ],
)
def test_only_a_plain_web_link_is_a_link(url: Any) -> None:
    assert build_of(build_url=url).url is None


@pytest.mark.parametrize(
    ("slug", "wanted"),
    [
        ("gh/acme/api", "gh/acme/api"),
        ("github/acme/api", "gh/acme/api"),
        ("bitbucket/acme/api", "bb/acme/api"),
        ("bb/acme/api", "bb/acme/api"),
        ("circleci/Tg3xCk/Pw8sLu", "circleci/Tg3xCk/Pw8sLu"),
        ("acme/api", "gh/acme/api"),
        ("", "gh/acme/api"),
        (None, "gh/acme/api"),
        (17, "gh/acme/api"),
    ],
)
def test_a_slug_is_the_same_however_it_is_spelled(slug: Any, wanted: str) -> None:
    assert event_of(workflow_completed(project={"slug": slug})).project.slug == wanted


@pytest.mark.parametrize(
    ("vcs_url", "vcs_type", "slug", "page"),
    [
        ("https://github.com/acme/api", "github", "gh/acme/api", "https://github.com/acme/api"),
        ("https://github.com/acme/api.git", None, "gh/acme/api", "https://github.com/acme/api"),
        ("https://x:t0ken@github.com/acme/api", None, "gh/acme/api", "https://github.com/acme/api"),
        ("git@github.com:acme/api.git", None, "gh/acme/api", "https://github.com/acme/api"),
        (
            "ssh://git@git.acme.example:22/acme/api",
            "github",
            "gh/acme/api",
            "https://git.acme.example/acme/api",
        ),
        (
            "http://git.acme.example:8080/acme/api",
            "github",
            "gh/acme/api",
            "https://git.acme.example:8080/acme/api",
        ),
        ("https://bitbucket.org/acme/shop", None, "bb/acme/shop", "https://bitbucket.org/acme/shop"),
        ("javascript:alert(1)//a/b", "github", "gh/acme/web", None),
        ("https://github.com/acme", "github", "gh/acme/web", None),
        ("https://[broken", "github", "gh/acme/web", None),
        (None, None, "gh/acme/web", None),
    ],
)
def test_a_repository_is_known_by_any_of_its_addresses(
    vcs_url: Any, vcs_type: Any, slug: str, page: str | None
) -> None:
    project = build_of(
        vcs_url=vcs_url,
        vcs_type=vcs_type,
        build_url="https://circleci.com/gh/acme/web/5",
        username=None,
        reponame=None,
    ).project

    assert (project.slug, project.url) == (slug, page)


def test_names_alone_make_a_slug() -> None:
    project = build_of(vcs_url=None, build_url=None, vcs_type="bitbucket").project

    assert (project.slug, project.org, project.name) == ("bb/acme/api", "acme", "api")


def test_an_opaque_slug_is_taken_from_the_page() -> None:
    page = "https://circleci.com/circleci/Tg3xCk/Pw8sLu/9"

    assert build_of(build_url=page).project.slug == "circleci/Tg3xCk/Pw8sLu"


@pytest.mark.parametrize(
    ("provider", "repository", "link"),
    [
        ("github", "https://git.acme.example/acme/api", f"https://git.acme.example/acme/api/commit/{SHA}"),
        ("bitbucket", "https://bitbucket.org/acme/api", f"https://bitbucket.org/acme/api/commits/{SHA}"),
        ("gitlab", "https://gitlab.com/acme/a/b", f"https://gitlab.com/acme/a/b/-/commit/{SHA}"),
        ("somebody", "https://git.acme.example/acme/api", None),
    ],
)
def test_a_commit_is_linked_where_its_host_shows_it(provider: str, repository: str, link: str | None) -> None:
    assert workflow_of(provider=provider, repository=repository).commit.url == link


@pytest.mark.parametrize("sha", ["", "HEAD", "../../evil", "abc", "g" * 40, 7, None])
def test_what_is_not_a_hash_is_no_commit(sha: Any) -> None:
    commit = workflow_of(revision=sha).commit

    assert (commit.sha, commit.short_sha, commit.url) == (None, None, None)


@pytest.mark.parametrize(
    ("branch", "wanted"),
    [
        ("main", "main"),
        ("feature/a%b c", "feature/a%b c"),
        ("remotes/origin/main", "main"),
        ("refs/heads/release/1", "release/1"),
        ("refs/pull/7/head", "pull/7"),
        ("", None),
        (None, None),
        (12, None),
    ],
)
def test_a_branch_is_called_as_people_call_it(branch: Any, wanted: str | None) -> None:
    assert build_of(branch=branch).branch == wanted


def test_a_tag_build_has_no_branch_even_when_one_is_told() -> None:
    event = workflow_of(branch="main", tag="v1")

    assert (event.branch, event.tag) == (None, "v1")


def test_a_reference_tells_the_tag_when_nothing_else_does() -> None:
    pipeline = {"trigger_parameters": {"git": {"ref": "refs/tags/v3", "branch": "", "tag": ""}}}
    event = event_of(workflow_completed(pipeline=pipeline))

    assert (event.branch, event.tag) == (None, "v3")


def test_a_reference_tells_the_branch_when_nothing_else_does() -> None:
    pipeline = {"trigger_parameters": {"git": {"ref": "refs/heads/topic", "branch": ""}}}

    assert event_of(workflow_completed(pipeline=pipeline)).branch == "topic"


def test_another_repository_as_origin_is_a_fork() -> None:
    assert workflow_of(origin_repository_url="https://github.com/dave/api").fork


def test_the_same_repository_in_another_spelling_is_no_fork() -> None:
    assert not workflow_of(origin_repository_url="git@github.com:Acme/API.git").fork


def test_pull_requests_of_2016_are_read_too() -> None:
    event = build_of(
        pull_requests=None, pull_request_urls=["https://github.com/acme/api/pull/3", "javascript:x"]
    )

    assert [(pr.url, pr.number) for pr in event.pull_requests] == [("https://github.com/acme/api/pull/3", 3)]


def test_a_build_without_the_key_has_no_pull_request() -> None:
    hook = classic()
    del hook["payload"]["pull_requests"]

    assert event_of(hook).pull_requests == ()


def test_the_user_who_pushed_is_not_taken_for_the_author() -> None:
    event = build_of(user={"login": "bob", "name": "Bob Baker"}, all_commit_details=[])

    assert event.author == Author(name="Alice Archer", email="alice@example.com", login=None)


def test_the_committer_stands_in_for_a_missing_author() -> None:
    event = build_of(author_name=None, author_email=None, all_commit_details=[])

    assert event.author == Author(name="Alice Archer", email="alice@example.com", login="alice")


def test_the_unknown_user_is_nobody() -> None:
    nobody = {"is_user": False, "login": "none"}
    people = {f"{role}_{part}": None for role in ("author", "committer") for part in ("name", "email")}

    assert build_of(user=nobody, all_commit_details=[], **people).author == Author()


@pytest.mark.parametrize(
    ("name", "email", "is_bot"),
    [
        ("dependabot[bot]", None, True),
        ("Renovate Bot", None, True),
        ("github-actions", None, True),
        ("snyk-bot", None, True),
        ("Someone", "1+renovate[bot]@users.noreply.github.com", True),
        ("Alice Archer", "alice@example.com", False),
        ("Abbot", None, False),
        ("robot", None, False),
    ],
)
def test_a_machine_is_known_by_its_name(name: str, email: str | None, is_bot: bool) -> None:
    commit = vcs_commit("Bump", {"name": name, "email": email})

    assert workflow_of(commit=commit).author.bot is is_bot


@pytest.mark.parametrize(
    ("email", "login"),
    [
        ("101+alice@users.noreply.github.com", "alice"),
        ("alice@users.noreply.github.com", "alice"),
        ("alice@users.noreply.git.acme.example", "alice"),
        ("alice@example.com", None),
    ],
)
def test_a_no_reply_address_holds_a_login(email: str, login: str | None) -> None:
    commit = vcs_commit("Fix", {"name": "Alice Archer", "email": email})

    assert workflow_of(commit=commit).author.login == login


def test_a_whole_message_is_split_into_subject_and_body() -> None:
    pipeline = gitlab_parameters(commit_title="", commit_message="Subject\r\n\r\nFirst\nsecond")
    commit = event_of(workflow_completed(pipeline=pipeline)).commit

    assert (commit.subject, commit.body) == ("Subject", "First\nsecond")


def failed_names(*actions: dict[str, Any]) -> tuple[str, ...]:
    return tuple(one.name for one in build_of(steps=[step("S", *actions)]).failed_steps)


@pytest.mark.parametrize("status", ["failed", "timedout", "infrastructure_fail", "canceled", "signaled"])
def test_a_step_of_bad_status_has_failed(status: str) -> None:
    assert failed_names(action("x", status=status)) == ("S",)


@pytest.mark.parametrize(
    "harmless",
    [
        action("x", infrastructure_fail=True),
        action("x", status="running"),
        action("x", status="failed", failed=True, insignificant=True),
        action("x", status="running", failed=True, background=True),
        action("x", failed="true"),
    ],
    ids=["infrastructure flag alone", "running", "insignificant", "background", "failed as text"],
)
def test_a_step_that_does_not_count_is_not_named(harmless: dict[str, Any]) -> None:
    assert failed_names(harmless) == ()


def test_a_step_without_a_name_is_called_by_the_first_line_of_its_command() -> None:
    event = build_of(steps=[{"actions": [failed_action("make\nrm -r build", index=None)]}])

    assert event.failed_steps == (FailedStep(name="make", status="failed", exit_code=1, step=101),)


def test_a_job_is_named_by_its_parameter_when_there_is_no_workflow() -> None:
    hook = classic_job(job="lint", workflows=None)

    assert event_of(hook).job.name == "lint"


def test_a_job_without_a_number_is_numbered_by_its_pipeline() -> None:
    event = event_of(job_completed(number=7813, job_number=None))  # type: ignore[arg-type]  # as strangers send it

    assert (event.number, event.url) == (7813, event.workflow.url)


def test_a_wrapped_time_zone_does_not_move_the_date() -> None:
    event = build_of(stop_time="2026-11-23T23:30:00-05:00")

    assert event.finished_at == datetime(2026, 11, 24, 4, 30, tzinfo=UTC)
