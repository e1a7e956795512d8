"""The switch that stops all retries at once, for every worker, whatever their configuration says."""

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from relay.store import marks
from relay.store.marks import Mark, mark_key

KIND, KEY = "retries", mark_key("retries", "off")


@dataclass(frozen=True, kw_only=True, slots=True)
class SwitchedOff:
    """Since when retries are off, who did that and why."""

    at: datetime
    who: str | None = None
    why: str | None = None

    @property
    def words(self) -> str:
        by = f" by {self.who}" if self.who else ""
        return f"retries are switched off{by}{f': {self.why}' if self.why else ''}"


def read(conn: Connection) -> SwitchedOff | None:
    """None while retries are on."""
    mark = marks.read(conn, KIND).get(KEY)
    return None if mark is None else SwitchedOff(at=mark.at, **json.loads(mark.text))


def off(conn: Connection, switched: SwitchedOff) -> SwitchedOff:
    """Switch retries off; the first who did so stays."""
    words = json.dumps({"who": switched.who, "why": switched.why})
    marks.put(conn, Mark(key=KEY, at=switched.at, text=words))
    return read(conn) or switched


def on(conn: Connection) -> bool:
    """Whether they were off."""
    was_off = read(conn) is not None
    marks.remove(conn, [KEY])
    return was_off
