"""Requests that wait together share one transaction."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from relay.errors import StoreBusy, StoreError
from relay.ids import new_id
from relay.model import EventKind, Generation
from relay.store.accept import Arrival
from relay.store.group_commit import GroupCommit

PATIENCE_S = 10.0


def arrival(key: str = "event:1") -> Arrival:
    return Arrival(
        id=new_id(),
        dedupe_key=key,
        received_at=datetime(2026, 1, 2, tzinfo=UTC),
        kind=EventKind.WORKFLOW,
        generation=Generation.MODERN,
        body=b"{}",
    )


class ScriptedStore:
    """A store whose commits wait to be let through, and answer as told."""

    def __init__(self, answer: bool | Exception = True) -> None:
        self.answer = answer
        self.batches: list[int] = []
        self.started = threading.Semaphore(0)
        self.let_through = threading.Semaphore(0)

    def accept(self, arrivals: Sequence[Arrival], /) -> Sequence[bool | StoreError]:
        self.batches.append(len(arrivals))
        self.started.release()
        assert self.let_through.acquire(timeout=PATIENCE_S)
        if isinstance(self.answer, Exception):
            raise self.answer
        return [self.answer] * len(arrivals)


class Submitters:
    """Threads that submit and wait."""

    def __init__(self, writer: GroupCommit, pool: ThreadPoolExecutor) -> None:
        self.writer = writer
        self._pool = pool

    def submit(self, number: int) -> list[Future[bool]]:
        joined = threading.Semaphore(0)
        futures = [self._pool.submit(self._one, joined) for _ in range(number)]
        for _ in futures:
            assert joined.acquire(timeout=PATIENCE_S)
        return futures

    def _one(self, joined: threading.Semaphore) -> bool:
        joined.release()
        return self.writer.submit(arrival())


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(20) as pool:
        yield pool


def wait_until_joined(writer: GroupCommit, number: int) -> None:
    """Until so many arrivals wait for the next batch."""
    for _ in range(int(PATIENCE_S / 0.002)):
        if writer.waiting >= number:
            return
        threading.Event().wait(0.002)
    pytest.fail(f"never saw {number} waiting")


def test_what_waits_during_a_commit_shares_the_next(pool: ThreadPoolExecutor) -> None:
    store = ScriptedStore()
    writer = GroupCommit(store)
    submitters = Submitters(writer, pool)
    first = submitters.submit(1)
    store.started.acquire(timeout=PATIENCE_S)
    others = submitters.submit(12)
    wait_until_joined(writer, 12)

    store.let_through.release(2)

    assert [future.result(PATIENCE_S) for future in first + others] == [True] * 13
    assert store.batches == [1, 12]
    writer.close()


def test_a_failed_commit_fails_each_request_with_an_error_of_its_own(pool: ThreadPoolExecutor) -> None:
    store = ScriptedStore(StoreBusy("disk full", retry_after=7))
    writer = GroupCommit(store)
    first = Submitters(writer, pool).submit(1)
    store.started.acquire(timeout=PATIENCE_S)
    others = Submitters(writer, pool).submit(2)
    wait_until_joined(writer, 2)

    store.let_through.release(2)

    errors = [future.exception(PATIENCE_S) for future in first + others]
    assert [(str(error), type(error), getattr(error, "retry_after", 0)) for error in errors] == [
        ("disk full", StoreBusy, 7)
    ] * 3
    assert len({id(error) for error in errors}) == 3
    writer.close()


def test_a_fault_in_the_store_does_not_end_the_writer() -> None:
    store = ScriptedStore(ZeroDivisionError("of all things"))
    store.let_through.release(2)
    writer = GroupCommit(store)
    with pytest.raises(StoreError, match="ZeroDivisionError: of all things"):
        writer.submit(arrival())
    store.answer = True

    assert writer.submit(arrival()) is True
    writer.close()


def test_a_refused_arrival_is_refused_alone(pool: ThreadPoolExecutor) -> None:
    class Picky:
        def accept(self, arrivals: Sequence[Arrival], /) -> Sequence[bool | StoreError]:
            return [StoreError("not this") if one.dedupe_key == "bad" else True for one in arrivals]

    writer = GroupCommit(Picky())
    bad, good = (pool.submit(writer.submit, arrival(key)) for key in ("bad", "good"))

    assert str(bad.exception(PATIENCE_S)) == "not this"
    assert good.result(PATIENCE_S) is True
    writer.close()


def test_a_full_queue_asks_to_come_back(pool: ThreadPoolExecutor) -> None:
    store = ScriptedStore()
    writer = GroupCommit(store, most_waiting=2)
    submitters = Submitters(writer, pool)
    submitters.submit(1)
    store.started.acquire(timeout=PATIENCE_S)
    submitters.submit(2)
    wait_until_joined(writer, 2)

    with pytest.raises(StoreBusy, match="too many webhooks wait to be stored"):
        writer.submit(arrival())

    store.let_through.release(2)
    writer.close()


def test_a_commit_that_takes_too_long_is_not_waited_for() -> None:
    store = ScriptedStore()
    writer = GroupCommit(store, longest_wait_s=0.05)

    with pytest.raises(StoreBusy, match="the database has not committed in time"):
        writer.submit(arrival())

    store.let_through.release()
    writer.close()


def test_closing_finishes_what_was_submitted(pool: ThreadPoolExecutor) -> None:
    store = ScriptedStore()
    writer = GroupCommit(store)
    submitters = Submitters(writer, pool)
    first = submitters.submit(1)
    store.started.acquire(timeout=PATIENCE_S)
    others = submitters.submit(3)
    wait_until_joined(writer, 3)
    store.let_through.release(2)

    writer.close()

    assert [future.result(PATIENCE_S) for future in first + others] == [True] * 4


def test_after_closing_everything_is_refused() -> None:
    writer = GroupCommit(ScriptedStore())
    writer.close()

    with pytest.raises(StoreBusy, match="the relay is stopping"):
        writer.submit(arrival())
