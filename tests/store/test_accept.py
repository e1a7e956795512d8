"""Taking in webhooks, on both databases."""

import threading

from sqlalchemy import Engine, event

from relay.errors import StoreError
from relay.model import EventKind, Generation
from relay.store import EventState, Store, StoredEvent
from tests.factories import MINUTE, NOON
from tests.store.parts import accept_one, claim_plans, make_arrival


def test_new_arrivals_are_accepted(store: Store) -> None:
    arrivals = [make_arrival() for _ in range(3)]

    assert store.accept(arrivals) == (True, True, True)
    assert {row.id for row in store.events()} == {arrival.id for arrival in arrivals}


def test_a_known_key_is_a_duplicate_and_changes_nothing(store: Store) -> None:
    first = accept_one(store, dedupe_key="event:1")

    assert store.accept([make_arrival(dedupe_key="event:1")]) == (False,)
    assert [row.id for row in store.events()] == [first]
    assert store.counts()["planning"] == 1


def test_what_comes_again_leaves_its_number_and_time(store: Store) -> None:
    first = accept_one(store, dedupe_key="event:1")
    other = accept_one(store, dedupe_key="event:2")

    for minutes in (1, 2):
        again = [make_arrival(dedupe_key="event:1", received_at=NOON + minutes * MINUTE) for _ in range(2)]
        store.accept(again)

    counted = {row.id: (row.repeats, row.repeated_at) for row in store.events()}
    assert counted == {first: (4, NOON + 2 * MINUTE), other: (0, None)}


def test_new_arrivals_cost_no_statement_for_repeats(store: Store) -> None:
    def statements(*keys: str) -> list[str]:
        said: list[str] = []

        def note(conn: object, cursor: object, statement: str, *_: object) -> None:
            said.append(statement)

        event.listen(Engine, "before_cursor_execute", note)
        try:
            store.accept([make_arrival(dedupe_key=key) for key in keys])
        finally:
            event.remove(Engine, "before_cursor_execute", note)
        return [statement for statement in said if "repeats" in statement]

    assert statements("event:1", "event:2") == []
    assert len(statements("event:1", "event:3")) == 1


def test_of_the_same_key_within_a_batch_one_is_accepted(store: Store) -> None:
    batch = [make_arrival(dedupe_key="event:1"), make_arrival(dedupe_key="event:1"), make_arrival()]

    assert store.accept(batch) == (True, False, True)


def test_an_empty_batch_is_no_work(store: Store) -> None:
    assert store.accept([]) == ()


def test_a_stored_webhook_is_read_back_as_it_came(store: Store) -> None:
    body = '{"branch": "grün\\u0000"}'.encode()
    ident = accept_one(store, body=body, source_id="source-1")

    with store.turn() as turn:
        found = turn.load(claim_plans(turn)).events[ident]

    assert found == StoredEvent(
        id=ident,
        received_at=NOON,
        kind=EventKind.WORKFLOW,
        generation=Generation.MODERN,
        type="workflow-completed",
        source_id="source-1",
        content_type="application/json",
        body=body,
    )


def test_hostile_keys_are_accepted_and_still_tell_duplicates(store: Store) -> None:
    keys = ["event:" + "x" * 100_000, "event:\0", "event:\ud800", "event:" + "ü" * 240]
    batch = [make_arrival(dedupe_key=key, type=key, source_id=key, content_type=key) for key in keys]

    assert store.accept(batch) == (True, True, True, True)
    assert store.accept([make_arrival(dedupe_key=key) for key in keys]) == (False, False, False, False)


def test_one_refused_arrival_does_not_stop_the_others(store: Store) -> None:
    known = accept_one(store)
    batch = [make_arrival(), make_arrival(id=known, dedupe_key="event:other"), make_arrival()]

    first, refused, last = store.accept(batch)

    assert (first, last) == (True, True)
    assert isinstance(refused, StoreError)
    assert len(store.events()) == 3


def test_batches_with_the_same_keys_race_without_deadlock_or_loss(store: Store) -> None:
    rounds = [[f"event:{turn}-{number}" for number in range(60)] for turn in range(12)]
    together = threading.Barrier(4, timeout=20)
    answers: list[bool | StoreError] = []

    def send(step: int) -> None:
        for keys in rounds:
            batch = [make_arrival(dedupe_key=key) for key in keys[::step]]
            together.wait()
            answers.extend(store.accept(batch))

    threads = [threading.Thread(target=send, args=(step,)) for step in (1, -1, 1, -1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(answers) == 4 * 12 * 60
    assert answers.count(True) == 12 * 60
    assert store.counts()["planning"] == 12 * 60


def test_an_accepted_event_is_new(store: Store) -> None:
    accept_one(store)

    assert [row.state for row in store.events()] == [EventState.NEW]
