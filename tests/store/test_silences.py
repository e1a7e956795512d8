"""Silences in the ledger, on both databases."""

import pytest

from relay.errors import UsageError
from relay.store import Pruned, Store
from tests.factories import MINUTE, NOON

MATCH = {"branch": ["main", "release/*"]}


def test_a_silence_holds_from_when_it_is_added_until_its_end(store: Store) -> None:
    id = store.add_silence(MATCH, NOON, NOON + MINUTE, who="alice", why="upgrade")

    (found,) = store.silences(NOON)
    assert (found.id, found.name, found.written, found.who, found.why) == (
        *(id, id[-8:], MATCH, "alice", "upgrade"),
    )
    assert store.silences(NOON - MINUTE) == store.silences(NOON + MINUTE) == ()


def test_a_removed_silence_holds_no_longer_but_is_remembered(store: Store) -> None:
    id = store.add_silence(MATCH, NOON, NOON + 9 * MINUTE)

    assert store.remove_silence(id[-8:], NOON + MINUTE) == id

    assert store.silences(NOON + MINUTE) == ()
    assert [silence.id for silence in store.silences(NOON)] == [id]


def test_what_does_not_hold_cannot_be_removed(store: Store) -> None:
    id = store.add_silence(MATCH, NOON, NOON + MINUTE)

    for text, now in [(id, NOON + MINUTE), ("4ksq2z8d", NOON), ("'; --", NOON)]:
        with pytest.raises(UsageError, match=r"^there is no silence .*; `relay silence list` shows those"):
            store.remove_silence(text, now)


def test_text_that_no_database_takes_does_no_harm(store: Store) -> None:
    store.add_silence({"branch": ["a\0\ud800"]}, NOON, NOON + MINUTE, who="al\0ice", why="\ud800")

    (found,) = store.silences(NOON)
    assert (found.who, found.why) == ("al\N{REPLACEMENT CHARACTER}ice", "?")


def test_silences_that_ended_long_ago_are_forgotten(store: Store) -> None:
    store.add_silence(MATCH, NOON, NOON + MINUTE)
    store.add_silence(MATCH, NOON, NOON + 9 * MINUTE)

    assert store.prune(NOON + 2 * MINUTE) == Pruned()

    assert len(store.silences(NOON)) == 1
