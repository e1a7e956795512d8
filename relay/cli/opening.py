"""Opens the database and webhooks for commands that look into them; none of them makes one."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from relay import payloads, wiring
from relay.cli.output import Mistake, visible
from relay.config import Config
from relay.errors import PayloadError, StoreError, UsageError
from relay.ids import new_id
from relay.store import Store, StoredEvent, migrations
from relay.store.engine import database_url

UPGRADE = "run `relay db upgrade`"
NO_HISTORY = "no history yet"
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Looked:
    """The database for reading, or why there is none."""

    store: Store | None = None
    missing: str | None = None


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


@contextmanager
def looking(settings: Config) -> Iterator[Looked]:
    """The database when there is one. A dry run goes on without it, and says so."""
    if missing_file(settings):
        yield Looked(missing=NO_HISTORY)
        return
    with Store.open(settings.store.reveal()) as store:
        problem = _problem(store)
        yield Looked(missing=f"no history: {problem}") if problem else Looked(store=store)


def _problem(store: Store) -> str | None:
    try:
        return schema_problem(store)
    except StoreError as error:
        return str(error)


def read_hook(name: str, looked: Looked) -> StoredEvent:
    """The webhook that is meant: standard input, a file, or an event in the ledger."""
    now = datetime.now(UTC)
    if name == "-":
        return hook_of("standard input", sys.stdin.buffer.read(), now)
    file = Path(name)
    try:
        return hook_of(name, file.read_bytes(), now)
    except (FileNotFoundError, ValueError):
        return _recorded(name, looked)
    except OSError as error:
        raise Mistake(visible(f"{name}: cannot be read: {error.strerror}")) from error


def _recorded(name: str, looked: Looked) -> StoredEvent:
    detail = looked.store.event(name) if looked.store else None
    if detail is None:
        where = "" if looked.store else f" ({looked.missing})"
        raise Mistake(visible(f"there is no file {name}, and no event with that id in the ledger{where}"))
    return StoredEvent(
        id=detail.row.id,
        received_at=detail.row.received_at,
        kind=detail.row.kind,
        generation=detail.row.generation,
        type=detail.row.type,
        source_id=detail.source_id,
        content_type=detail.content_type,
        body=detail.body,
    )


def hook_of(name: str, body: bytes, now: datetime) -> StoredEvent:
    """A webhook's body as if it had just arrived. Mistake when it is none; `name` is what that calls it."""
    content_type = FORM if body.lstrip()[:1] not in (b"{", b"\xef") and b"payload=" in body else JSON
    try:
        peek = payloads.peek(body, content_type)
    except PayloadError as error:
        raise Mistake(visible(f"{name}: {error}")) from error
    return StoredEvent(
        id=new_id(),
        received_at=now,
        kind=peek.kind,
        generation=peek.generation,
        type=peek.type,
        source_id=peek.source_id,
        content_type=content_type,
        body=body,
    )
