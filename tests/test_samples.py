"""The samples of `relay demo`: complete, in order, and telling the story they claim to."""

from pathlib import Path

import pytest

import relay.samples
from relay.model import Event, EventKind, Generation, Status
from relay.payloads import parse, peek
from relay.samples import Sample, load
from tests.factories import NOON

SAMPLES = load()


def event_of(sample: Sample) -> Event:
    return parse(sample.body, "application/json", id=sample.name, received_at=NOON)


def test_every_file_is_a_sample() -> None:
    folder = Path(relay.samples.__file__).parent

    assert [sample.name for sample in SAMPLES] == sorted(path.stem for path in folder.glob("*.json"))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_only_modern_senders_sign(sample: Sample) -> None:
    is_modern = peek(sample.body, "application/json").generation is Generation.MODERN

    assert sample.signed is is_modern


def test_every_generation_and_provider_is_among_them() -> None:
    events = [event_of(sample) for sample in SAMPLES]

    assert {event.generation for event in events} >= {
        Generation.CLASSIC,
        Generation.MODERN,
        Generation.LOOKALIKE,
    }
    assert {event.project.vcs for event in events} == {"github", "bitbucket", "gitlab", None}
    assert {event.build.platform for event in events} == {"1.0", "2.0", None}


def test_main_breaks_stays_broken_and_is_fixed() -> None:
    story = [
        (event.number, event.status)
        for event in map(event_of, SAMPLES)
        if event.kind is EventKind.WORKFLOW and event.project.slug == "gh/acme/api" and event.branch == "main"
    ]

    assert story == [
        (7809, Status.SUCCESS),
        (7812, Status.FAILED),
        (7813, Status.FAILED),
        (7814, Status.SUCCESS),
        (7814, Status.SUCCESS),
        (7815, Status.CANCELED),
    ]


def test_one_is_a_repeat_of_the_one_before() -> None:
    keys = [peek(sample.body, "application/json").dedupe_key for sample in SAMPLES]

    assert [
        name.name for name, key, last in zip(SAMPLES[1:], keys[1:], keys, strict=False) if key == last
    ] == ["07-main-fixed-again"]


def test_one_commit_subject_is_hostile() -> None:
    subjects = {event_of(sample).commit.subject for sample in SAMPLES}

    assert "<!channel> @everyone [x](http://evil)" in subjects


def test_a_release_goes_out() -> None:
    tags = [(event.tag, event.branch, event.status) for event in map(event_of, SAMPLES) if event.tag]

    assert tags == [("v2.4.0", None, Status.SUCCESS)]
