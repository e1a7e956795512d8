"""Opens the database for commands that look into it; none of them makes one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from relay import wiring
from relay.config import Config
from relay.errors import StoreError, UsageError
from relay.store import Store, migrations
from relay.store.engine import database_url

UPGRADE = "run `relay db upgrade`"


@contextmanager
def ledger(path: str) -> Iterator[tuple[Config, Store]]:
    """The configuration in this file and its database. UsageError when there is none that can be read."""
    settings = wiring.load_config(path)
    missing = missing_file(settings)
    if missing:
        raise UsageError(f"there is no database {missing} yet; `relay serve` makes it, or {UPGRADE}")
    with Store.open(settings.store.reveal()) as store:
        problem = schema_problem(store)
        if problem:
            raise StoreError(problem)
        yield settings, store


def missing_file(settings: Config) -> Path | None:
    """The SQLite file when it does not exist."""
    url = database_url(settings.store.reveal())
    file = Path(str(url.database)).absolute() if url.drivername == "sqlite" else None
    return file if file and not file.exists() else None


def schema_problem(store: Store) -> str | None:
    """Why this program cannot use the database's tables, in words with the remedy."""
    found, wanted = store.revision(), migrations.head()
    if found is None:
        return f"the database has no tables yet; {UPGRADE}"
    if found < wanted:
        return f"the database is at revision {found}, this relay needs {wanted}; {UPGRADE}"
    if found > wanted:
        return f"the database is at revision {found}, made by a newer relay than this one ({wanted}); update"
    return None
