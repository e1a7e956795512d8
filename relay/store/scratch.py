"""A store in a file of its own for playing decisions through, whose clock is what the caller says."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, Double, bindparam, event, func, insert, literal_column, select, update

from relay.ids import new_id
from relay.model import DeliveryState, Outcome
from relay.quieting import Slot
from relay.store import claims, migrations, plans
from relay.store.blobs import clean, key_of, pack, pack_json
from relay.store.claims import Claim
from relay.store.engine import open_engine, writing
from relay.store.loads import StoredDelivery, StoredEvent
from relay.store.past import Past
from relay.store.plans import HISTORY
from relay.store.portable import among
from relay.store.queue import Turn
from relay.store.tables import (
    IS_READY,
    PLANNING,
    EventState,
    Moment,
    Step,
    WorkState,
    deliveries,
    events,
    slots,
    work,
)

SEEN_MOST = 50_000  # names of state keys and slots that are remembered as looked up


class Scratch:
    """Nobody else uses the file and nothing in it has to last."""

    def __init__(self, file: Path) -> None:
        self._engine = open_engine(f"sqlite:///{file}")
        event.listen(self._engine, "connect", _hurry)
        self.past = Past(self._engine)
        with writing(self._engine) as conn:
            migrations.upgrade(conn)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._engine.dispose()

    @contextmanager
    def scene(self, recall: "Recall") -> Iterator["Scene"]:
        """One transaction, for as many turns as the caller likes."""
        with writing(self._engine) as conn:
            yield Scene(conn, recall)


def _hurry(connection: Any, _: Any) -> None:
    connection.execute("PRAGMA synchronous=OFF")


@dataclass(frozen=True, kw_only=True, slots=True)
class Owed:
    """A delivery that nobody has taken yet."""

    id: str
    due_at: datetime


class Recall:
    """What was known before a play begins, looked up in the ledger when it is asked for."""

    def __init__(self, past: Past, begin: datetime) -> None:
        self._past, self._begin = past, begin
        self._keys, self._slots = _Seen(), _Seen()

    def outcomes(self, conn: Connection, keys: Iterable[str]) -> None:
        if fresh := self._keys.fresh(keys):
            plans.add_outcomes(conn, self._past.histories(fresh, self._begin), self._begin)

    def slots(self, conn: Connection, names: Iterable[str]) -> None:
        """With as much of their deliveries as tells what they are worth."""
        fresh = self._slots.fresh(names)
        for row in self._past.slots(fresh, self._begin) if fresh else ():
            if row["state"] is not None:
                conn.execute(_STAND_IN, _delivery_row(row))
            conn.execute(_KEEP_SLOT, {name: row[name] for name in slots.c.keys()})  # noqa: SIM118


class _Seen:
    """Names that were looked up; the oldest are forgotten, and looked up again."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}

    def fresh(self, names: Iterable[str]) -> list[str]:
        """Those seen for the first time."""
        new = [name for name in dict.fromkeys(names) if name not in self._names]
        self._names.update(dict.fromkeys(new))
        for name in list(islice(self._names, max(0, len(self._names) - SEEN_MOST))):
            del self._names[name]
        return new


class _Recalling(Turn):
    """A turn that knows what was before the play."""

    def __init__(self, conn: Connection, recall: Recall) -> None:
        super().__init__(conn, sender="")
        self._recall = recall

    def histories(self, keys: Iterable[str], limit: int = HISTORY) -> Mapping[str, tuple[Outcome, ...]]:
        wanted = tuple(keys)
        self._recall.outcomes(self._conn, wanted)
        return super().histories(wanted, limit)

    def slots(self, names: Collection[str]) -> Mapping[str, Slot]:
        self._recall.slots(self._conn, names)
        return super().slots(names)


class Scene:
    """A turn of the queue, and what the caller does in place of web processes, workers and services."""

    def __init__(self, conn: Connection, recall: "Recall") -> None:
        self._conn = conn
        self._worker = new_id()
        self.turn: Turn = _Recalling(conn, recall)

    def enter(self, hooks: Sequence[StoredEvent]) -> tuple[Claim, ...]:
        """Events that have come, claimed to be planned."""
        self._conn.execute(insert(events), [_event_row(hook) for hook in hooks])
        self._conn.execute(insert(work), [_plan_row(hook.id, self._worker) for hook in hooks])
        rows = self._conn.execute(_TAKEN, {"ids": [hook.id for hook in hooks]})
        held = {row.ref: _claim(row, self._worker) for row in rows}
        return tuple(held[hook.id] for hook in hooks)

    def live(self, ids: Collection[str]) -> frozenset[str]:
        """Those of these deliveries that are owed; what has joined a group is not there by itself."""
        rows = self._conn.execute(_TAKEN, {"ids": list(ids)}) if ids else ()
        return frozenset(row.ref for row in rows)

    def take(self, id: str) -> Claim:
        """Claim a delivery, due or not; a group stays open."""
        self._conn.execute(_TAKE, {"ids": [id], "worker_id": self._worker})
        return _claim(self._conn.execute(_TAKEN, {"ids": [id]}).one(), self._worker)

    def close(self, id: str, now: datetime) -> None:
        """A group takes no more."""
        claims.close(self._conn, [id], now.timestamp())

    def postpone(self, id: str, again_at: datetime) -> None:
        """A delivery that failed is tried once more, and costs then what it costs."""
        self._conn.execute(_POSTPONE, {"wanted": id, "again_at": again_at})

    def requeue(self, id: str) -> Claim:
        """A delivery that was over is owed again."""
        again = self._conn.execute(_REOPEN, {"wanted": id}).one()
        row = _plan_row(id, self._worker) | {"step": Step.DELIVER.value, "destination": again.destination}
        self._conn.execute(insert(work), row)
        return self.take(id)

    def owed(self, until: datetime) -> tuple[Owed, ...]:
        """Deliveries that are due before then and not taken, the first due first."""
        rows = self._conn.execute(_OWED, {"until": until.timestamp()})
        return tuple(Owed(id=row.ref, due_at=datetime.fromtimestamp(row.due, UTC)) for row in rows)

    def delivery(self, claim: Claim) -> StoredDelivery:
        return self.turn.load([claim]).deliveries[claim.ref]


def _event_row(hook: StoredEvent) -> dict[str, Any]:
    return {
        "id": hook.id,
        "dedupe_key": hook.id,
        "received_at": hook.received_at,
        "kind": hook.kind.value,
        "generation": hook.generation.value,
        "type": clean(hook.type),
        "body": pack(b""),
        "state": EventState.NEW.value,
    }


def _plan_row(event_id: str, worker: str) -> dict[str, Any]:
    return {
        "step": Step.PLAN.value,
        "ref": event_id,
        "destination": PLANNING,
        "state": WorkState.LEASED.value,
        "grouped": False,
        "due_at": 0.0,
        "wait_s": 0.0,
        "attempt": 1,
        "worker": worker,
        "lost": False,
    }


def _claim(row: Any, worker: str) -> Claim:
    return Claim(
        id=row.id,
        step=Step(row.step),
        ref=row.ref,
        destination=row.destination,
        lane=row.lane,
        attempt=row.attempt,
        worker=worker,
        lost=False,
        grouped=row.grouped,
    )


def _delivery_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Enough of a delivery of long ago to tell what its slot is worth."""
    return {
        "id": row["delivery_id"],
        "target": "",
        "kind": "",
        "route": "",
        "destination": key_of(""),
        "open": False,
        "state": row["state"] if row["finished_at"] else DeliveryState.DELIVERED.value,
        "created_at": row["reserved_at"],
        "queued_at": row["reserved_at"],
        "due_at": 0.0,
        "finished_at": row["finished_at"] or row["reserved_at"],
        "terms": pack_json({"also": (), "mention": (), "settings": {}}),
    }


_TAKE = (
    update(work)
    .where(among(work.c.ref, "ids"))
    .values(state=literal_column("'leased'"), attempt=work.c.attempt + 1, worker=bindparam("worker_id"))
)
_TAKEN = select(work).where(among(work.c.ref, "ids")).order_by(work.c.id)
_REOPEN = (
    update(deliveries)
    .where(deliveries.c.id == bindparam("wanted"))
    .values(state=literal_column("'waiting'"), finished_at=None)
    .returning(deliveries.c.destination)
)
_POSTPONE = (
    update(deliveries)
    .where(deliveries.c.id == bindparam("wanted"), deliveries.c.spends_at.is_not(None))
    .values(spends_at=bindparam("again_at", type_=Moment()))
)
_DUE = func.max(work.c.due_at, func.coalesce(deliveries.c.due_at, work.c.due_at))
_OWED = (
    select(work.c.ref, _DUE.label("due"))
    .join(deliveries, deliveries.c.id == work.c.ref)
    .where(IS_READY, bindparam("until", type_=Double()) > _DUE)
    .order_by(_DUE, work.c.id)
)
_STAND_IN = insert(deliveries).prefix_with("OR IGNORE")
_KEEP_SLOT = insert(slots).prefix_with("OR IGNORE")
