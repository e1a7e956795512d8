"""Bringing databases up to date, on both."""

import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from relay.errors import StoreError
from relay.store import Store, migrations
from relay.store.engine import open_engine, reading, writing
from relay.store.migrations.versions.r0004_build_numbers import OF_BUILDS
from relay.store.tables import metadata
from tests.store.parts import KEY, accept_one, make_outcome, owe


def test_an_empty_database_is_upgraded_and_works(bare_url: str) -> None:
    with Store.open(bare_url) as store:
        assert store.revision() is None
        assert store.upgrade() == (None, migrations.head())
        assert store.revision() == migrations.head()
        assert accept_one(store)


def test_upgrading_again_changes_nothing(store: Store) -> None:
    accept_one(store)

    assert store.upgrade() == (migrations.head(), migrations.head())
    assert len(store.events()) == 1


def test_an_empty_database_is_not_ready(bare_url: str) -> None:
    with Store.open(bare_url) as store, pytest.raises(StoreError, match="the schema is at nothing, wanted"):
        store.ping()


def test_an_upgraded_database_is_ready(store: Store) -> None:
    store.ping()


def test_processes_that_upgrade_together_do_it_once(bare_url: str) -> None:
    results: list[tuple[str | None, str]] = []

    def upgrade() -> None:
        with Store.open(bare_url) as store:
            results.append(store.upgrade())

    threads = [threading.Thread(target=upgrade) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    head = migrations.head()
    assert sorted(results, key=lambda result: result[0] or "") == [(None, head), *[(head, head)] * 3]


def test_the_migrations_make_the_schema_of_the_tables(database_url: str) -> None:
    engine = open_engine(database_url)
    with reading(engine) as conn:
        context = MigrationContext.configure(conn, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        made = {
            (table, index["name"], str(index["column_names"]))
            for table in metadata.tables
            for index in inspect(conn).get_indexes(table)
        }
    wanted = {
        (table.name, index.name, str([column.name for column in index.columns]))
        for table in metadata.tables.values()
        for index in table.indexes
    }
    engine.dispose()
    assert wanted <= made


def test_results_that_were_known_by_build_number_are_kept_apart(database_url: str) -> None:
    workflow = "0b6e0b6a-5c1f-4a3e-9d1e-3f1d2c5b7a90"
    with Store.open(database_url) as store:
        owe(store, outcome=make_outcome(number=5001, run="5001"))
        owe(store, outcome=make_outcome(number=7, run=workflow))
        owe(store, outcome=make_outcome(number=None, run=None))
        engine = open_engine(database_url)
        with writing(engine) as conn:
            conn.execute(text(OF_BUILDS))
            conn.execute(text(OF_BUILDS))
        engine.dispose()

        found = {(outcome.run, outcome.number, outcome.by_build) for outcome in store.history(KEY)}

    assert found == {("5001", 5001, True), (workflow, 7, False), (None, None, False)}
