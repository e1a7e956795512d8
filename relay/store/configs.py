"""The configurations that decided, so that an old decision can be read beside its routes."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from relay.store import portable
from relay.store.blobs import pack_json, unpack_json
from relay.store.tables import generations


def record(conn: Connection, fingerprint: str, routes: Any, now: datetime) -> None:
    """Once per fingerprint."""
    row = {"fingerprint": fingerprint, "routes": pack_json(routes), "loaded_at": now}
    conn.execute(portable.insert(conn, generations).on_conflict_do_nothing(), row)


def routes(conn: Connection, fingerprint: str) -> Any:
    query = select(generations.c.routes).where(generations.c.fingerprint == fingerprint)
    return unpack_json(conn.execute(query).scalar())
