"""Apprise, the real library, against a real server."""

import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from relay.errors import DeliveryError
from relay.model import Answer, Level, Message
from relay.notifiers.apprise import BODY, MISSING, TITLE, Apprise
from relay.people import PersonSpec
from relay.transport import Transport
from tests.fakes.sink import Play, Sink
from tests.notifiers.factories import make_broken, make_message, make_outgoing

PASSWORD = "pa55-s3cret"
PATH = "token-s3cret-in-the-path"


def make(*sinks: Sink, **more: Any) -> Apprise:
    urls = [f"json://relay:{PASSWORD}@127.0.0.1:{sink.port}/{PATH}" for sink in sinks]
    return Apprise.model_validate({"url": urls, **more})


def send(apprise: Apprise, transport: Transport, **more: Any) -> Answer:
    return apprise.send(make_message(apprise), make_outgoing(**more), transport)


def refused(apprise: Apprise, transport: Transport) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        send(apprise, transport)
    return caught.value


def run_without_apprise(code: str) -> str:
    """What a fresh Python prints in which the library cannot be found."""
    blocked = f"import sys; sys.modules['apprise'] = None\n{code}"
    done = subprocess.run([sys.executable, "-c", blocked], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_message_in_full(transport: Transport) -> None:
    event = make_broken()
    with Sink() as sink:
        answer = send(make(sink), transport, mentions=(PersonSpec(key="alice"),))

    assert answer == Answer()
    assert sink.requests[0].json() == {
        "version": "1.0",
        "title": "🔴 api / build-and-deploy broke on main",
        "message": (
            f"Fix <\u200b!channel> & login ({event.commit.url}) by Alice Archer\n- Run tests exit code 2\n\n"
            "Pipeline: #7812\nTook: 4 min 12 s\nCommit: a1b2c3d\n\n"
            f"Open in CircleCI: {event.url}\nCommit: {event.commit.url}\n\n"
            "For alice\n\n"
            f"route trunk-broke · event {event.id} (https://relay.example.com/events/{event.id})"
        ),
        "attachments": [],
        "type": "failure",
    }


@pytest.mark.parametrize(
    ("level", "kind"), [("good", "success"), ("bad", "failure"), ("warning", "warning"), ("info", "info")]
)
def test_each_level_has_its_kind(level: str, kind: str) -> None:
    made = Apprise.model_validate({"url": "json://example.com"})

    payload = made.payload(Message(title="t", level=Level(level)), make_outgoing())

    assert payload["notify_type"] == kind


def test_the_text_is_always_sent_as_plain_text() -> None:
    made = Apprise.model_validate({"url": "json://example.com"})

    assert made.payload(make_message(made), make_outgoing())["body_format"] == "text"


@pytest.mark.parametrize(
    ("hostile", "sent"),
    [
        ("@channel @**all** @here", "@\u200bchannel @\u200b**all** @\u200bhere"),
        ("<!channel> <@U1> <users/all>", "<\u200b!channel> <\u200b@\u200bU1> <\u200busers/all>"),
        ("[x](http://evil.example.com)", "[x]\u200b(http://evil.example.com)"),
        ("alice@example.com 1 < 2", "alice@example.com 1 < 2"),
    ],
)
def test_what_might_ping_or_link_somewhere_is_broken(transport: Transport, hostile: str, sent: str) -> None:
    with Sink() as sink:
        made = Apprise.model_validate({"url": f"mmost://127.0.0.1:{sink.port}/{'a' * 24}"})
        made.send(Message(title="t", body=hostile), make_outgoing(), transport)

    assert sent in sink.requests[0].json()["text"]


def test_long_texts_are_cut() -> None:
    made = Apprise.model_validate({"url": "json://example.com"})

    payload = made.payload(Message(title="t" * 10_000, body="b" * 10_000), make_outgoing())

    assert (len(payload["title"]), len(payload["body"])) == (TITLE, BODY)


@pytest.mark.parametrize(
    ("status", "permanent", "dead"),
    [(401, True, True), (403, True, True), (404, True, True), (429, False, False), (500, False, False)],
)
def test_what_the_log_says_decides(transport: Transport, status: int, permanent: bool, dead: bool) -> None:
    with Sink(Play(status=status)) as sink:
        error = refused(make(sink), transport)

    assert (error.permanent, error.is_dead, error.status) == (permanent, dead, status)


def test_a_refusal_says_what_apprise_said(transport: Transport) -> None:
    with Sink(Play(status=401)) as sink:
        error = refused(make(sink), transport)

    assert str(error) == (
        "Apprise: JSON: Failed to send JSON POST notification: Verification Failed., error=401. "
        "(not authorized)"
    )


def test_a_service_that_hangs_is_given_up_in_time(transport: Transport) -> None:
    with Sink(Play(wait=30)) as sink:
        error = refused(make(sink, timeout="0.3s"), transport)

    assert "did not finish within 0." in str(error)
    assert not error.permanent


def test_a_cut_connection_is_worth_another_try(transport: Transport) -> None:
    with Sink(Play(cut=True)) as sink:
        assert not refused(make(sink), transport).permanent


def test_one_of_two_that_took_it_is_a_delivery_that_names_the_other(transport: Transport) -> None:
    with Sink(Play(status=500)) as broken, Sink() as good:
        answer = send(make(broken, good), transport)

    assert answer.excerpt == (
        "JSON: Failed to send JSON POST notification: Internal server error., error=500."
    )
    assert len(good.requests) == 1


def test_two_that_fail_differently_are_tried_again(transport: Transport) -> None:
    with Sink(Play(status=500)) as broken, Sink(Play(status=401)) as shut:
        error = refused(make(broken, shut), transport)

    assert (error.permanent, error.status) == (False, None)


def test_redirects_are_not_followed(transport: Transport) -> None:
    with Sink() as other, Sink(Play(status=302, headers={"Location": other.url})) as sink:
        refused(make(sink), transport)

    assert other.requests == []


@pytest.mark.parametrize("status", [401, 500])
def test_no_secret_is_told(transport: Transport, status: int) -> None:
    with Sink(Play(status=status, body=f"{PASSWORD} {PATH}".encode())) as sink:
        made = make(sink)
        error = refused(made, transport)

    told = f"{error} {error.excerpt} {made!r} {made.destination()} {made.remarks()} {made.model_dump_json()}"
    assert PASSWORD not in told
    assert PATH not in told


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"url": []}, "url is empty"),
        ({"url": "nonsense://s3cret-key"}, "url number 1 is none that Apprise understands"),
        ({"url": ["json://example.com", ""]}, "url number 2 is none that Apprise understands"),
        ({"url": 5}, "url"),
        ({"url": "json://example.com", "style": "thread"}, "cannot answer in threads"),
        ({}, "Field required"),
    ],
)
def test_wrong_options_are_refused_without_telling_secrets(options: Mapping[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Apprise.model_validate(options)

    assert problem in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_remarks_name_the_services() -> None:
    made = Apprise.model_validate(
        {"url": ["json://example.com/a", "xml://example.com", "json://example.com/b"]}
    )

    assert made.remarks() == ("json, xml",)


def test_all_types_are_found_without_the_library() -> None:
    told = run_without_apprise("from relay import notifiers\nprint('apprise' in notifiers.types())")

    assert told == "True"


def test_the_library_is_not_loaded_until_it_is_used() -> None:
    code = "import sys; from relay import notifiers; notifiers.types(); print('apprise' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"


def test_a_configuration_without_the_library_says_what_to_install() -> None:
    told = run_without_apprise(
        "from pydantic import ValidationError\n"
        "from relay.notifiers.apprise import Apprise\n"
        "try: Apprise.model_validate({'url': 'json://example.com'})\n"
        "except ValidationError as error: print(error)"
    )

    assert MISSING == "the library is missing: pip install 'relay[apprise]'"
    assert MISSING in told
