"""Where the token and the address come from, and to whom the token goes."""

from pathlib import Path

import pytest

from tests.cli_circleci.conftest import Relay
from tests.fakes.circleci_server import PERSONAL, CircleCIServer

CONFIGURED = """
version: 1
circleci: {{ url: "{url}", token: "{token}" }}
notifiers: {{ console: {{ type: console }} }}
routes: [{{ notify: [console] }}]
"""


@pytest.fixture
def configured(folder: Path, server: CircleCIServer) -> Path:
    """A relay.yaml in the current folder that has an address and a token."""
    file = folder / "relay.yaml"
    file.write_text(CONFIGURED.format(url=server.url, token=PERSONAL))
    return file


@pytest.mark.parametrize("form", ["header", "bearer", "basic", "query"])
def test_the_token_is_sent_in_the_form_asked_for(relay: Relay, server: CircleCIServer, form: str) -> None:
    result = relay("me", "--auth", form)

    asked = server.requests[0]
    forms = {
        "header": "Circle-Token" in asked.headers,
        "bearer": asked.headers.get("Authorization", "").startswith("Bearer "),
        "basic": asked.headers.get("Authorization", "").startswith("Basic "),
        "query": "circle-token=" in asked.path,
    }
    assert result.exit_code == 0
    assert asked.token == PERSONAL
    assert [name for name, used in forms.items() if used] == [form]


def test_address_and_token_are_read_from_the_configuration(
    relay: Relay, server: CircleCIServer, configured: Path
) -> None:
    result = relay("me", token=None, CIRCLECI_URL="")

    assert (result.exit_code, result.stderr) == (0, "")
    assert server.requests[0].token == PERSONAL


def test_the_environment_goes_before_the_configuration(
    relay: Relay, server: CircleCIServer, configured: Path
) -> None:
    server.tokens["another-token"] = True

    relay("me", token=" another-token\n")

    assert server.requests[0].token == "another-token"


def test_the_configured_token_goes_to_the_configured_address_only(
    relay: Relay, server: CircleCIServer, configured: Path
) -> None:
    with CircleCIServer() as other:
        result = relay("me", "--url", other.url, token=None)

        assert result.exit_code == 1
        assert [request.token for request in other.requests] == [None]
        assert result.stderr.startswith(
            f"warning: the token of relay.yaml is for {server.url} and not sent elsewhere; "
            "set CIRCLECI_TOKEN\n"
        )


def test_a_broken_configuration_that_nobody_named_is_a_warning(relay: Relay, folder: Path) -> None:
    (folder / "relay.yaml").write_text("nonsense: [")

    result = relay("me")

    assert (result.exit_code, result.stderr) == (
        0,
        "warning: relay.yaml has faults and is not used; `relay check` names them\n",
    )


@pytest.mark.parametrize("content", ["nonsense: [", None], ids=["broken", "missing"])
def test_a_configuration_that_was_named_must_be_sound(
    relay: Relay, server: CircleCIServer, folder: Path, content: str | None
) -> None:
    if content:
        (folder / "own.yaml").write_text(content)

    result = relay("me", RELAY_CONFIG="own.yaml")

    assert result.exit_code == 2
    assert result.stderr.startswith("own.yaml:")
    assert server.requests == []


def test_an_address_with_a_path_of_the_api_will_do(relay: Relay, server: CircleCIServer) -> None:
    assert relay("me", "--url", f"{server.url}/api/v1.1/").exit_code == 0
