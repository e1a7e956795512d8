"""`relay explain --payload` and `relay send-test`, for every type of notifier and a server of its kind."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from relay import notifiers
from relay.cli.sending import OF_RESULTS
from tests.cli.desk import Desk
from tests.factories import classic
from tests.fakes.mail import MailServer
from tests.fakes.sink import Sink
from tests.notifiers.contract import contracts_of
from tests.notifiers.contract.contract import SECRET, Contract

TYPES = sorted(notifiers.types())
# A build that every notifier has something to say about.
HOOK = classic(
    outcome="failed",
    status="failed",
    pull_requests=[{"head_sha": "0" * 40, "url": "https://github.com/acme/api/pull/7"}],
)
# A test message is no result of any commit, so these have nothing to send.
NOTHING_TO_SEND = {
    "github_comment": f"place: nothing was sent: no pull request: nothing to comment on\n{OF_RESULTS}\n",
    "github_status": (
        "place: not delivered: relay is not a project on github.com\ncheck the notifier's settings\n"
    ),
    "pagerduty": f"place: nothing was sent: nothing to page about: unknown\n{OF_RESULTS}\n",
}

Taken = Callable[[], Sequence[Any]]


@contextmanager
def answering(contract: Contract) -> Iterator[tuple[Mapping[str, Any], Taken]]:
    """The options of a notifier whose service answers as it does when all is well, and what it was sent."""
    if contract.over == "mail":
        with MailServer(login=("ci", SECRET)) as server:
            url = f"smtp://ci:{SECRET}@127.0.0.1:{server.port}"
            yield contract.options(url), lambda: server.mails
    else:
        with Sink(default=contract.answer) as sink:
            yield contract.options(sink.url), lambda: sink.requests


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.chdir(tmp_path)
    return Desk(folder=tmp_path)


def configure(desk: Desk, kind: str, options: Mapping[str, Any]) -> None:
    config = {
        "version": 1,
        "notifiers": {"place": {"type": kind, **options}},
        "routes": [{"notify": "place"}],
    }
    desk.write(yaml.safe_dump(config))


@pytest.mark.parametrize("kind", TYPES)
def test_explain_prints_what_would_be_sent_and_sends_nothing(desk: Desk, kind: str) -> None:
    contract = contracts_of(kind)[0]
    with answering(contract) as (options, taken):
        configure(desk, kind, options)

        result = desk.run("explain", desk.save("event.json", HOOK), "--payload", "place")

        assert "on main" in result.output
        assert result.exit_code == 0
        assert not taken()
        assert SECRET not in result.output


@pytest.mark.parametrize("kind", [kind for kind in TYPES if kind not in (*NOTHING_TO_SEND, "console")])
def test_a_test_message_arrives(desk: Desk, kind: str) -> None:
    with answering(contracts_of(kind)[0]) as (options, taken):
        configure(desk, kind, options)

        result = desk.run("send-test", "place")

        assert result.output.startswith("place: delivered\n")
        assert result.exit_code == 0
        assert len(taken()) == 1


def test_a_test_message_is_printed(desk: Desk) -> None:
    configure(desk, "console", {})

    result = desk.run("send-test", "place")

    assert result.output.startswith("⚪ relay test message: notifier place works\n")
    assert result.output.endswith("place: delivered\n")


@pytest.mark.parametrize("kind", NOTHING_TO_SEND)
def test_a_notifier_of_results_says_why_it_sends_no_test_message(desk: Desk, kind: str) -> None:
    with answering(contracts_of(kind)[0]) as (options, taken):
        configure(desk, kind, options)

        result = desk.run("send-test", "place")

        assert (result.exit_code, result.output) == (1, NOTHING_TO_SEND[kind])
        assert not taken()
