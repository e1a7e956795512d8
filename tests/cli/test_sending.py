"""`relay send-test`: through the real renderer and notifier, to a real service."""

import pytest

from tests.cli.desk import Desk
from tests.fakes.sink import Play, Sink


def test_the_message_arrives_and_says_that_it_is_a_test(desk: Desk, sink: Sink) -> None:
    result = desk.run("send-test", "audit-log")

    message = sink.requests[0].json()["data"]["message"]
    assert message["title"].startswith("⚪ relay test message: notifier ")
    assert result.output == "audit-log: delivered\nit answered: ok\n"
    assert result.exit_code == 0


def test_the_ledger_is_not_touched(desk: Desk) -> None:
    desk.run("send-test", "audit-log")

    assert not desk.database.exists()


@pytest.mark.parametrize(
    ("play", "said"),
    [
        pytest.param(
            Play(status=404, body=b"no hook"),
            "audit-log: not delivered: HTTP 404: no such address\n"
            "check the notifier's address; it may have been removed\nit answered: no hook\n",
            id="404",
        ),
        pytest.param(
            Play(status=503, body=b""),
            "audit-log: not delivered: HTTP 503: the other side failed\n"
            "the service has trouble; a real message would be tried again\n",
            id="503",
        ),
        pytest.param(
            Play(status=418, body=b""),
            "audit-log: not delivered: HTTP 418: refused\ncheck the notifier's settings\n",
            id="418",
        ),
    ],
)
def test_a_refusal_is_told_with_a_remedy(desk: Desk, sink: Sink, play: Play, said: str) -> None:
    sink.plays.append(play)

    result = desk.run("send-test", "audit-log")

    assert result.output == said
    assert result.exit_code == 1


def test_a_server_that_is_not_there_is_told_with_a_remedy(desk: Desk) -> None:
    result = desk.run("send-test", "ops-mail")

    assert result.output == (
        "ops-mail: not delivered: smtp://127.0.0.1:1: Connection refused\n"
        "check the address, and that this machine can reach it\n"
    )
    assert result.exit_code == 1


def test_an_answer_that_repeats_a_secret_is_masked(desk: Desk, sink: Sink) -> None:
    sink.plays.append(Play(status=403, body=b"bad token xoxb-0123456789\x1b[2J"))

    result = desk.run("send-test", "audit-log")

    assert "it answered: bad token ***" in result.output
    assert "\x1b" not in result.output


def test_the_answer_for_scripts(desk: Desk, sink: Sink) -> None:
    sink.plays.append(Play(status=410, body=b"gone"))

    record = desk.json("send-test", "audit-log")

    assert record == {
        "notifier": "audit-log",
        "delivered": False,
        "title": record["title"],
        "status": 410,
        "answer": "gone",
        "error": "HTTP 410: gone for good",
        "remedy": "the address is gone for good; make a new one",
    }


def test_what_a_console_prints_stays_out_of_the_json(desk: Desk) -> None:
    desk.write("version: 1\nnotifiers: { console: { type: console } }\nroutes: [{ notify: console }]\n")

    assert desk.json("send-test", "console")["delivered"] is True


def test_a_broken_template_is_told_although_the_message_arrived(desk: Desk) -> None:
    folder = desk.folder / "messages"
    folder.mkdir()
    (folder / "standard.j2").write_text("{% block title %}{{ brnch }}{% endblock %}")

    result = desk.run("send-test", "audit-log")

    assert result.output.startswith("audit-log: delivered without its template: The template standard")
    assert result.exit_code == 0


def test_a_misspelt_notifier_is_suggested(desk: Desk) -> None:
    result = desk.run("send-test", "ops-mial")

    assert result.output == "no notifier is called ops-mial, did you mean ops-mail?\n"
    assert result.exit_code == 2


def test_a_notifier_in_shadow_is_not_said_to_work(desk: Desk, sink: Sink) -> None:
    config = (desk.folder / "relay.yaml").read_text()
    desk.write(config.replace("  audit-log: {", "  audit-log: { shadow: true,"))

    result = desk.run("send-test", "audit-log")

    assert result.output == (
        "audit-log: not delivered: nothing was sent, the notifier is in shadow\n"
        "take `shadow` out of its settings to try it\n"
    )
    assert result.exit_code == 1
    assert sink.requests == []
