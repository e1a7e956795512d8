"""Projects are named in many ways, and names go into addresses safely."""

import pytest

from relay.circleci.slugs import Slug, fill, parse
from relay.errors import UsageError


@pytest.mark.parametrize(
    ("given", "slug"),
    [
        ("gh/acme/api", "gh/acme/api"),
        ("github/acme/api", "gh/acme/api"),
        ("GitHub/Acme/Api", "gh/Acme/Api"),
        ("bitbucket/acme/api", "bb/acme/api"),
        ("acme/api", "gh/acme/api"),
        ("circleci/3xKq/9fZ2", "circleci/3xKq/9fZ2"),
        ("https://github.com/acme/api", "gh/acme/api"),
        ("https://github.com/acme/api.git", "gh/acme/api"),
        ("https://github.com/acme/api/pull/7", "gh/acme/api"),
        ("github.com/acme/api", "gh/acme/api"),
        ("git@github.com:acme/api.git", "gh/acme/api"),
        ("org-123@github.com:acme/api.git", "gh/acme/api"),
        ("ssh://git@bitbucket.org/acme/api.git", "bb/acme/api"),
        ("https://ghe.example/acme/api", "gh/acme/api"),
        ("https://circleci.com/gh/acme/api/140", "gh/acme/api"),
        ("https://app.circleci.com/pipelines/github/acme/api/7/workflows/1", "gh/acme/api"),
        ("https://app.circleci.com/pipelines/circleci/3xKq/9fZ2/7", "circleci/3xKq/9fZ2"),
        ("https://ci.example/api/v1.1/project/bitbucket/acme/api/140", "bb/acme/api"),
    ],
)
def test_a_project_is_understood(given: str, slug: str) -> None:
    assert str(parse(given)) == slug


def test_a_parsed_slug_passes_through() -> None:
    slug = Slug(vcs="gh", org="acme", name="api")

    assert parse(slug) is slug


@pytest.mark.parametrize(
    "given",
    [
        "",
        "api",
        "gh//api",
        "gh/../api",
        "gh/acme/a\nb",
        "a/b/c/d",
        "https://x",
        "https://github.com/api",
        "https://[",
    ],
)
def test_what_names_no_project_is_refused(given: str) -> None:
    with pytest.raises(UsageError):
        parse(given)


def test_a_gitlab_address_is_answered_with_the_way_to_find_the_slug() -> None:
    with pytest.raises(UsageError, match="circleci/<org id>/<project id>"):
        parse("https://gitlab.com/acme/api")


def test_segments_are_encoded_by_themselves() -> None:
    path = fill("/project/{project}/tree/{branch}", project=("gh", "a me", "api"), branch="fix/50%?#é")

    assert path == "/project/gh/a%20me/api/tree/fix%2F50%25%3F%23%C3%A9"


@pytest.mark.parametrize("branch", ["", ".", "..", "a\x00b"])
def test_a_segment_that_would_change_the_address_is_refused(branch: str) -> None:
    with pytest.raises(UsageError, match="branch"):
        fill("/tree/{branch}", branch=branch)
