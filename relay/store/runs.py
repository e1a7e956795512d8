"""Runs that actions start at CircleCI: the intent before the call, what came of it, and what led to what."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.types import BigInteger, Text

from relay.runs import Earlier, Intent, Origin, Outcome, Run, RunKind, RunState
from relay.store.blobs import LONGEST_ERROR, clean, key_of, optional_key, whole
from relay.store.engine import reading, writing
from relay.store.portable import among, lock_names
from relay.store.tables import Moment, runs

MayStart = Callable[[Earlier], str | None]


class Runs:
    """Every call is a short transaction of its own; any thread may use it. Raises StoreError."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def find(self, delivery_id: str) -> Run | None:
        with reading(self._engine) as conn:
            return _find(conn, delivery_id)

    def intend(self, intent: Intent, why_not: MayStart) -> Run:
        """Write down what is about to be asked for, if nothing speaks against it.

        `why_not` is told what was started before and says why not to go on, or None; it must not look
        anywhere else. The run that is given back is intended or refused. One delivery has one run: an
        earlier refusal is judged anew, any other earlier run is given back as it is.
        """
        with writing(self._engine) as conn:
            lock_names(conn, _locks(intent))
            known = _find(conn, intent.delivery_id)
            if known is not None and known.state is not RunState.REFUSED:
                return known
            earlier, root = _earlier(conn, intent)
            _write(conn, intent, root, earlier, why_not(earlier), is_new=known is None)
            made = _find(conn, intent.delivery_id)
        assert made is not None
        return made

    def settle(self, delivery_id: str, outcome: Outcome) -> None:
        """Record what came of an intent."""
        with writing(self._engine) as conn:
            conn.execute(_SETTLE, {"wanted": delivery_id, **_outcome_row(outcome)})

    def children(self, root: str) -> tuple[str, ...]:
        """Keys of everything that was started on this root."""
        with reading(self._engine) as conn:
            return tuple(conn.execute(_CHILDREN, {"root": key_of(root)}).scalars())

    def started(self, keys: Iterable[str]) -> Mapping[str, Run]:
        """The runs whose children have these keys, by key; the newest of each."""
        wanted = {key_of(key): key for key in keys}
        if not wanted:
            return {}
        with reading(self._engine) as conn:
            rows = conn.execute(_STARTED, {"keys": list(wanted)})
            return {wanted[row.child]: _run(row) for row in rows}


def forget(conn: Connection, ids: Sequence[str]) -> None:
    """The runs of deliveries that are forgotten too."""
    if ids:
        conn.execute(_FORGET, {"ids": list(ids)})


def _locks(intent: Intent) -> tuple[str, ...]:
    """Whoever intends something on the same chain, or within the same cooldown, waits."""
    names = (*intent.origin.keys, intent.origin.root, intent.origin.family, f"scope {intent.scope}")
    return tuple(f"run {name}" for name in names if name)


def _find(conn: Connection, delivery_id: str) -> Run | None:
    row = conn.execute(_FIND, {"wanted": delivery_id}).one_or_none()
    return None if row is None else _run(row)


def _earlier(conn: Connection, intent: Intent) -> tuple[Earlier, str]:
    """What was started before, and the root that this run belongs to."""
    origin = intent.origin
    root = _root(conn, intent.kind, origin)
    on_root = conn.execute(_ON_ROOT, {"root": root, "kind": intent.kind.value, "own": intent.delivery_id})
    about = {"scope": key_of(intent.scope), "kind": intent.kind.value, "own": intent.delivery_id}
    earlier = Earlier(
        on_root=tuple(map(_run, on_root)),
        depth=conn.execute(_DEPTH, {"keys": _keys(origin), "kind": intent.kind.value}).scalar_one(),
        last_in_scope=conn.execute(_LAST, about).scalar_one(),
    )
    return earlier, root


def _root(conn: Connection, kind: RunKind, origin: Origin) -> str:
    known = {"keys": _keys(origin), "kind": kind.value, "family": optional_key(origin.family)}
    found: str | None = conn.execute(_ROOT, known).scalar()
    return found or key_of(origin.root)


def _keys(origin: Origin) -> list[str]:
    return [key_of(key) for key in origin.keys]


def _write(
    conn: Connection, intent: Intent, root: str, earlier: Earlier, refusal: str | None, *, is_new: bool
) -> None:
    state = RunState.INTENDED if refusal is None else RunState.REFUSED
    values = {
        "kind": intent.kind.value,
        "action": intent.action,
        "project": clean(intent.project),
        "root": root,
        "origin": key_of(intent.origin.keys[0]),
        "family": optional_key(intent.origin.family),
        "scope": key_of(intent.scope),
        "depth": earlier.depth,
        "requested_at": intent.requested_at,
        "state": state.value,
        "why": clean(refusal, LONGEST_ERROR),
    }
    if is_new:
        conn.execute(insert(runs).values(delivery_id=intent.delivery_id, **values))
    else:
        conn.execute(update(runs).where(runs.c.delivery_id == intent.delivery_id).values(**values))


def _outcome_row(outcome: Outcome) -> dict[str, Any]:
    return {
        "new_state": outcome.state.value,
        "new_child": optional_key(outcome.child),
        "new_number": whole(outcome.number),
        "new_how": clean(outcome.how),
        "new_why": clean(outcome.why, LONGEST_ERROR),
    }


def _run(row: Any) -> Run:
    return Run(
        delivery_id=row.delivery_id,
        kind=RunKind(row.kind),
        action=row.action,
        project=row.project,
        root=row.root,
        origin=row.origin,
        depth=row.depth,
        requested_at=row.requested_at,
        state=RunState(row.state),
        child=row.child,
        number=row.number,
        how=row.how,
        why=row.why,
    )


_IS_KIND = runs.c.kind == bindparam("kind", type_=Text())
_IS_LIVE = runs.c.state != literal_column("'refused'")
_IS_OTHER = runs.c.delivery_id != bindparam("own", type_=Text())
_FIND = select(runs).where(runs.c.delivery_id == bindparam("wanted"))
_ROOT = (
    select(runs.c.root)
    .where(
        _IS_KIND,
        _IS_LIVE,
        or_(
            among(runs.c.child, "keys"),
            among(runs.c.origin, "keys"),
            among(runs.c.root, "keys"),
            runs.c.family == bindparam("family", type_=Text()),
        ),
    )
    .order_by(runs.c.requested_at, runs.c.delivery_id)
    .limit(literal_column("1"))
)
_ON_ROOT = (
    select(runs)
    .where(runs.c.root == bindparam("root"), _IS_KIND, _IS_LIVE, _IS_OTHER)
    .order_by(runs.c.requested_at, runs.c.delivery_id)
)
_DEPTH = select(func.coalesce(func.max(runs.c.depth + 1), 0)).where(_IS_KIND, among(runs.c.child, "keys"))
_LAST = select(func.max(runs.c.requested_at, type_=Moment())).where(
    runs.c.scope == bindparam("scope"), _IS_KIND, _IS_LIVE, _IS_OTHER
)
_CHILDREN = select(runs.c.child).where(runs.c.root == bindparam("root"), runs.c.child.is_not(None))
_STARTED = select(runs).where(among(runs.c.child, "keys")).order_by(runs.c.delivery_id)
_SETTLE = (
    update(runs)
    .where(runs.c.delivery_id == bindparam("wanted"))
    .values(
        state=bindparam("new_state", type_=Text()),
        child=bindparam("new_child", type_=Text()),
        number=bindparam("new_number", type_=BigInteger()),
        how=bindparam("new_how", type_=Text()),
        why=bindparam("new_why", type_=Text()),
    )
)
_FORGET = delete(runs).where(among(runs.c.delivery_id, "ids"))
