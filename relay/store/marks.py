"""Marks: what has been told already, so that of many workers one tells it, once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, or_, select, update

from relay.store import portable
from relay.store.blobs import key_of
from relay.store.tables import marks

DEAD, REJECTED = "dead", "rejected"
PASSING = (DEAD, REJECTED)  # kinds that hold the time of the last telling, so that the next is not too soon
ASKED_FOR = timedelta(days=7)  # more than any such time


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """What is kept under a key. version: of the mark whose place this one takes; 0 when there is none."""

    key: str
    at: datetime
    text: str = ""
    version: int = 0


def mark_key(kind: str, name: str) -> str:
    return f"{kind}:{key_of(name)}"


def read(conn: Connection, kind: str) -> dict[str, Mark]:
    """All of a kind, by key."""
    ours = (marks.c.key >= f"{kind}:", marks.c.key < f"{kind};")  # ; comes after :
    return {row.key: Mark(**row._mapping) for row in conn.execute(select(marks).where(*ours))}


def put(conn: Connection, mark: Mark) -> bool:
    """False when another was faster, and the mark is not the one any more that this one was made after."""
    row = {"key": mark.key, "at": mark.at, "text": mark.text, "version": mark.version + 1}
    if mark.version == 0:
        statement = portable.insert(conn, marks).on_conflict_do_nothing()
        return conn.execute(statement.returning(marks.c.key), row).scalar() is not None
    unchanged = (marks.c.key == mark.key, marks.c.version == mark.version)
    changed = update(marks).where(*unchanged).values(at=mark.at, text=mark.text, version=mark.version + 1)
    return conn.execute(changed).rowcount == 1


def forget(conn: Connection, older_than: datetime) -> None:
    """Those that only say when something was told last, and that nobody asks for any more. The others are
    about something that still holds; whoever knows that it does not removes them."""
    old = marks.c.at < older_than - ASKED_FOR
    of_kind = or_(*(marks.c.key.startswith(f"{kind}:", autoescape=True) for kind in PASSING))
    conn.execute(delete(marks).where(old, of_kind))


def remove(conn: Connection, keys: Sequence[str]) -> None:
    conn.execute(delete(marks).where(portable.among(marks.c.key, "keys")), {"keys": list(keys)})
