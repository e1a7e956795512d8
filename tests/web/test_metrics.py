"""The counters that web processes share."""

from prometheus_client.parser import text_string_to_metric_families

from relay.web.access import Reason
from relay.web.metrics import Board, Result, exposition


def values(board: Board, name: str) -> dict[tuple[str, ...], float]:
    """Samples of that name, by their labels' values."""
    families = text_string_to_metric_families(exposition(board).decode())
    samples = [sample for family in families for sample in family.samples if sample.name == name]
    return {tuple(sample.labels.values()): sample.value for sample in samples}


def test_every_answer_has_a_counter_that_starts_at_nothing() -> None:
    counted = values(Board(), "relay_webhooks_total")

    assert counted == {(label,): 0.0 for label in (*Result, *Reason)}


def test_rows_of_all_processes_are_added_up() -> None:
    board = Board()
    board.tally(0).count(Result.ACCEPTED)
    board.tally(1).count(Result.ACCEPTED)
    board.tally(1).count(Reason.WRONG_TOKEN)

    counted = values(board, "relay_webhooks_total")

    assert (counted["accepted",], counted["wrong_token",], counted["ping",]) == (2.0, 1.0, 0.0)


def test_times_fall_into_cumulative_buckets() -> None:
    board = Board()
    for seconds in (0.002, 0.002, 0.3):
        board.tally().time(seconds)

    buckets = values(board, "relay_accept_seconds_bucket")

    assert [buckets[bound,] for bound in ("0.001", "0.0025", "0.25", "0.5", "+Inf")] == [0, 2, 2, 3, 3]
    assert values(board, "relay_accept_seconds_sum")[()] == 0.304
