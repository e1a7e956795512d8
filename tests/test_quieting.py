"""What the noise controls keep back, and why."""

from datetime import datetime
from typing import Any

import pytest

from relay.planning import NewDelivery
from relay.quieting import Control, Facts, Quiet, Quieted, Silence, Terms, as_records, make_silence, quieted
from tests.factories import MINUTE, NOON, make_event

HOUR = 60 * MINUTE


def owed(**overrides: Any) -> NewDelivery:
    fields = {"id": "d1", "target": "chat", "kind": "notify", "destination": "chat", "route": "trunk"}
    return NewDelivery(**{**fields, **overrides})


def silence(**overrides: Any) -> Silence:
    fields = {"written": {"branch": "main"}, "name": "s1", "until": NOON + HOUR}
    return make_silence(**{**fields, **overrides})


def left_by(*silences: Silence, now: datetime = NOON) -> Quieted:
    return quieted(make_event(), [owed()], Terms(), Facts(silences=silences), now)


def test_without_controls_everything_goes_on() -> None:
    assert left_by() == Quieted(deliveries=(owed(),))


def test_a_silence_keeps_matching_messages_back_and_says_whose_it_is() -> None:
    left = left_by(silence(who="alice", why="database upgrade"))

    assert left.deliveries == ()
    assert left.quiet == (
        Quiet(
            target="chat",
            route="trunk",
            control=Control.SILENCE,
            reason="s1 by alice: database upgrade",
            until=NOON + HOUR,
        ),
    )


@pytest.mark.parametrize(
    ("its", "is_silent"),
    [
        ({}, True),
        ({"written": {"branch": ["*", "!main"]}}, False),
        ({"written": {"branch": "main", "status": "success"}}, False),
        ({"until": NOON}, False),
        ({"until": None}, True),
        ({"starts_at": NOON}, True),
        ({"starts_at": NOON + MINUTE}, False),
        ({"written": {"no such field": "x"}}, False),
    ],
    ids=["holds", "other branch", "other status", "over", "no end", "begins", "to come", "unreadable"],
)
def test_a_silence_holds_for_what_matches_in_its_time(its: dict[str, Any], is_silent: bool) -> None:
    assert bool(left_by(silence(**its)).quiet) is is_silent


def test_of_several_silences_the_longest_is_told() -> None:
    short, long = silence(name="short"), silence(name="long", until=NOON + 2 * HOUR)

    (quiet,) = left_by(short, long).quiet

    assert (quiet.reason, quiet.until) == ("long", NOON + 2 * HOUR)


def test_a_silence_of_the_configuration_counts_as_well() -> None:
    left = quieted(make_event(), [owed()], Terms(silences=(silence(until=None),)), Facts(), NOON)

    assert [(quiet.reason, quiet.until) for quiet in left.quiet] == [("s1", None)]


def test_actions_are_done_in_silence() -> None:
    act = owed(kind="act", target="retry")

    left = quieted(make_event(), [owed(), act], Terms(), Facts(silences=(silence(),)), NOON)

    assert left.deliveries == (act,)


def test_records_are_plain_values() -> None:
    assert as_records(left_by(silence()).quiet) == [
        {
            "target": "chat",
            "route": "trunk",
            "control": "silence",
            "reason": "s1",
            "until": "2026-11-23T13:00:00+00:00",
        }
    ]
