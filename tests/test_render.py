"""From events to messages, in the words people read."""

import re
import time
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from relay.accounts import account_about
from relay.markup import MARKUPS
from relay.model import (
    Build,
    Button,
    Change,
    Event,
    EventKind,
    Fact,
    FailedStep,
    Job,
    Level,
    Message,
    Pipeline,
    Previous,
    PullRequest,
    Reason,
    Status,
    Workflow,
)
from relay.render import BODY_LIMIT, FOOTER_LIMIT, TITLE_LIMIT, Renderer, shipped_messages
from relay.sandbox import WORDS
from tests.factories import MINUTE, NOON, make_commit, make_event, make_project

PARIS = ZoneInfo("Europe/Paris")
REASON = Reason(route="trunk-broke", change=Change.BROKE)
HOUR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class ButtonText:
    text: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Spec:
    """What a configuration says about a template."""

    title: str | None = None
    footer: str | None = None
    summary: str | None = None
    line: str | None = None
    body: str | None = None
    facts: dict[str, str] | None = None
    buttons: tuple[ButtonText, ...] | None = None
    blocks_file: str | None = None
    services: dict[str, "Spec"] = field(default_factory=dict)


def render(
    *events: Event,
    markup: str = "plain",
    service: str = "console",
    template: str = "standard",
    folders: tuple[Path, ...] = (),
    templates: dict[str, Any] | None = None,
    public_url: str | None = None,
) -> Message:
    renderer = Renderer((*folders, shipped_messages()), templates, public_url)
    return renderer.render(markup, service, template, events or (make_event(),), REASON, NOON, PARIS)


def title(**overrides: Any) -> str:
    return render(make_event(**overrides)).title


# the standard template


def test_a_broken_branch_in_full() -> None:
    event = make_event(change=Change.BROKE, failed_steps=(FailedStep(name="Run tests", exit_code=2),))

    assert render(event, public_url="https://relay.example.com/") == Message(
        title="🔴 api / build-and-deploy broke on main",
        body=f"{event.commit.subject} ({event.commit.url}) by Alice Archer\n- Run tests exit code 2",
        facts=(
            Fact(name="Pipeline", value="#7812"),
            Fact(name="Took", value="4 min 12 s"),
            Fact(name="Commit", value="a1b2c3d"),
        ),
        buttons=(
            Button(text="Open in CircleCI", url=str(event.url)),
            Button(text="Commit", url=str(event.commit.url)),
        ),
        footer=f"route trunk-broke · event {event.id} (https://relay.example.com/events/{event.id})",
        url=event.url,
        level=Level.BAD,
        fallback="🔴 api / build-and-deploy broke on main",
    )


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({"change": Change.FIRST_FAILURE}, "🔴 api / build-and-deploy failed on main"),
        ({"change": Change.STILL_FAILING}, "🔴 api / build-and-deploy still failing on main"),
        (
            {"change": Change.STILL_FAILING, "previous": Previous(failures=2)},
            "🔴 api / build-and-deploy still failing, 3rd time on main",
        ),
        ({"change": Change.FIXED}, "🟢 api / build-and-deploy fixed on main"),
        (
            {"change": Change.FIXED, "previous": Previous(red_since=NOON - 2 * HOUR)},
            "🟢 api / build-and-deploy fixed after 2 h on main",
        ),
        ({"change": Change.FIRST_SUCCESS}, "🟢 api / build-and-deploy passed on main"),
        ({"change": Change.STILL_PASSING}, "🟢 api / build-and-deploy passed on main"),
        ({"change": Change.PASSED_ON_RETRY}, "🟢 api / build-and-deploy passed on retry on main"),
        ({"status": Status.SUCCESS}, "🟢 api / build-and-deploy passed on main"),
        ({"status": Status.TIMEDOUT}, "🔴 api / build-and-deploy timed out on main"),
        ({"status": Status.CANCELED}, "⚪ api / build-and-deploy was canceled on main"),
        ({"status": Status.UNAUTHORIZED}, "🟠 api / build-and-deploy was not authorized on main"),
        ({"branch": None, "tag": "v1.2.3"}, "🔴 api / build-and-deploy failed on tag v1.2.3"),
        (
            {"branch": "fix", "pull_requests": (PullRequest(url="https://x.example.com/12", number=12),)},
            "🔴 api / build-and-deploy failed on fix (#12)",
        ),
        ({"branch": "pull/34"}, "🔴 api / build-and-deploy failed in pull request #34"),
        ({"branch": None}, "🔴 api / build-and-deploy failed"),
        (
            {"kind": EventKind.JOB, "job": Job(name="test")},
            "🔴 api / build-and-deploy / test failed on main",
        ),
        ({"kind": EventKind.BUILD, "workflow": Workflow(), "job": Job()}, "🔴 api / #7812 failed on main"),
        ({"project": make_project(name=None)}, "🔴 api / build-and-deploy failed on main"),
        (
            {"kind": EventKind.PING, "workflow": Workflow(), "number": None, "branch": None},
            "🔔 api sent a ping: the webhook works",
        ),
        (
            {"kind": EventKind.RELAY, "notes": {"text": "gave up on 3 messages"}, "branch": None},
            "🟠 relay gave up on 3 messages",
        ),
    ],
)
def test_titles_say_what_happened(overrides: dict[str, Any], said: str) -> None:
    assert title(**overrides) == said


def test_an_event_of_unknown_type_is_named() -> None:
    said = title(kind=EventKind.UNKNOWN, type="deploy-done", status=Status.UNKNOWN)

    assert said == "⚪ api / build-and-deploy sent an event of type deploy-done on main"


def test_an_event_with_nothing_but_a_project_still_makes_a_message() -> None:
    event = Event(
        id="e1",
        kind=EventKind.BUILD,
        generation=make_event().generation,
        project=make_project(name=None, slug="gh/acme/api"),
        received_at=NOON,
    )

    message = render(event)

    assert (message.title, message.body, message.facts, message.buttons, message.problem) == (
        "⚪ api ended, CircleCI did not say how", "", (), (), None,
    )  # fmt: skip


@pytest.mark.parametrize("markup", MARKUPS)
def test_hostile_text_is_escaped_in_every_part(markup: str) -> None:
    hostile = "<!channel> @everyone [x](https://evil.example.com) \x1b[31m \u202e"
    event = make_event(
        branch=hostile,
        commit=make_commit(subject=hostile, short_sha=hostile),
        author=replace(make_event().author, name=hostile),
        workflow=Workflow(name=hostile),
        failed_steps=(FailedStep(name=hostile, exit_code=1),),
        url="javascript:alert(1)",
    )

    message = render(event, markup=markup)
    said = repr(message)

    assert message.problem is None
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert "\\x1b" not in said
    assert all(button.url.startswith("https://") for button in message.buttons)
    whole = " ".join((message.title, message.body, message.footer, *(fact.value for fact in message.facts)))
    texts = re.sub("`[^`]*`", "", whole)  # code is inert in itself
    if markup != "plain":
        assert "<!channel>" not in texts
    if markup == "markdown":
        assert "@everyone" not in texts
        assert "[x](https" not in texts


def test_ten_thousand_characters_are_cut_everywhere() -> None:
    long = "x" * 10_000
    event = make_event(
        branch=long, commit=make_commit(subject=long), author=replace(make_event().author, name=long),
        workflow=Workflow(name=long), failed_steps=tuple(FailedStep(name=long) for _ in range(200)),
        project=make_project(name=long),
    )  # fmt: skip

    for markup in MARKUPS:
        message = render(event, markup=markup)
        assert message.problem is None
        assert len(message.title) <= TITLE_LIMIT
        assert len(message.body) <= BODY_LIMIT
        assert len(message.footer) <= FOOTER_LIMIT
        assert len(message.fallback) <= TITLE_LIMIT


def test_fetched_failures_are_listed() -> None:
    jobs = [{"name": f"job-{n}", "first_error": f"error {n}"} for n in range(7)]

    body = render(make_event(notes={"failed_jobs": jobs})).body

    assert body.split("\n")[1:] == [*(f"- job-{n}: error {n}" for n in range(5)), "… and 2 more"]


# groups


def make_group(*changes: Change) -> tuple[Event, ...]:
    return tuple(
        make_event(
            id=f"e{n}",
            change=change,
            status=Status.SUCCESS if change is Change.STILL_PASSING else Status.FAILED,
            workflow=Workflow(id=f"w{n}", name=f"flow-{n}"),
        )
        for n, change in enumerate(changes)
    )


def test_a_group_counts_its_results() -> None:
    message = render(*make_group(Change.STILL_PASSING, Change.BROKE, Change.STILL_PASSING))

    assert message.title == "🔴 3 results for api pipeline #7812: 1 broke, 2 passing"
    assert message.level is Level.BAD
    assert [line.split(" (")[0] for line in message.body.split("\n")] == [
        "🟢 api / flow-0", "🔴 api / flow-1", "🟢 api / flow-2",
    ]  # fmt: skip


def test_a_group_without_a_common_pipeline_names_what_it_shares() -> None:
    first, second = make_group(Change.BROKE, Change.FIXED)
    elsewhere = replace(second, pipeline=Pipeline(number=7813))

    assert render(first, elsewhere).title == "🔴 2 results for api on main: 1 broke, 1 fixed"
    assert "for api: " in render(first, replace(elsewhere, branch="next")).title
    assert "for 2 projects: " in render(first, replace(elsewhere, project=make_project(name="web"))).title


@pytest.mark.parametrize(
    ("since", "said"),
    [
        (NOON - 45 * MINUTE, "and 3 more since 12:15"),
        (NOON - 1440 * MINUTE, "and 3 more since 2026-11-22 13:00"),
    ],
    ids=["today", "before"],
)
@pytest.mark.parametrize("count", [1, 2, 500])
def test_what_was_kept_back_is_told_last(since: datetime, said: str, count: int) -> None:
    reason = replace(REASON, missed=3, missed_since=since)
    renderer = Renderer([shipped_messages()])

    message = renderer.render("plain", "console", "standard", [make_event()] * count, reason, NOON, PARIS)

    assert message.body.splitlines()[-1] == said
    assert len(message.body) <= 2900


def test_five_hundred_events_are_cut_in_the_middle() -> None:
    message = render(*make_group(*[Change.STILL_PASSING] * 500), markup="slack")
    lines = message.body.split("\n")

    assert len(message.body) <= BODY_LIMIT
    assert lines[-2] == f"… and {500 - (len(lines) - 1)} more"
    assert "flow-499" in lines[-1]
    assert message.title == "🟢 500 results for api pipeline #7812: 500 passing"


# templates of one's own


def test_a_configured_part_replaces_that_part_only() -> None:
    spec = Spec(
        title="{{ branch }} {{ change_text }}",
        facts={"Why": "{{ build.why }}", "Number": "#{{ number }}"},
        buttons=(ButtonText(text="Open <{{ branch }}>", url="{{ url }}?a=1&b=2"),),
    )

    message = render(
        make_event(build=Build(why="push & go")), markup="slack", templates={"short": spec}, template="short"
    )

    assert message.title == "main failed"
    assert message.facts == (Fact(name="Why", value="push &amp; go"), Fact(name="Number", value="#7812"))
    assert message.buttons[0] == Button(text="Open <main>", url=f"{make_event().url}?a=1&b=2")
    assert message.body.startswith("<https://github.com/acme/api/commit/")


def test_an_empty_fact_is_left_out() -> None:
    message = render(make_event(number=None), templates={"standard": Spec(facts={"Build": "#{{ number }}"})})

    assert message.facts == ()


def test_a_service_may_have_its_own_wording() -> None:
    spec = Spec(title="everywhere", services={"slack": Spec(title="in Slack")})

    assert render(templates={"standard": spec}, service="slack").title == "in Slack"
    assert render(templates={"standard": spec}, service="email").title == "everywhere"


def test_a_file_of_the_same_name_replaces_blocks(tmp_path: Path) -> None:
    (tmp_path / "standard.j2").write_text("{% block title %}mine: {{ what }}{% endblock %}")

    message = render(folders=(tmp_path,))

    assert message.title == "mine: api / build-and-deploy"
    assert message.facts[0] == Fact(name="Pipeline", value="#7812")


def test_a_file_of_another_name_is_a_template(tmp_path: Path) -> None:
    (tmp_path / "loud.j2").write_text("{% block title %}{{ what | upper }}{% endblock %}")

    assert render(folders=(tmp_path,), template="loud").title == "API / BUILD-AND-DEPLOY"


def test_a_json_file_overrides_one_service(tmp_path: Path) -> None:
    (tmp_path / "standard.slack.json.j2").write_text(
        '[{"type": "x", "text": "{{ message.title }} by {{ author.name }}", "list": {{ [branch] | tojson }}}]'
    )
    event = make_event(branch='a"<b>', author=replace(make_event().author, name='Al"ice & <b>'))

    message = render(event, markup="slack", service="slack", folders=(tmp_path,))

    assert message.problem is None
    assert message.override == [
        {
            "type": "x",
            "text": '🔴 api / build-and-deploy failed on a"&lt;b&gt; by Al"ice &amp; &lt;b&gt;',
            "list": ['a"&lt;b&gt;'],
        }
    ]
    assert render(event, markup="html", service="email", folders=(tmp_path,)).override is None


def test_a_blocks_file_is_found_beside_the_configuration(tmp_path: Path) -> None:
    folder = tmp_path / "messages"
    folder.mkdir()
    (folder / "mine.json.j2").write_text('["{{ branch }}"]')
    (tmp_path / "outside.json.j2").write_text('["{{ branch }}"]')
    spec = Spec(services={"slack": Spec(blocks_file="messages/mine.json.j2")})
    outside = Spec(services={"slack": Spec(blocks_file="outside.json.j2")})

    found = render(service="slack", folders=(folder,), templates={"standard": spec})
    refused = render(service="slack", folders=(folder,), templates={"standard": outside})

    assert found.override == ["main"]
    assert str(refused.problem).endswith("there is no template file outside.json.j2")


def test_an_override_that_is_not_json_leaves_the_message(tmp_path: Path) -> None:
    (tmp_path / "standard.slack.json.j2").write_text("[{{ branch }}]")

    message = render(service="slack", folders=(tmp_path,))

    assert message.override is None
    assert message.title == "🔴 api / build-and-deploy failed on main"
    assert str(message.problem).startswith("the template did not give JSON: ")


# templates that fail


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("{{ build.parameters.nothing }}", "'dict object' has no attribute 'nothing'"),
        ("{% if %}", "Expected an expression, got 'end of statement block'"),
        ("{% for a in range(1000) %}{% for b in range(1000) %}x{% endfor %}{% endfor %}",
         "the template puts out more than 65,536 characters"),
        ("{{ brnch }}", "'brnch' is undefined"),
    ],
)  # fmt: skip
def test_a_template_that_fails_still_gives_a_message(body: str, problem: str) -> None:
    message = render(make_event(branch="<b>"), markup="slack", templates={"standard": Spec(body=body)})

    assert message.title == "🔴 api / build-and-deploy failed on &lt;b&gt;"
    assert message.problem == f"The template standard could not be used: {problem}"
    assert message.buttons == (Button(text="Open in CircleCI", url=str(make_event().url)),)
    assert message.url == make_event().url


def test_a_template_that_is_gone_still_gives_a_message() -> None:
    message = render(*make_group(Change.BROKE, Change.FIXED), template="gone")

    assert message.title == "🔴 2 results for api pipeline #7812: 1 broke, 1 fixed"
    assert message.problem == "The template gone could not be used: there is no template gone"


def test_a_file_that_is_no_text_still_gives_a_message(tmp_path: Path) -> None:
    (tmp_path / "standard.j2").write_bytes(b"\xff\xfe")

    assert "standard.j2 cannot be read" in str(render(folders=(tmp_path,)).problem)
    assert "standard.j2 cannot be read" in Renderer((tmp_path,)).problems()[0]


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "standard.j2\0"])
def test_the_name_of_a_template_cannot_leave_the_folder(name: str, tmp_path: Path) -> None:
    (tmp_path / "secret.j2").write_text("{% block title %}secret{% endblock %}")
    folder = tmp_path / "messages"
    folder.mkdir()

    assert render(folders=(folder,), template=name).title == "🔴 api / build-and-deploy failed on main"


# checks


def test_the_shipped_templates_have_no_problem() -> None:
    assert Renderer((shipped_messages(),)).problems() == ()


def test_problems_are_told_with_their_place(tmp_path: Path) -> None:
    (tmp_path / "mine.j2").write_text("{% block title %}{{ brnch }}{% endblock %}")
    specs: dict[str, Any] = {"short": Spec(facts={"A": "{{ nmber }}"})}

    assert Renderer((tmp_path,), specs).problems() == (
        "short.facts.A: `nmber` is not a field, did you mean number?",
        "mine.j2: `brnch` is not a field, did you mean branch?",
    )


def test_every_word_that_templates_may_use_is_there(tmp_path: Path) -> None:
    checks = "".join(f"{{% if {word} is undefined %}}{word} {{% endif %}}" for word in sorted(WORDS))
    (tmp_path / "standard.j2").write_text(f"{{% block body %}}{checks}{{% endblock %}}")

    assert render(folders=(tmp_path,)).body == ""


def test_times_are_shown_in_the_configured_timezone() -> None:
    spec = Spec(body="{{ finished_at | time('%H:%M') }} {{ (now | ago) }} {{ finished_at | ago }}")

    event = make_event(finished_at=NOON - 5 * MINUTE)

    assert render(event, templates={"standard": spec}).body == "12:55 0 s ago 5 min ago"


def test_a_renderer_compiles_a_template_once() -> None:
    renderer = Renderer((shipped_messages(),))
    arguments = ("slack", "slack", "standard", (make_event(),), REASON, NOON, PARIS)
    renderer.render(*arguments)
    start = time.process_time()

    for _ in range(100):
        renderer.render(*arguments)

    assert (time.process_time() - start) / 100 < 0.002


def test_the_parts_of_a_group_may_be_worded_too() -> None:
    spec = Spec(
        summary="{{ count }} for {{ group_what }}", line="* {{ what }}", footer="by {{ reason.route }}"
    )

    message = render(*make_group(Change.BROKE, Change.BROKE), templates={"standard": spec})

    assert (message.title, message.body, message.footer) == (
        "2 for api pipeline #7812",
        "* api / flow-0\n* api / flow-1",
        "by trunk-broke",
    )


# accounts

SINCE = NOON.astimezone(PARIS) - 4 * HOUR
DIGEST = Reason(route="trunk", change=Change.BROKE, digest=True, since=SINCE, until=NOON)


def tell(*events: Event, reason: Reason = DIGEST, now: datetime = NOON, **options: Any) -> Message:
    renderer = Renderer((shipped_messages(),), options.get("templates"))
    return renderer.render(
        "plain",
        "console",
        "standard",
        (),
        reason,
        now,
        PARIS,
        account=account_about(events),
        limit=options.get("limit", BODY_LIMIT),
    )


def on(branch: str, change: Change, **overrides: Any) -> Event:
    is_bad = change in (Change.BROKE, Change.STILL_FAILING)
    status = Status.FAILED if is_bad else Status.SUCCESS
    id = overrides.pop("id", f"{branch} {change}")
    return make_event(id=id, branch=branch, change=change, status=status, url=None, **overrides)


def test_a_digest_tells_each_branch_by_its_counts_the_worst_first() -> None:
    message = tell(
        on("topic", Change.STILL_PASSING, id="e1"),
        on("topic", Change.STILL_PASSING, id="e2"),
        on("main", Change.BROKE),
        on("main", Change.FIXED),
    )

    assert message.title == "🔴 4 results since 09:00: 1 broke, 1 fixed, 2 passing"
    assert message.body == "🔴 api on main: 1 broke, 1 fixed\n🟢 api on topic: 2 passing"
    assert (message.facts, message.level) == ((), Level.BAD)
    assert message.fallback == "4 results since 09:00: 1 broke, 1 fixed, 2 passing"


def test_a_digest_of_one_result_is_a_digest() -> None:
    message = tell(on("main", Change.FIXED))

    assert (message.title, message.body) == ("🟢 1 result since 09:00: 1 fixed", "🟢 api on main: 1 fixed")


def test_a_digest_of_branches_beyond_count_says_how_many_more() -> None:
    events = [on(f"topic-{number:02}", Change.STILL_PASSING) for number in range(90)]

    lines = tell(*events).body.splitlines()

    assert (len(lines), lines[0], lines[-1]) == (51, "🟢 api on topic-89: 1 passing", "… and 40 more")


def test_a_digest_keeps_to_the_room_there_is() -> None:
    events = [on(f"topic-{number:02}", Change.STILL_PASSING) for number in range(20)]

    body = tell(*events, limit=100).body

    assert body == ("🟢 api on topic-19: 1 passing\n🟢 api on topic-18: 1 passing\n… and 18 more")


def test_what_the_relay_said_itself_is_told_in_its_words() -> None:
    def said(id: str, text: str) -> Event:
        return make_event(id=id, kind=EventKind.RELAY, url=None, notes={"text": text, "level": "bad"})

    message = tell(said("e1", "hook-1 is silent"), said("e2", "hook-2 is silent"))

    assert message.body == "🔴 relay: hook-2 is silent, and 1 more"


@pytest.mark.parametrize(
    ("since", "text"),
    [
        (SINCE, "09:00"),
        (SINCE - 24 * HOUR, "Sun 09:00"),
        (SINCE - 6 * 24 * HOUR, "Tue 09:00"),
        (SINCE - 7 * 24 * HOUR, "2026-11-16 09:00"),
    ],
)
def test_a_digest_says_since_when_as_people_do(since: datetime, text: str) -> None:
    message = tell(on("main", Change.FIXED), reason=replace(DIGEST, since=since))

    assert message.title == f"🟢 1 result since {text}: 1 fixed"


def test_a_used_up_budget_is_said_in_the_text() -> None:
    reason = replace(DIGEST, budget="20 messages in 1 h")

    message = tell(on("main", Change.BROKE), on("main", Change.STILL_FAILING), reason=reason)

    assert message.body == (
        "budget of 20 messages in 1 h used up; 2 more since 09:00\n🔴 api on main: 1 broke, 1 still failing"
    )


def test_a_template_can_tell_a_digest() -> None:
    spec = Spec(
        summary="{{ reason.digest }} {{ reason.since | time }} {{ reason.until | time }}", line="{{ place }}!"
    )

    message = tell(on("main", Change.FIXED), templates={"standard": spec})

    assert (message.title, message.body) == ("True 2026-11-23 09:00 2026-11-23 13:00", "api on main!")


def test_a_digest_whose_template_fails_is_told_all_the_same() -> None:
    spec = Spec(summary="{{ 1 / 0 }}")

    message = tell(on("main", Change.FIXED), templates={"standard": spec})

    assert message.title == "🟢 1 result since 09:00: 1 fixed"
    assert (message.problem or "").startswith("The template standard could not be used: ")
