"""The statements of a turn find their rows by index on SQLite, however long the queue."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from relay.store import budgets, claims, finishes, lanes, ledger, plans, repeats, signs, slots, told
from relay.store.engine import open_engine, reading
from tests.factories import NOON

TAKE = {
    "new_worker": "w",
    "until": 1.0,
    "length_s": 1.0,
    "destination_key": "d",
    "now": 1.0,
    "most": 1,
}

KEYS = {"targets": ["chat"], "keys": ["a"]}
SPENT = {"targets": ["chat"], "since": NOON, "until": NOON, "most": 40, "made_by": NOON}


@pytest.fixture
def engine(sqlite_url: str) -> Iterator[Engine]:
    engine = open_engine(sqlite_url)
    yield engine
    engine.dispose()


def explain(engine: Engine, statement: Any, values: dict[str, Any]) -> str:
    compiled = statement.compile(engine, compile_kwargs={"render_postcompile": True})
    bound = compiled.construct_params(values)
    processors = compiled._bind_processors
    ordered = [
        processors[name](bound[name]) if name in processors else bound[name] for name in compiled.positiontup
    ]
    with reading(engine) as conn:
        rows = conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", tuple(ordered)).all()
    return "\n".join(str(row[3]) for row in rows)


@pytest.mark.parametrize(
    ("statement", "values", "index"),
    [
        (claims._TAKE, TAKE, "work_ready (destination=? AND due_at<?)"),
        (claims._READY_DESTINATIONS, {}, "work_ready (destination>?)"),
        (claims._READY_DESTINATIONS, {}, "work_ready (destination=?)"),
        (claims._READY_DESTINATIONS, {}, "work_leased (destination=?)"),
        (claims._EXPIRED, {"now": 1.0}, "work_leased"),
        (claims._OF_WORKERS, {"workers": ["w"]}, "work_leased"),
        (finishes._LOCK, {"ids": [1]}, "USING INTEGER PRIMARY KEY (rowid=?)"),
        (finishes._DELETE_HELD, {"ids": [1], "keys": ["1 1 w"]}, "USING INTEGER PRIMARY KEY (rowid=?)"),
        (lanes._FREE, {"lanes": ["a"]}, "work_lane (lane=?)"),
        (lanes._LIVE, {"lanes": ["a"]}, "work_lane (lane=?)"),
        (
            plans._HISTORIES,
            {"keys": '["a"]', "skipped": 29},
            "outcomes_order (state_key=? AND number>? AND number<?)",
        ),
        (told._MESSAGES, {"ids": ["e"]}, "delivery_events_event (event_id=?)"),
        (repeats._OF_EVENTS, {"ids": ["e"]}, "sqlite_autoindex_repeats_1 (dedupe_key=?)"),
        (slots._FORGET_FAILED, {"ids": ["d"]}, "slots_delivery (delivery_id=?)"),
        (slots._FORGET, {"older_than": NOON}, "slots_reserved (reserved_at<?)"),
        (ledger._COUNTS, {}, "events_stuck"),
        (ledger._COUNTS, {}, "deliveries_failed"),
        (signs._DEAD_LETTERS, {"after": NOON, "until": NOON}, "deliveries_dead (finished_at>?"),
        (budgets._SPENT, SPENT, "deliveries_spent (target=? AND spends_at>? AND spends_at<?)"),
        (budgets._OPEN, KEYS, "deliveries_open (target=? AND group_key=?)"),
        (budgets._BEGUN, KEYS, "deliveries_lane (target=? AND lane=?)"),
        (signs._NEXT_PROJECT, {"after": ""}, "events_project (project>?)"),
        (signs._LAST_BEFORE, {"project": "p", "before": "0"}, "events_project (project=? AND id<?)"),
        (signs._FIRST_LOOKED_AT, {"project": "p", "after": "0"}, "events_project (project=? AND id>?)"),
        (signs._RUNS, {"project": "p", "after": "0"}, "events_project (project=? AND id>?)"),
    ],
)
def test_a_statement_uses_its_index(
    engine: Engine, statement: Any, values: dict[str, Any], index: str
) -> None:
    assert index in explain(engine, statement, values)


@pytest.mark.parametrize(
    ("statement", "values"),
    [(claims._TAKE, TAKE), (claims._READY_DESTINATIONS, {}), (claims._EXPIRED, {"now": 1.0})],
    ids=["take", "ready destinations", "expired"],
)
def test_claiming_never_scans_the_queue(engine: Engine, statement: Any, values: dict[str, Any]) -> None:
    scans = [line for line in explain(engine, statement, values).splitlines() if "SCAN work" in line]

    assert all("USING COVERING INDEX work_leased" in line or "INDEX work_leased" in line for line in scans)
