"""A comment on a pull request: how it reads, how it is found again, and what GitHub's answers mean."""

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from relay.errors import DeliveryError
from relay.markup import MARKUPS
from relay.model import Answer, Button, Event, Fact, Message, Pipeline, PullRequest
from relay.notifiers.github_comment import COMMENT, GitHubComment
from relay.notifiers.parts.github_comments import MOST_PAGES, PAGE
from relay.people import PersonSpec
from relay.transport import Transport
from tests.factories import make_commit, make_project
from tests.fakes.github_server import TOKEN, GitHub
from tests.fakes.sink import Play, Sink
from tests.notifiers.factories import make_broken, make_message, make_outgoing

PULL = PullRequest(url="https://github.com/acme/api/pull/12", number=12)
PLACE = "acme/api#12"
ALICE = PersonSpec(key="alice", logins={"github": "alice"})
BOB = PersonSpec(key="bob", ids={"slack": "U045FGHIJ"})


def make(**more: Any) -> GitHubComment:
    return GitHubComment.model_validate({"token": TOKEN, **more})


def local(url: str, **more: Any) -> GitHubComment:
    return make(api_url=url, allow_private=True, **more)


def with_pull(*pulls: PullRequest, **more: Any) -> Event:
    return replace(make_broken(), pull_requests=pulls or (PULL,), **more)


def body_of(message: Message, **more: Any) -> str:
    return str(make().payload(message, make_outgoing(events=(with_pull(),), **more))["body"])


def text_of(message: Message, **more: Any) -> str:
    """The comment without its mark."""
    return body_of(message, **more).partition(" -->\n")[2]


def send(
    notifier: GitHubComment, transport: Transport, text: str, *events: Event, card: Any = None
) -> Answer:
    outgoing = make_outgoing(events=events or (with_pull(),), card=card or {})
    return notifier.send(Message(title=text), outgoing, transport)


# the payload


def test_the_payload_in_full() -> None:
    event, notifier = with_pull(), make()
    outgoing = make_outgoing(events=(event,), mentions=(ALICE, BOB))

    mark, _, text = notifier.payload(make_message(notifier, event), outgoing)["body"].partition("\n")

    assert mark.startswith("<!-- relay:")
    assert mark.endswith(" -->")
    assert text == (
        f"### [🔴 api / build-and-deploy broke on main \\(\\#\u200b12\\)]({event.url})\n"
        "\n"
        f"[Fix \\<\\!channel\\> \\& login]({event.commit.url}) by Alice Archer\n"
        "- `Run tests` exit code 2\n"
        "\n"
        "**Pipeline** \\#\u200b7812 · **Took** 4 min 12 s · **Commit** `a1b2c3d`\n"
        "\n"
        f"[Open in CircleCI]({event.url}) · [Commit]({event.commit.url}) · "
        f"[Pull request \\#\u200b12]({PULL.url})\n"
        "\n"
        "@alice\n"
        "\n"
        f"<sub>route trunk-broke · [event {event.id}](https://relay.example.com/events/{event.id})</sub>"
    )


def test_a_message_without_anything_but_a_title_is_a_heading() -> None:
    assert text_of(Message(title="hello")) == "### hello"


def test_text_of_ones_own_replaces_ours_but_not_the_mark() -> None:
    assert text_of(Message(title="hello", override={"body": "mine"})) == "mine"
    assert text_of(Message(title="hello", override="mine")) == "mine"


def test_everything_too_long_is_cut() -> None:
    long = "\\*" * 10_000
    message = Message(
        title=long,
        body=long,
        facts=tuple(Fact(name=long, value=long) for _ in range(30)),
        buttons=tuple(Button(text=long, url="https://example.com/" + "x" * 900) for _ in range(30)),
        footer=long,
    )

    text = text_of(message, mentions=(ALICE,) * 500)

    assert len(text) < 40_000
    assert text.count("@alice") == 20
    assert "\\…" not in text


def test_text_of_ones_own_is_cut_to_githubs_limit() -> None:
    assert len(body_of(Message(title="hello", override={"body": "x" * 100_000}))) == COMMENT


def test_five_hundred_results_make_one_comment_that_says_how_many_more() -> None:
    events = tuple(replace(with_pull(), id=f"e{number}") for number in range(500))
    notifier = make()

    text = notifier.payload(make_message(notifier, *events), make_outgoing(events=events))["body"]

    assert " more" in text
    assert len(text) < 20_000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("@everyone @acme/team", "@\u200beveryone @\u200bacme/team"),
        ("fixes #12 and acme/other#3", "fixes \\#\u200b12 and acme/other\\#\u200b3"),
        ("GH-12 gh-3", "GH-\u200b12 gh-\u200b3"),
        ("https://evil.example.com", "https:\u200b//evil.example.com"),
        ("see www.evil.example.com", "see www\u200b.evil.example.com"),
        ("[x](http://evil)", "\\[x\\]\\(http:\u200b//evil\\)"),
        ("<!-- relay:1 --> <img src=x>", "\\<\\!-- relay:1 --\\> \\<img src=x\\>"),
        ("$\\color{red}{x}$", "\\$\\\\color\\{red\\}\\{x\\}\\$"),
        ("alice@example.com", "alice@\u200bexample.com"),
        ("abc\u202egpj \x1b[2J", "abc\ufffdgpj ␛\\[2J"),
        ("plain words, 100 %", "plain words, 100 %"),
    ],
)
def test_what_a_stranger_wrote_pings_links_and_refers_to_nothing(text: str, said: str) -> None:
    assert MARKUPS["github"].text(text) == said


def test_a_code_block_cannot_be_left() -> None:
    said = MARKUPS["github"].code_block("a\n```\n@alice <b>\n")

    assert said.count("```") == 2
    assert "@alice" not in said


def test_hostile_fields_stay_in_their_line() -> None:
    hostile = "x\n# @everyone\r\n[x](http://evil)\x00"
    event = with_pull(branch=hostile, commit=make_commit(subject=hostile), project=make_project(name=hostile))
    notifier = make()

    text = notifier.payload(make_message(notifier, event), make_outgoing(events=(event,)))["body"]

    assert "@everyone" not in text
    assert "](http://evil)" not in text
    assert [line for line in text.split("\n") if line.startswith("#")] == [text.split("\n")[1]]


# finding it again


def test_the_first_message_makes_a_comment(transport: Transport) -> None:
    with GitHub() as github:
        answer = send(local(github.url), transport, "broke")

    assert [body.partition("\n")[2] for body in github.bodies(PLACE)] == ["### broke"]
    assert answer.receipt == {"comment": "101", "pull_request": PLACE}


def test_the_second_message_edits_it(transport: Transport) -> None:
    with GitHub() as github:
        first = send(local(github.url), transport, "broke")
        second = send(local(github.url), transport, "fixed", card=first.receipt)

    assert [body.partition("\n")[2] for body in github.bodies(PLACE)] == ["### fixed"]
    assert second.receipt == first.receipt
    assert github.calls[-1] == "PATCH /repos/acme/api/issues/comments/101"


def test_another_pipeline_finds_it_by_its_mark(transport: Transport) -> None:
    with GitHub() as github:
        github.add(PLACE, "Nice work!")
        send(local(github.url), transport, "broke")
        answer = send(local(github.url), transport, "fixed")

    assert [body.partition("\n")[2] for body in github.bodies(PLACE)] == ["", "### fixed"]
    assert answer.receipt["comment"] == "102"


def test_style_post_makes_a_new_comment_each_time(transport: Transport) -> None:
    with GitHub() as github:
        first = send(local(github.url, style="post"), transport, "broke")
        send(local(github.url, style="post"), transport, "fixed", card=first.receipt)

    assert len(github.bodies(PLACE)) == 2


def test_it_is_found_on_a_later_page(transport: Transport) -> None:
    with GitHub() as github:
        for number in range(3 * PAGE - 1):
            github.add(PLACE, f"comment {number}")
        send(local(github.url), transport, "broke")
        send(local(github.url), transport, "fixed")

    assert len(github.bodies(PLACE)) == 3 * PAGE
    assert github.bodies(PLACE)[-1].endswith("### fixed")


@pytest.mark.parametrize("before", [1, 5, 9, 10, 14])
def test_it_is_found_among_comments_too_long_to_read_at_once(transport: Transport, before: int) -> None:
    with GitHub() as github:
        for number in range(before):
            github.add(PLACE, "x" * 65_536 if number % 2 else "日" * 20_000)
        send(local(github.url), transport, "broke")
        send(local(github.url), transport, "fixed")

    assert len(github.bodies(PLACE)) == before + 1


def test_the_search_for_it_ends(transport: Transport) -> None:
    with GitHub() as github:
        for number in range(MOST_PAGES * PAGE + 1):
            github.add(PLACE, f"comment {number}", filler=10)
        send(local(github.url), transport, "broke")

    assert len([call for call in github.calls if call.startswith("GET")]) == MOST_PAGES
    assert github.bodies(PLACE)[-1].endswith("### broke")


def test_a_deleted_comment_is_made_anew(transport: Transport) -> None:
    with GitHub() as github:
        first = send(local(github.url), transport, "broke")
        github.comments.clear()
        second = send(local(github.url), transport, "fixed", card=first.receipt)

    assert [body.partition("\n")[2] for body in github.bodies(PLACE)] == ["### fixed"]
    assert second.receipt["pull_request"] == PLACE


def test_an_older_pipeline_does_not_speak_over_a_newer_one(transport: Transport) -> None:
    older, newer = (with_pull(pipeline=Pipeline(id=f"p-{n}", number=n)) for n in (7811, 7812))

    with GitHub() as github:
        first = send(local(github.url), transport, "older, running", older)
        send(local(github.url), transport, "newer, green", newer)
        late = send(local(github.url), transport, "older, red", older, card=first.receipt)

    assert [body.partition("\n")[2] for body in github.bodies(PLACE)] == ["### newer, green"]
    assert late.receipt == first.receipt
    assert late.excerpt == "nothing changed: the comment tells of pipeline #7812, which is newer"


def test_without_pipeline_numbers_the_last_word_counts(transport: Transport) -> None:
    unnumbered = with_pull(pipeline=Pipeline())

    with GitHub() as github:
        send(local(github.url), transport, "first")
        send(local(github.url), transport, "second", unnumbered)
        send(local(github.url), transport, "third")

    assert [body.partition("\n")[2] for body in github.bodies(PLACE)] == ["### third"]


def test_the_comment_on_record_is_not_edited_when_it_is_not_ours(transport: Transport) -> None:
    with GitHub() as github:
        theirs = github.add(PLACE, "Nice work!")
        send(local(github.url), transport, "broke", card={"comment": str(theirs.id), "pull_request": PLACE})

    assert github.bodies(PLACE)[0] == "Nice work!"
    assert len(github.bodies(PLACE)) == 2


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_comment_that_goes_while_we_look_is_made_anew(transport: Transport, status: int) -> None:
    ours = json.dumps({"id": 101, "body": body_of(Message(title="broke"))}).encode()
    plays = (Play(body=ours), Play(status=status, body=b"{}"), Play(status=201, body=b'{"id": 102}'))

    with Sink(*plays) as sink:
        answer = send(local(sink.url), transport, "fixed", card={"comment": "101", "pull_request": PLACE})

    assert [request.method for request in sink.requests] == ["GET", "PATCH", "POST"]
    assert answer.receipt["comment"] == "102"


def test_the_card_of_another_pull_request_is_not_edited(transport: Transport) -> None:
    with GitHub() as github:
        first = send(local(github.url), transport, "broke")
        other = with_pull(PullRequest(url="https://github.com/acme/api/pull/13", number=13))
        send(local(github.url), transport, "fixed", other, card=first.receipt)

    assert github.bodies(PLACE)[0].endswith("### broke")
    assert github.bodies("acme/api#13")[0].endswith("### fixed")


def test_a_comment_that_quotes_ours_is_left_alone(transport: Transport) -> None:
    with GitHub() as github:
        send(local(github.url), transport, "broke")
        [ours] = github.comments
        github.comments.insert(0, replace(ours, id=7, body=f"> {ours.body}"))
        github.comments.append(replace(ours, id=900))
        send(local(github.url), transport, "fixed")

    assert [each.id for each in github.comments if each.body.endswith("### fixed")] == [ours.id]


def test_a_pull_request_from_a_fork_is_commented_where_it_is(transport: Transport) -> None:
    fork = with_pull(project=make_project(slug="gh/bob/api", url="https://github.com/bob/api"), fork=True)

    with GitHub() as github:
        send(local(github.url), transport, "broke", fork)

    assert len(github.bodies(PLACE)) == 1


@pytest.mark.parametrize(
    "event",
    [
        make_broken(),
        with_pull(PullRequest(url="https://gitlab.com/acme/api/-/merge_requests/12", number=12)),
        with_pull(PullRequest(url="https://github.com/acme/../pull/12", number=12)),
        with_pull(PullRequest(url="https://github.com/acme/api/pull/12x", number=12)),
    ],
    ids=["none", "GitLab", "dots", "no number"],
)
def test_without_a_pull_request_there_is_nothing_to_do(transport: Transport, event: Event) -> None:
    with GitHub() as github:
        answer = send(local(github.url), transport, "broke", event)

    assert answer == Answer(excerpt="no pull request: nothing to comment on")
    assert not github.calls


def test_marks_differ_by_what_the_comment_is_about_and_who_makes_it() -> None:
    def mark(event: Event, **more: Any) -> str:
        payload = make(**more).payload(Message(title="x"), make_outgoing(events=(event,)))
        return str(payload["body"]).partition("\n")[0]

    other_pull = with_pull(PullRequest(url="https://github.com/acme/api/pull/13", number=13))
    other_project = with_pull(project=make_project(slug="gh/acme/web"))

    marks = {
        mark(with_pull()),
        mark(other_pull),
        mark(other_project),
        mark(with_pull(), marker="nightly"),
        mark(with_pull(), token="another"),
    }

    assert len(marks) == 5
    assert mark(with_pull(number=1)) == mark(with_pull(number=2))


# answers


def test_a_wrong_token_ends_it(transport: Transport) -> None:
    with GitHub() as github, pytest.raises(DeliveryError) as caught:
        send(local(github.url, token="wrong-token"), transport, "broke")

    assert str(caught.value) == "HTTP 401: GitHub says Bad credentials (check `token`; it may have expired)"
    assert caught.value.is_dead


def test_a_repository_the_token_may_not_see_is_not_the_end(transport: Transport) -> None:
    play = Play(status=404, body=b'{"message": "Not Found"}')

    with Sink(play) as sink, pytest.raises(DeliveryError) as caught:
        send(local(sink.url), transport, "broke")

    assert str(caught.value) == (
        "HTTP 404: GitHub says Not Found "
        "(no such repository, or `token` may not: it needs the permission to write pull requests)"
    )
    assert (caught.value.permanent, caught.value.is_dead) == (True, False)


def test_a_secondary_rate_limit_while_editing_is_waited_for(transport: Transport) -> None:
    body = {"message": "You have exceeded a secondary rate limit. Please wait."}
    play = Play(status=403, headers={"Retry-After": "60"}, body=json.dumps(body).encode())

    with Sink(play) as sink, pytest.raises(DeliveryError) as caught:
        send(local(sink.url), transport, "broke", card={"comment": "101", "pull_request": PLACE})

    assert (caught.value.permanent, caught.value.retry_after, len(sink.requests)) == (False, 60.0, 1)


@pytest.mark.parametrize("body", [b"", b"{}", b"<html>", b"[1, null]", b'[{"id": "x", "body": 3}]'])
def test_a_list_of_comments_that_is_none_finds_nothing(transport: Transport, body: bytes) -> None:
    with Sink(Play(body=body), Play(status=201, body=b'{"id": 5}')) as sink:
        answer = send(local(sink.url), transport, "broke")

    assert answer.receipt == {"comment": "5", "pull_request": PLACE}
    assert [request.method for request in sink.requests] == ["GET", "POST"]


def test_the_token_is_in_no_error(transport: Transport) -> None:
    play = Play(status=422, body=json.dumps({"message": f"bad {TOKEN}"}).encode())

    with Sink(play) as sink, pytest.raises(DeliveryError) as caught:
        send(local(sink.url), transport, "broke")

    assert TOKEN not in str(caught.value) + caught.value.excerpt + repr(make())


# configuration


def test_a_person_is_called_by_login() -> None:
    assert (make().mention(ALICE), make().mention(BOB)) == ("@alice", "")


def test_a_thread_is_refused() -> None:
    with pytest.raises(ValidationError, match="Input should be 'post' or 'update'"):
        make(style="thread")
