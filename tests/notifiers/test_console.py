"""Messages on a terminal."""

import io
from dataclasses import replace

from relay.model import Answer
from relay.notifiers.console import Console
from relay.people import PersonSpec
from relay.transport import Transport
from tests.factories import make_commit
from tests.notifiers.factories import make_broken, make_message, make_outgoing


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_message_in_full() -> None:
    event, console = make_broken(), Console()
    outgoing = make_outgoing(mentions=(PersonSpec(key="alice"),))

    assert console.payload(make_message(console), outgoing) == "\n".join(
        [
            "🔴 api / build-and-deploy broke on main",
            f"   Fix <!channel> & login ({event.commit.url}) by Alice Archer",
            "   - Run tests exit code 2",
            "   Pipeline #7812 · Took 4 min 12 s · Commit a1b2c3d",
            f"   Open in CircleCI: {event.url}",
            f"   Commit: {event.commit.url}",
            "   for alice",
            f"   route trunk-broke · event {event.id} (https://relay.example.com/events/{event.id})",
        ]
    )


def test_it_is_printed_without_colours_where_there_is_no_terminal() -> None:
    stream, console = io.StringIO(), Console()
    message = make_message(console)

    answer = console.send(message, make_outgoing(), Transport(stream=stream))

    assert answer == Answer()
    assert stream.getvalue() == console.payload(message, make_outgoing()) + "\n"


def test_on_a_terminal_the_title_has_the_colour_of_its_level() -> None:
    stream, console = Terminal(), Console()

    console.send(make_message(console), make_outgoing(), Transport(stream=stream))

    assert stream.getvalue().startswith("\x1b[1;31m🔴 api / build-and-deploy broke on main\x1b[0m\n\x1b[2m")
    assert stream.getvalue().endswith("\x1b[0m\n")


def test_a_stranger_cannot_drive_the_terminal() -> None:
    stream, console = Terminal(), Console()
    event = replace(make_broken(), commit=make_commit(subject="\x1b]0;owned\x07\x9b2J", body=None))

    console.send(make_message(console, event), make_outgoing(), Transport(stream=stream))

    assert "␛]0;owned␇\ufffd2J" in stream.getvalue()
    assert stream.getvalue().count("\x1b") == 4
