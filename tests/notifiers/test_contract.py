"""What every notifier keeps to, whatever the service."""

import json
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from relay import notifiers
from relay.markup import MARKUPS
from relay.model import Change, Event
from relay.notifiers.base import Notifier
from relay.secret import Secret
from tests.factories import make_commit, make_event, make_project
from tests.notifiers.factories import make_message, make_outgoing

SECRET = "s3cret-value-nobody-sees"
OPTIONS: dict[str, dict[str, Any]] = {
    "console": {},
    "slack": {"webhook": f"https://hooks.example.com/services/{SECRET}"},
    "webhook": {
        "url": f"https://audit.example.com/{SECRET}",
        "sign_with": SECRET,
        "headers": {"X-Key": SECRET},
    },
    "email": {
        "smtp": f"smtp://ci:{SECRET}@mail.example.com",
        "from": "ci@example.com",
        "to": "ops@example.com",
    },
}
TYPES = sorted(notifiers.types())
HOSTILE = (
    "<!channel> @everyone <b>&\"'</b> [x](https://e.example.com)\r\nBcc: e@example.com\x1b[2J\u202e\ud800"
)


def make(name: str, **more: Any) -> Notifier:
    return notifiers.types()[name].model_validate({**OPTIONS[name], **more})


def written(payload: Any) -> str:
    """The payload as it would go out."""
    if isinstance(payload, EmailMessage):
        return payload.as_bytes().decode()
    return payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False)


def test_each_file_is_a_type() -> None:
    files = {path.stem for path in Path(notifiers.__file__).parent.glob("*.py")} - {"__init__", "base"}

    assert set(TYPES) == files == set(OPTIONS)


@pytest.mark.parametrize("name", TYPES)
def test_a_type_is_called_as_its_file(name: str) -> None:
    assert make(name).type == name


@pytest.mark.parametrize("name", TYPES)
def test_its_markup_exists(name: str) -> None:
    assert make(name).markup in MARKUPS


@pytest.mark.parametrize("name", TYPES)
def test_unknown_keys_are_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        make(name, webhok="x")


@pytest.mark.parametrize("name", TYPES)
def test_common_keys_are_understood(name: str) -> None:
    made = make(name, type=name, timeout="1m", template="short", style="post", fallback="mail", shadow=True)

    assert (made.seconds, made.template, made.fallback) == (60.0, "short", ("mail",))


@pytest.mark.parametrize("timeout", [10, "10", "soon", ""])
def test_a_timeout_has_a_unit(timeout: object) -> None:
    with pytest.raises(ValidationError):
        make("console", timeout=timeout)


@pytest.mark.parametrize("name", TYPES)
def test_it_has_a_schema_that_explains_every_key(name: str) -> None:
    properties = notifiers.types()[name].model_json_schema()["properties"]

    assert [key for key, value in properties.items() if key != "type" and not value.get("description")] == []


@pytest.mark.parametrize("name", TYPES)
def test_its_destination_is_stable_and_tells_no_secret(name: str) -> None:
    assert make(name).destination() == make(name).destination()
    assert make(name).destination().partition(":")[0] == name
    assert SECRET not in make(name).destination()


@pytest.mark.parametrize("name", TYPES)
def test_secrets_are_in_no_repr_payload_or_schema_error(name: str) -> None:
    made = make(name)

    assert SECRET not in repr(made)
    assert SECRET not in made.model_dump_json()
    assert SECRET not in written(made.payload(make_message(made), make_outgoing()))
    with pytest.raises(ValidationError) as caught:
        make(name, nonsense=SECRET)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("name", TYPES)
def test_a_payload_is_the_same_each_time(name: str) -> None:
    made = make(name)
    first, second = (written(made.payload(make_message(made), make_outgoing())) for _ in range(2))

    if name == "email":  # the boundary between its parts is drawn by chance
        first, second = (text.partition("Content-Type")[0] for text in (first, second))
    assert first == second


@pytest.mark.parametrize("name", TYPES)
def test_hostile_text_makes_a_payload_that_can_be_sent(name: str) -> None:
    event = make_event(
        branch=HOSTILE, commit=make_commit(subject=HOSTILE, body=HOSTILE), project=make_project(name=HOSTILE)
    )
    made = make(name)

    said = written(made.payload(make_message(made, event), make_outgoing(events=(event,))))

    if name != "webhook":  # JSON escapes by itself, and the receiver wants the fields as they are
        assert said.encode("utf-8")
        assert "\x1b" not in said
        assert "\u202e" not in said


@pytest.mark.parametrize("name", TYPES)
def test_five_hundred_events_make_one_bounded_payload(name: str) -> None:
    events = tuple(replace(make_event(change=Change.BROKE), id=f"e{n}") for n in range(500))
    made = make(name)

    said = written(made.payload(make_message(made, *events), make_outgoing(events=events)))

    assert len(said) < (300_000 if name == "webhook" else 20_000)


@pytest.mark.parametrize("name", TYPES)
def test_ten_thousand_characters_make_a_bounded_payload(name: str) -> None:
    long = "x" * 10_000
    event: Event = make_event(
        branch=long, commit=make_commit(subject=long, body=long), url=f"https://x.example.com/{long}"
    )
    made = make(name)

    said = written(made.payload(make_message(made, event), make_outgoing(events=(event,))))

    assert len(said) < 60_000


def test_destinations_differ_where_the_place_differs() -> None:
    one = make("slack")
    other = make("slack", webhook="https://hooks.example.com/services/other")
    channels = [
        notifiers.types()["slack"].model_validate({"token": Secret("xoxb-1"), "channel": channel})
        for channel in ("#ci", "#ops")
    ]

    assert len({each.destination() for each in (one, other, *channels)}) == 4
