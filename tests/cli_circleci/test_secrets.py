"""Secrets go in through the environment, a pipe or a prompt, and never come out."""

import json
from pathlib import Path

import pytest

from tests.cli_circleci.conftest import Relay
from tests.cli_circleci.test_calls import CALLS, KEY
from tests.fakes.circleci_server import PERSONAL, CircleCIServer, lost, says
from tests.fakes.circleci_world import FakeProject, Json

SECRET = "hunter2hunter2hunter2"
HOOK = "https://relay.example/hooks/circleci"
CONFIGURED = f"""
version: 1
server: {{ public_url: "https://relay.example" }}
circleci: {{ hooks: {{ secrets: ["{SECRET}"] }} }}
notifiers: {{ console: {{ type: console }} }}
routes: [{{ notify: [console] }}]
"""


def only(server: CircleCIServer) -> Json:
    (webhook,) = server.world.webhooks.values()
    return webhook


def test_a_webhook_is_made_and_what_to_configure_is_said(
    relay: Relay, server: CircleCIServer, project: FakeProject
) -> None:
    words = ("--url", HOOK, "--event", "workflow-completed", "--secret-env", "HOOK")

    result = relay("webhook", "create", "acme/api", *words, HOOK=SECRET)

    made = only(server)
    assert result.stdout == f"made webhook {made['id']}: workflow-completed to {HOOK}\n"
    assert result.stderr == (
        "the relay needs the same secret; in relay.yaml:\n"
        "\n"
        "  circleci:\n"
        "    hooks:\n"
        '      secrets: ["${HOOK}"]\n'
    )
    assert (made["signing-secret"], made["events"], made["verify-tls"]) == (
        SECRET,
        ["workflow-completed"],
        True,
    )
    assert made["scope"] == {"id": project.id, "type": "project"}


def test_a_webhook_is_made_from_the_configuration_alone(
    relay: Relay, server: CircleCIServer, project: FakeProject, folder: Path
) -> None:
    (folder / "relay.yaml").write_text(CONFIGURED)

    result = relay("webhook", "create", "acme/api")

    made = only(server)
    assert (made["url"], made["signing-secret"]) == (HOOK, SECRET)
    assert result.stderr == "its secret is among circleci.hooks.secrets in relay.yaml\n"
    assert SECRET not in result.output


def test_the_usual_variable_is_read_when_none_is_named(
    relay: Relay, server: CircleCIServer, project: FakeProject
) -> None:
    relay("webhook", "create", "acme/api", "--url", HOOK, CIRCLECI_WEBHOOK_SECRET=SECRET)

    assert only(server)["signing-secret"] == SECRET


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--url", "http://relay.example"),
            "CircleCI sends webhooks to addresses that begin with https:// only",
        ),
        ((), "say where to send them with --url https://your.host/hooks/circleci"),
        (
            ("--url", HOOK, "--secret-env", "NOWHERE"),
            "--secret-env: the environment has no variable NOWHERE, or it is empty",
        ),
        (("--url", HOOK), "no signing secret came; name a variable with --secret-env, or pipe it in"),
    ],
)
def test_a_webhook_that_cannot_be_made_is_a_usage_error(
    relay: Relay, server: CircleCIServer, words: tuple[str, ...], said: str
) -> None:
    result = relay("webhook", "create", "acme/api", *words)

    assert (result.exit_code, result.stderr) == (2, f"{said}\n")
    assert server.requests == []


def test_a_lost_answer_says_how_to_look_for_the_webhook(
    relay: Relay, server: CircleCIServer, project: FakeProject
) -> None:
    server.script("POST", "/webhook$", lost())

    result = relay("webhook", "create", "acme/api", "--url", HOOK, piped=SECRET)

    assert result.exit_code == 1
    assert result.stderr.endswith(f"`relay circleci webhook list {project.id}` shows what came of it\n")
    assert relay("webhook", "list", project.id).stdout.count(HOOK) == 1


def test_a_webhook_changes_only_in_what_is_given(
    relay: Relay, server: CircleCIServer, project: FakeProject
) -> None:
    relay("webhook", "create", "acme/api", "--url", HOOK, piped=SECRET)
    made = only(server)["id"]

    result = relay("webhook", "update", made, "--no-verify-tls", "--name", "other")
    nothing = relay("webhook", "update", made)

    assert server.asked("PUT")[0].json == {"name": "other", "verify-tls": False}
    assert "name        other\n" in result.stdout
    assert "checks TLS  no\n" in result.stdout
    assert nothing.exit_code == 2


def test_a_webhook_is_deleted_by_its_id(relay: Relay, server: CircleCIServer, project: FakeProject) -> None:
    relay("webhook", "create", "acme/api", "--url", HOOK, piped=SECRET)
    made = only(server)["id"]

    result = relay("webhook", "delete", made)

    assert result.stdout == f"deleted webhook {made}: Webhook deleted.\n"
    assert server.world.webhooks == {}


def test_tokens_in_addresses_of_webhooks_are_not_told(
    relay: Relay, server: CircleCIServer, project: FakeProject
) -> None:
    address = f"https://user:{SECRET}@relay.example/hooks/circleci/0123456789abcdef?key={SECRET}"
    relay("webhook", "create", "acme/api", "--url", address, piped=SECRET)

    result = relay("webhook", "list", "acme/api")

    assert "https://relay.example/hooks/circleci/***?***  " in result.stdout
    assert SECRET not in result.output


def test_a_signing_secret_is_masked_even_where_circleci_forgets_to(
    relay: Relay, server: CircleCIServer
) -> None:
    server.script("GET", "/webhook/w$", says(200, {"id": "w", "signing-secret": SECRET}))

    result = relay("webhook", "show", "w", "--json")

    assert json.loads(result.stdout) == {"id": "w", "signing-secret": "****"}


@pytest.mark.parametrize("words", [("--value-env", "VALUE"), ()], ids=["environment", "pipe"])
def test_the_value_of_a_variable_is_not_on_the_command_line(
    relay: Relay, project: FakeProject, words: tuple[str, ...]
) -> None:
    result = relay("envvar", "add", "NAME", "-p", "acme/api", *words, piped=f"{SECRET}\n", VALUE=SECRET)

    assert project.envvars == {"NAME": SECRET}
    assert result.output == "set NAME of gh/acme/api\n"


@pytest.mark.parametrize("from_file", [True, False], ids=["file", "pipe"])
def test_a_private_key_is_read_and_never_shown(
    relay: Relay, project: FakeProject, folder: Path, from_file: bool
) -> None:
    (folder / "key").write_text(f"{KEY}\n")
    words = ("--key-file", "key") if from_file else ()

    result = relay("ssh-key", "add", "host.example", "-p", "acme/api", *words, piped=KEY)

    assert [each["private_key"].strip() for each in project.ssh_keys] == [KEY]
    assert result.output == "builds of gh/acme/api can reach host.example\n"


def test_a_key_file_that_is_not_there_is_a_usage_error(relay: Relay, server: CircleCIServer) -> None:
    result = relay("ssh-key", "add", "host.example", "-p", "acme/api", "--key-file", "key")

    assert (result.exit_code, result.stderr) == (2, "key cannot be read: No such file or directory\n")
    assert server.requests == []


def test_a_heroku_key_comes_from_a_variable(relay: Relay, server: CircleCIServer) -> None:
    result = relay("add-heroku-key", "--key-env", "KEY", KEY=SECRET)

    assert server.world.heroku_keys == [SECRET]
    assert result.output == "CircleCI has your Heroku key\n"


def test_secrets_in_settings_are_told_only_when_asked_for(relay: Relay, project: FakeProject) -> None:
    masked, whole = [relay("settings", "acme/api", "--json", *more) for more in ((), ("--secrets",))]

    assert json.loads(masked.stdout) == {"slack_webhook_url": "***", "oss": False}
    assert json.loads(whole.stdout)["slack_webhook_url"] == "https://chat.example/secret-of-the-project"


def test_secrets_of_followed_projects_are_masked(relay: Relay, project: FakeProject) -> None:
    assert "secret-of-the-project" not in relay("projects", "--json").output


@pytest.mark.parametrize("form", ["header", "query"])
def test_the_token_is_in_no_output_of_any_command(relay: Relay, server: CircleCIServer, form: str) -> None:
    server.world.add_project("gh/acme/api")
    server.script("GET", "", says(500, {"message": f"you sent {PERSONAL}"}, Retry_After="3600"), times=500)

    told = [relay(*words.split(), "--auth", form, piped=KEY).output for words, _ in CALLS]

    assert [text for text in told if PERSONAL in text] == []


def test_a_token_that_circleci_says_back_is_masked(relay: Relay, server: CircleCIServer) -> None:
    server.script("GET", "/me$", says(200, {"login": f"<{PERSONAL}>"}), times=2)

    assert relay("me").stdout == "login  <***>\n"
    assert json.loads(relay("me", "--json").stdout) == {"login": "<***>"}
