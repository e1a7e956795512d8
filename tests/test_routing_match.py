"""Conditions of a `match`: which events pass, and which matches are refused."""

from dataclasses import replace
from typing import Any

import pytest

from relay.model import (
    Author,
    Build,
    Change,
    Event,
    EventKind,
    FailedStep,
    Job,
    Previous,
    PullRequest,
    Status,
)
from relay.routing import MatchError, Reading, check_match, compile_match
from tests.factories import make_commit, make_event


def passes(match: dict[str, Any], event: Event) -> bool:
    return compile_match(match).passes(Reading(event))


ON_MAIN = make_event(branch="main")
ON_TAG = make_event(branch=None, tag="v1.2.3")
TWO_STEPS = make_event(
    failed_steps=(
        FailedStep(name="lint", exit_code=2, containers=(0, 3)),
        FailedStep(name="e2e-login", exit_code=137),
    )
)
NO_STEPS = make_event(failed_steps=())
PARAMETERS = make_event(
    build=Build(
        parameters={
            "deploy": True,
            "shards": 4,
            "region": "eu",
            "matrix": ["a", "b"],
            "deep": {"x": {"y": 1}},
        }
    )
)


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ({}, True),
        ({"branch": "main"}, True),
        ({"branch": "Main"}, False),
        ({"branch": "mai"}, False),
        ({"branch": "main", "status": "success"}, False),
        ({"branch": "main", "status": "failed"}, True),
        ({"branch": ["dev", "main"]}, True),
        ({"branch": ("dev", "main")}, True),
        ({"branch": ["m*", "!main"]}, False),
        ({"branch": ["!main", "m*"]}, False),
        ({"branch": ["m*", "!mast*"]}, True),
        ({"branch": "!main"}, False),
        ({"branch": "!dev"}, True),
        ({"branch": ["!dev", "!test"]}, True),
    ],
    ids=str,
)
def test_keys_are_and_items_are_or(match: dict[str, Any], expected: bool) -> None:
    assert passes(match, ON_MAIN) is expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("e2e-*", False),
        ("*", False),
        ("/.*/", False),
        ("!e2e-*", True),
        (["!a", "!b"], True),
        (["*", "!b"], False),
        ("!*", True),
    ],
    ids=str,
)
def test_missing_field_passes_only_negative_lists(pattern: Any, expected: bool) -> None:
    assert passes({"job.name": pattern}, make_event(job=Job())) is expected


@pytest.mark.parametrize(
    ("glob", "text", "expected"),
    [
        ("release/*", "release/1/hotfix", True),
        ("*/fix", "a/b/fix", True),
        ("release/?", "release/1", True),
        ("release/?", "release/12", False),
        ("?", "é", True),
        ("v[0-9].x", "v7.x", True),
        ("v[0-9].x", "vx.x", False),
        ("v[!0-9]", "vx", True),
        ("v[!0-9]", "v1", False),
        ("[]]", "]", True),
        ("[^a]", "^", True),
        ("[^a]", "b", False),
        ("a[b", "a[b", True),
        ("a.c", "abc", False),
        ("a.*", "a.b", True),
        ("a.*", "ab", False),
        ("a+(b)|$", "a+(b)|$", True),
        ("[a\\d]", "\\", True),
        ("[a\\d]", "5", False),
        ("*", "two\nlines", True),
        ("main", "main\n", False),
        ("*", "\ud800", True),
    ],
)
def test_glob_stands_for_the_whole_string(glob: str, text: str, expected: bool) -> None:
    assert passes({"branch": glob}, make_event(branch=text)) is expected


@pytest.mark.parametrize(
    ("regex", "text", "expected"),
    [
        ("/ain/", "main", True),
        ("/^ain/", "main", False),
        (r"/^v\d+\.\d+$/", "v1.20", True),
        (r"/^v\d+\.\d+$/", "v1.20\n", False),
        ("/MAIN/", "main", False),
        ("/MAIN/i", "main", True),
        ("/a/b/", "xa/by", True),
        ("!/^release/", "release/1", False),
        ("!/^release/", "main", True),
        ("/feature", "/feature", True),
    ],
)
def test_slashes_make_a_regular_expression_that_searches(regex: str, text: str, expected: bool) -> None:
    assert passes({"branch": regex}, make_event(branch=text)) is expected


def test_regular_expression_takes_linear_time() -> None:
    event = make_event(branch="a" * 50_000 + "!")

    assert not passes({"branch": "/^(a+)+$/"}, event)


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ({"duration": "> 20m"}, True),
        ({"duration": "> 25m"}, False),
        ({"duration": ">= 25m"}, True),
        ({"duration": "<1h"}, True),
        ({"duration": "<= 1499s"}, False),
        ({"duration": 1500}, True),
        ({"duration": "25m"}, True),
        ({"duration": "0h25m"}, True),
        ({"number": 7812}, True),
        ({"number": "7812"}, True),
        ({"number": ">= 7812"}, True),
        ({"number": "< 7812"}, False),
        ({"number": "!= 2"}, True),
        ({"number": "!= 7812"}, False),
        ({"number": "== 7812"}, True),
        ({"number": "!7812"}, False),
        ({"number": [1, "> 7000", "!7813"]}, True),
        ({"number": ["> 7000", "!> 7800"]}, False),
        ({"previous.number": "!= 2"}, False),
        ({"previous.number": "!2"}, True),
        ({"fork": False}, True),
        ({"fork": True}, False),
        ({"fork": "false"}, True),
        ({"author.bot": [True, False]}, True),
    ],
    ids=str,
)
def test_numbers_durations_and_flags(match: dict[str, Any], expected: bool) -> None:
    assert passes(match, make_event(duration=1500.0, number=7812, previous=Previous())) is expected


@pytest.mark.parametrize(
    ("match", "event", "expected"),
    [
        ({"branch": "*"}, ON_TAG, False),
        ({"branch": ["*", "!main"]}, ON_TAG, False),
        ({"branch": "!main"}, ON_TAG, True),
        ({"tag": "v*"}, ON_TAG, True),
        ({"tag": "*"}, ON_MAIN, False),
        ({"tag": "!v*"}, ON_MAIN, True),
        ({"branch": "main"}, replace(ON_TAG, branch="main"), False),
        ({"branch": "*"}, make_event(branch=None), False),
        ({"any": [{"branch": "main"}, {"tag": "v*"}]}, ON_TAG, True),
        ({"any": [{"branch": "main"}, {"tag": "v*"}]}, ON_MAIN, True),
    ],
    ids=str,
)
def test_branch_patterns_and_tag_builds_never_meet(
    match: dict[str, Any], event: Event, expected: bool
) -> None:
    assert passes(match, event) is expected


@pytest.mark.parametrize(
    ("wanted", "on_two", "on_none"),
    [
        ("e2e-*", True, False),
        ("deploy", False, False),
        ("!e2e-*", False, True),
        (["*", "!deploy"], True, False),
        (["lint", "!e2e-*"], False, False),
        ({"every": "e2e-*"}, False, False),
        ({"every": ["e2e-*", "lint"]}, True, False),
        ({"every": "!deploy"}, True, True),
        ({"none": "deploy"}, True, True),
        ({"none": ["deploy", "lint"]}, False, True),
        ({"every": ["*i*"], "none": "deploy"}, True, False),
    ],
    ids=str,
)
def test_list_fields_mean_any_every_or_none(wanted: Any, on_two: bool, on_none: bool) -> None:
    match = {"failed_steps.name": wanted}

    assert (passes(match, TWO_STEPS), passes(match, NO_STEPS)) == (on_two, on_none)


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ({"failed_steps.exit_code": 137}, True),
        ({"failed_steps.exit_code": "137"}, True),
        ({"failed_steps.exit_code": "> 200"}, False),
        ({"failed_steps.exit_code": {"every": "> 0"}}, True),
        ({"failed_steps.containers": 3}, True),
        ({"failed_steps.containers": 4}, False),
    ],
    ids=str,
)
def test_numbers_in_lists(match: dict[str, Any], expected: bool) -> None:
    assert passes(match, TWO_STEPS) is expected


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ({"build.parameters.deploy": True}, True),
        ({"build.parameters.deploy": "true"}, True),
        ({"build.parameters.deploy": False}, False),
        ({"build.parameters.shards": "> 3"}, True),
        ({"build.parameters.shards": 4}, True),
        ({"build.parameters.region": "e*"}, True),
        ({"build.parameters.region": "> 3"}, False),
        ({"build.parameters.matrix": "b"}, True),
        ({"build.parameters.matrix": {"every": "b"}}, False),
        ({"build.parameters.region": {"none": "eu"}}, False),
        ({"build.parameters.deep": "*"}, False),
        ({"build.parameters.deep.x.y": 1}, True),
        ({"build.parameters.items": "*"}, False),
    ],
    ids=str,
)
def test_parameters_take_any_kind_of_pattern(match: dict[str, Any], expected: bool) -> None:
    assert passes(match, PARAMETERS) is expected


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ({"event": "workflow"}, True),
        ({"event": ["build", "job"]}, False),
        ({"status": "!success"}, True),
        ({"change": "fi*"}, False),
        ({"change": ["broke", "first_failure"]}, True),
        ({"previous.status": "success"}, True),
        ({"generation": "modern"}, True),
    ],
    ids=str,
)
def test_closed_sets_of_words(match: dict[str, Any], expected: bool) -> None:
    event = make_event(
        kind=EventKind.WORKFLOW,
        status=Status.FAILED,
        change=Change.BROKE,
        previous=Previous(status=Status.SUCCESS),
    )

    assert passes(match, event) is expected


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ({"any": [{"branch": "dev"}, {"status": "failed"}]}, True),
        ({"any": [{"branch": "dev"}, {"status": "success"}]}, False),
        ({"all": [{"branch": "main"}, {"status": "failed"}]}, True),
        ({"all": [{"branch": "main"}, {"status": "success"}]}, False),
        ({"not": [{"branch": "dev"}, {"status": "success"}]}, True),
        ({"not": [{"branch": "dev"}, {"status": "failed"}]}, False),
        ({"not": [{"branch": "main", "status": "success"}]}, True),
        ({"any": [{"not": [{"branch": "main"}]}, {"all": [{"branch": "m*"}, {"tag": "!*"}]}]}, True),
    ],
    ids=str,
)
def test_blocks(match: dict[str, Any], expected: bool) -> None:
    assert passes(match, ON_MAIN) is expected


def test_known_author_and_pull_request_numbers_match() -> None:
    event = make_event(
        author=Author(known="alice"),
        pull_requests=(PullRequest(url="https://github.com/acme/api/pull/7", number=7),),
    )

    assert passes({"author.known": "*", "pull_requests.number": 7}, event)


def test_hostile_commit_subject_is_only_text() -> None:
    event = make_event(commit=make_commit(subject="{{ 7*7 }} /.*/ *\x00\n!main"))

    assert passes({"commit.subject": "*!main"}, event)
    assert not passes({"commit.subject": "!main"}, make_event(commit=make_commit(subject="main")))


@pytest.mark.parametrize(
    ("match", "path", "problem"),
    [
        ({"brnch": "main"}, ("brnch",), "unknown field, did you mean branch?"),
        ({"slug": "gh/*"}, ("slug",), "unknown field, did you mean project.slug?"),
        ({"zzzzzzzz": 1}, ("zzzzzzzz",), "unknown field"),
        ({7: 1}, (7,), "field names are text"),
        (
            {"project": {"slug": "gh/*"}},
            ("project",),
            "fields are not nested; write project.slug: instead",
        ),
        (
            {"previous": "success"},
            ("previous",),
            "previous has fields of its own; write one of previous.status, previous.number, previous.commit, "
            "previous.at, previous.red_since, previous.failures",
        ),
        (
            {"failed_tests": "login"},
            ("failed_tests",),
            "failed_tests has fields of its own; write one of failed_tests.name, failed_tests.classname, "
            "failed_tests.file, failed_tests.message",
        ),
        (
            {"build.parameters": "x"},
            ("build.parameters",),
            "build.parameters holds names of its own; write build.parameters.<name>",
        ),
        (
            {"started_at": "> 2026-01-01"},
            ("started_at",),
            "started_at is a time, which match cannot compare; use during: or when:",
        ),
        ({"status": "faild"}, ("status",), "no status is called faild, did you mean failed?"),
        ({"change": ["broke", "!fixd"]}, ("change", 1), "no change is called fixd, did you mean fixed?"),
        (
            {"event": "z*"},
            ("event",),
            "no event is called z*; known: build, job, workflow, ping, relay, unknown",
        ),
        ({"branch": "/(/"}, ("branch",), "cannot read the pattern /(/: missing ): ("),
        (
            {"branch": "/(?=x)/"},
            ("branch",),
            "cannot read the pattern /(?=x)/: invalid perl operator: (?=",
        ),
        (
            {"branch": ["main", "[z-a]"]},
            ("branch", 1),
            "cannot read the pattern [z-a]: invalid character class range: z-a",
        ),
        ({"branch": []}, ("branch",), "the list is empty; give a pattern or leave the field out"),
        ({"branch": ""}, ("branch",), "the pattern is empty"),
        ({"branch": "!"}, ("branch",), "the pattern is empty"),
        ({"branch": "//"}, ("branch",), "the pattern is empty"),
        ({"branch": None}, ("branch",), 'wanted a pattern; "!*" asks for a field that is missing'),
        ({"branch": [["main"]]}, ("branch", 0), 'wanted a pattern; "!*" asks for a field that is missing'),
        ({"tag": 1.5}, ("tag",), 'tag is text; quote the value: "1.5"'),
        ({"branch": True}, ("branch",), 'branch is text; quote the value: "true"'),
        (
            {"branch": "!= main"},
            ("branch",),
            'branch is text, which is not compared; "!word" excludes a word',
        ),
        ({"number": "> 20m"}, ("number",), 'number wants a number: 3, "> 3" or "!= 3"'),
        ({"number": "78*"}, ("number",), 'number wants a number: 3, "> 3" or "!= 3"'),
        ({"number": True}, ("number",), 'number wants a number: 3, "> 3" or "!= 3"'),
        (
            {"duration": "> 20 minutes"},
            ("duration",),
            'duration wants a length of time: "> 20m" or "<= 90s"',
        ),
        ({"fork": "maybe"}, ("fork",), "fork is true or false"),
        (
            {"branch": {"every": "main"}},
            ("branch",),
            "branch is not a list, so every: and none: do not apply",
        ),
        (
            {"failed_jobs.name": {"evry": "x"}},
            ("failed_jobs.name",),
            "wanted a pattern, or every: or none: and one, under failed_jobs.name",
        ),
        (
            {"failed_jobs.name": {"every": ["a", ""]}},
            ("failed_jobs.name", "every", 1),
            "the pattern is empty",
        ),
        (
            {"any": {"branch": "main"}},
            ("any",),
            "wanted a list of matches, such as any: [{branch: main}]",
        ),
        ({"not": []}, ("not",), "wanted a list of matches, such as not: [{branch: main}]"),
        (
            {"any": [{"branch": "main"}, {"all": [{"tagg": "v*"}]}]},
            ("any", 1, "all", 0, "tagg"),
            "unknown field, did you mean tag?",
        ),
        ({"any": ["main"]}, ("any", 0), "wanted fields and patterns, such as branch: main"),
        ("main", (), "wanted fields and patterns, such as branch: main"),
    ],
    ids=str,
)
def test_fault_names_its_place_and_a_remedy(match: Any, path: tuple[str | int, ...], problem: str) -> None:
    assert [(fault.path, fault.problem) for fault in check_match(match)] == [(path, problem)]


def test_all_faults_are_told_at_once() -> None:
    match = {"brnch": "main", "status": ["faild", "succes"], "any": [{"tag": ""}]}

    paths = [fault.path for fault in check_match(match)]

    assert paths == [("brnch",), ("status", 0), ("status", 1), ("any", 0, "tag")]


def test_fault_prints_with_its_path() -> None:
    with pytest.raises(MatchError, match=r"^any\.0\.brnch: unknown field, did you mean branch\?$"):
        compile_match({"any": [{"brnch": "main"}]})


def test_contract_example_has_no_faults() -> None:
    match = {
        "event": ["build", "job", "workflow"],
        "status": ["failed", "timedout"],
        "project.slug": "gh/acme/*",
        "branch": ["main", "release/*", "!release/legacy"],
        "tag": r"/^v\d+\.\d+\.\d+$/",
        "duration": "> 20m",
        "failure.class": "!infrastructure",
    }

    assert check_match(match) == ()
