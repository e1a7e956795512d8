"""A good file becomes a Config."""

import os
from collections.abc import Mapping
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
from pydantic import ValidationError

from relay.config import Config, check, load, load_text
from relay.errors import ConfigError
from relay.routing import RouteSpec
from relay.secret import Secret
from tests.config.kinds import ACTIONS, ENVIRON, NOTIFIERS, Slack
from tests.factories import make_event

GOOD = Path(__file__).parents[1] / "fixtures" / "config" / "good"
EXAMPLE = Path(__file__).parents[2] / "config.example.yaml"
START = "version: 1\nnotifiers: {console: {type: console}, other: {type: console}}\n"


def loaded(text: str, environ: Mapping[str, str] = ENVIRON) -> Config:
    return load_text(text, "relay.yaml", NOTIFIERS, {}, environ)


def routes(text: str) -> tuple[RouteSpec, ...]:
    return loaded(START + text).routes


@pytest.fixture
def complete() -> Config:
    return load(GOOD / "complete.yaml", NOTIFIERS, {}, ENVIRON)


def test_the_smallest_file_loads() -> None:
    config = load(GOOD / "smallest.yaml", NOTIFIERS, {}, ENVIRON)

    assert config.routes == (
        RouteSpec(name="route-1", match={"change": ["broke", "fixed"]}, notify=("slack",)),
    )


def test_the_example_loads_without_any_environment_variable() -> None:
    config = load(EXAMPLE, NOTIFIERS, {}, {})

    assert config.warnings == ()
    assert config.circleci.hooks.secrets == ()
    assert config.store == Secret("sqlite:///relay.db")


def test_sections_hold_what_the_file_says(complete: Config) -> None:
    assert complete.server.public_url == "https://relay.example.com"
    assert complete.server.bind == "0.0.0.0:8080"
    assert complete.server.admin_password is None
    assert complete.server.insecure is False
    assert complete.circleci.token is None
    assert complete.circleci.hooks.secrets == (Secret("first-literal-secret"),)
    assert complete.circleci.hooks.url_tokens == ()
    assert complete.defaults.timezone == "Europe/Paris"
    assert complete.defaults.delivery.retries[-2:] == (1800.0, 7200.0)
    assert complete.defaults.delivery.give_up_after == 36 * 3600
    assert complete.defaults.state.key == ("project.slug", "branch", "workflow.name")
    assert complete.people["bob"].emails == ("bob@example.com",)
    assert complete.unmatched.notify == ("console",)


def test_wording_for_one_service_is_kept_apart(complete: Config) -> None:
    brief = complete.templates["brief"]

    assert brief.services["slack"].title == "{{ project.name }}"
    assert brief.services["slack"].blocks_file == "messages/brief.slack.json.j2"
    assert brief.body == "{{ commit.subject | truncate(120) }} by {{ author.name }}\nCosts ${nothing}.\n"


def test_notifiers_are_models_of_their_type(complete: Config) -> None:
    slack = complete.notifiers["team-slack"]

    assert isinstance(slack, Slack)
    assert slack.webhook.reveal() == ENVIRON["SLACK_WEBHOOK_URL"]


def test_routes_without_a_name_are_called_by_their_place(complete: Config) -> None:
    def names(specs: tuple[RouteSpec, ...]) -> list[str]:
        return [name for spec in specs for name in (spec.name, *names(spec.routes))]

    assert names(complete.routes) == [
        "everything",
        "trunk",
        "trunk-broke",
        "trunk/2",
        "trunk-slow",
        "trunk-slow/1",
        "route-3",
    ]


def test_a_name_by_place_never_takes_a_name_that_somebody_chose() -> None:
    found = routes(
        "routes: [{notify: console}, {name: route-1, notify: console}, {name: route-3, notify: []}]"
    )

    assert [route.name for route in found] == ["route-1'", "route-1", "route-3"]


def test_settings_hold_only_what_the_route_itself_says(complete: Config) -> None:
    trunk = complete.routes[1]

    assert trunk.settings == {"group": {"by": ["pipeline.id"], "wait": 20.0, "max_wait": 120.0}}
    assert complete.routes[0].settings == {"template": "standard"}
    assert [child.settings for child in trunk.routes] == [
        {"group": None},
        {},
        {"during": "office", "outside": "hold"},
    ]


def test_a_group_is_filled_up_with_its_defaults() -> None:
    (route,) = routes("routes: [{notify: console, group: {by: [branch]}}]")

    assert route.settings == {"group": {"by": ["branch"], "wait": 30.0}}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("daily", {"at": "09:00", "days": "mon-sun"}),
        ("weekly", {"at": "09:00", "days": "mon"}),
        ("{ at: '17:30', days: fri }", {"at": "17:30", "days": "fri"}),
        ("{ timezone: Asia/Tokyo }", {"at": "09:00", "days": "mon-sun", "timezone": "Asia/Tokyo"}),
        ("null", None),
    ],
)
def test_a_digest_is_a_word_or_a_time(written: str, meant: object) -> None:
    (route,) = routes(f"routes: [{{notify: console, digest: {written}}}]")

    assert route.settings == {"digest": meant}


def test_a_digest_drops_an_inherited_group() -> None:
    (route,) = routes(
        "routes: [{notify: console, group: {by: [branch]}, routes: [{digest: daily, match: {branch: x}}]}]"
    )

    assert route.routes[0].settings == {"digest": {"at": "09:00", "days": "mon-sun"}}


def test_notify_tells_inheriting_from_silence_and_adding(complete: Config) -> None:
    trunk = complete.routes[1]

    assert trunk.notify == ("team-slack", "ops-mail")
    assert [child.notify for child in trunk.routes] == [("+console",), (), None]


def test_conditions_are_ready_to_run(complete: Config) -> None:
    last = complete.routes[2]

    assert last.when is not None
    assert last.when(make_event()) is False
    assert last.when_text == "author.known and not author.bot"


def test_a_section_left_empty_is_as_good_as_none() -> None:
    assert loaded(START + "people:\ntemplates:\nroutes: [{notify: console}]").people == {}


def test_a_flag_and_a_list_may_come_from_the_environment() -> None:
    text = START + 'server: {insecure: "${X}"}\ncirculate: 1\nroutes: [{notify: "${Y}"}]'.replace(
        "circulate: 1\n", ""
    )

    config = loaded(text, {"X": "true", "Y": "console"})

    assert config.server.insecure is True
    assert config.routes[0].notify == ("console",)


def test_every_secret_of_the_file_and_its_environment_is_masked(complete: Config) -> None:
    said = complete.masker(f"posting to {ENVIRON['SLACK_WEBHOOK_URL']} signed with first-literal-secret")

    assert said == "posting to *** signed with ***"


def test_the_default_store_is_not_masked(complete: Config) -> None:
    assert complete.masker("opened sqlite:///relay.db") == "opened sqlite:///relay.db"


def test_a_store_from_the_environment_is_masked_with_its_password() -> None:
    text = START + 'store: "${DATABASE_URL}"\nroutes: [{notify: console}]'

    config = loaded(text, {"DATABASE_URL": "postgresql://relay:opensesame@db.example.com/relay"})

    assert config.masker("cannot log in with opensesame") == "cannot log in with ***"


def test_no_secret_shows_when_a_config_is_printed(complete: Config) -> None:
    shown = repr(complete)

    assert "s3cret" not in shown
    assert "first-literal" not in shown


def test_a_config_does_not_change(complete: Config) -> None:
    with pytest.raises(FrozenInstanceError):
        complete.source = "other.yaml"  # type: ignore[misc] # what the test is about
    with pytest.raises(ValidationError):
        complete.server.bind = "0.0.0.0:80"


def test_the_fingerprint_names_the_text() -> None:
    text = START + "routes: [{notify: console}]"

    assert [loaded(text).fingerprint, loaded(text + "\n").fingerprint] == ["4b2dfcc2", "16eaa56e"]


def test_unused_notifiers_and_templates_are_warned_about() -> None:
    config = loaded(START + "templates: {short: {title: x}}\nroutes: [{notify: console}]")

    assert [str(warning) for warning in config.warnings] == [
        "relay.yaml:2:39 notifiers.other: no route notifies it",
        "relay.yaml:3:13 templates.short: nothing uses this template",
    ]


def test_a_notifier_that_only_stands_in_for_another_is_used() -> None:
    text = START.replace("{type: console},", "{type: console, fallback: other},")

    assert loaded(text + "routes: [{notify: console}]").warnings == ()


def test_a_notifier_may_be_there_to_write_to_people() -> None:
    assert loaded(START + "routes: [{notify: [console, 'dm:author']}]").warnings == ()


WATCH = "watch: {nightly: {project: gh/acme/api, every: 6h}}\n"


def test_a_watch_whose_alarm_no_route_asks_for_is_warned_about() -> None:
    config = loaded(START + WATCH + "routes: [{match: {branch: '*'}, notify: [console, other]}]")

    assert [str(warning) for warning in config.warnings] == [
        "relay.yaml:3:9 watch.nightly: nobody hears of its alarms; add a route with match: { event: relay }"
    ]


@pytest.mark.parametrize("match", ["{event: relay}", "{event: [job, 're*']}", "{any: [{event: relay}]}"])
def test_a_watch_whose_alarm_a_route_asks_for_is_fine(match: str) -> None:
    written = f"routes: [{{notify: [console, other], routes: [{{match: {match}}}]}}]"

    assert loaded(START + WATCH + written).warnings == ()


def test_what_stays_empty_without_a_token_is_warned_about() -> None:
    config = load_text(
        START.replace("other: ", "unused: ")
        + "actions: {again: {type: again}}\n"
        + "templates: {standard: {title: x, body: '{{ failed_tests | length }}'}}\n"
        + "routes:\n"
        + "  - {match: {failed_jobs.name: e2e}, when: 'log', notify: [console, unused], act: again}\n",
        "relay.yaml",
        NOTIFIERS,
        ACTIONS,
        {},
    )

    assert [str(warning) for warning in config.warnings] == [
        "relay.yaml:3:11 actions.again: asks CircleCI, and there is no circleci.token",
        "relay.yaml:6:13 routes[0].match: needs failed_jobs from CircleCI, and there is no circleci.token",
        "relay.yaml:6:44 routes[0].when: needs log from CircleCI, and there is no circleci.token",
        "relay.yaml:4:13 templates.standard: needs failed_tests from CircleCI, and there is no"
        " circleci.token",
    ]


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "relay.yaml"

    with pytest.raises(ConfigError) as caught:
        load(path, NOTIFIERS, {}, {})

    assert str(caught.value) == (
        f"{path}:1:1 no such file; begin with config.example.yaml, name another with --config,"
        " or run `relay demo` to see the relay at work without one"
    )


def test_a_folder_is_no_configuration(tmp_path: Path) -> None:
    assert [fault.problem for fault in check(tmp_path, NOTIFIERS, {}, {})] == [
        "cannot be read: Is a directory"
    ]


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "relay.yaml"
    path.write_bytes("version: 1 # für alle".encode("latin-1"))

    assert [fault.problem for fault in check(path, NOTIFIERS, {}, {})] == [
        "is not UTF-8 text; save it as UTF-8"
    ]


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "relay.yaml"
    path.write_text("# " + "é" * (1024 * 1024), encoding="utf-8")

    assert [fault.problem for fault in check(path, NOTIFIERS, {}, {})] == ["the file is larger than 1024 KiB"]


def test_checking_a_good_file_finds_nothing() -> None:
    assert check(GOOD / "complete.yaml", NOTIFIERS, {}, ENVIRON) == ()


def test_without_an_environment_given_the_process_has_one() -> None:
    name = next(name for name, value in os.environ.items() if name.isidentifier() and value.strip())
    text = START + f'server: {{admin_password: "${{{name}}}"}}\nroutes: [{{notify: console}}]'

    config = load_text(text, "relay.yaml", NOTIFIERS, {})

    assert config.server.admin_password == Secret(os.environ[name])


def test_a_thousand_routes_load_in_a_moment() -> None:
    text = (
        START
        + "routes:\n"
        + "".join(
            f"  - match: {{ project.slug: gh/acme/p{n}, change: broke }}\n    notify: console\n"
            for n in range(1000)
        )
    )

    assert len(loaded(text).routes) == 1000


def test_a_policy_without_a_token_or_an_action_is_worth_a_warning() -> None:
    text = (
        "version: 1\nnotifiers: {console: {type: console}}\nroutes: [{notify: console}]\nretry: {mode: on}\n"
    )

    config = load_text(text, "relay.yaml", NOTIFIERS, ACTIONS, {})

    assert [(each.path, each.problem.partition(";")[0]) for each in config.warnings] == [
        ("retry", "needs the logs of failed steps from CircleCI, and there is no circleci.token"),
        ("retry.mode", "nothing carries it out"),
    ]
