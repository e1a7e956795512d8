"""The few places where SQLite and PostgreSQL say the same thing in different words."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    BindParameter,
    Boolean,
    ColumnElement,
    Connection,
    Dialect,
    Select,
    Table,
    Text,
    bindparam,
    column,
    func,
    literal_column,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import TableValuedAlias
from sqlalchemy.types import TypeDecorator, TypeEngine

CHANNEL = "relay_work"


def is_postgresql(where: Connection | Dialect) -> bool:
    dialect = where.dialect if isinstance(where, Connection) else where
    return dialect.name == "postgresql"


class ListOf(TypeDecorator[Any]):
    """A list bound as one parameter: an array on PostgreSQL, JSON on SQLite."""

    impl = Text
    cache_ok = True

    def __init__(self, item: TypeEngine[Any]) -> None:
        super().__init__()
        self.item = item

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(ARRAY(self.item) if is_postgresql(dialect) else Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return list(value) if is_postgresql(dialect) else json.dumps(list(value))


class _Among(FunctionElement[bool]):
    type = Boolean()
    inherit_cache = True
    _is_implicitly_boolean = True  # else SQLite is asked whether it "= 1", and uses no index


@compiles(_Among, "sqlite")
def _among_sqlite(element: _Among, compiler: SQLCompiler, **kw: Any) -> str:
    wanted, values = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"{wanted} IN (SELECT value FROM json_each({values}))"  # noqa: S608 - compiled SQL, values bound


@compiles(_Among, "postgresql")
def _among_postgresql(element: _Among, compiler: SQLCompiler, **kw: Any) -> str:
    wanted, values = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"{wanted} = ANY ({values})"


def among(wanted: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Whether a column is one of the list bound to `name`; any length, one statement, compiled once."""
    item = BigInteger() if isinstance(wanted.type.as_generic(allow_nulltype=True), BigInteger) else Text()
    return _Among(wanted, bindparam(name, type_=ListOf(item)))


class _Each(FunctionElement[Any]):
    inherit_cache = True


@compiles(_Each, "sqlite")
def _each_sqlite(element: _Each, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **kw)})"


@compiles(_Each, "postgresql")
def _each_postgresql(element: _Each, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_array_elements_text(CAST({compiler.process(element.clauses, **kw)} AS json))"


def each(name: str) -> TableValuedAlias:
    """The texts of the JSON list bound to `name` as rows of one column, `value`."""
    return _Each(bindparam(name, type_=Text())).table_valued(column("value", Text()), name=f"each_{name}")


def listed(texts: Iterable[str]) -> str:
    """What to bind for `each`."""
    return json.dumps(list(texts))


def insert(conn: Connection, table: Table) -> Any:
    """An INSERT that knows ON CONFLICT, which SQLAlchemy spells per database with the same methods."""
    return insert_for(is_postgresql(conn), table)


def insert_for(on_postgresql: bool, table: Table) -> Any:
    if on_postgresql:
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)


def lock_names(conn: Connection, names: Iterable[str]) -> None:
    """Hold these names until the transaction ends. SQLite has one writer, so it needs no lock.

    Sorted, so that two transactions that want several never wait for each other in a circle. Names that
    share a hash share a lock, which costs time and nothing else.
    """
    keys = sorted({lock_number(name) for name in names})
    if keys and is_postgresql(conn):
        conn.execute(_LOCK, {"keys": keys})


def lock_number(name: str) -> int:
    """The number PostgreSQL's advisory locks know a name by."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), signed=True)


def notify(conn: Connection, sender: str = "") -> None:
    """Wake the workers when this transaction commits. On SQLite they see the commit itself."""
    if is_postgresql(conn):
        conn.execute(_NOTIFY, {"sender": sender})


def commit_ahead(conn: Connection) -> None:
    """This transaction's commit need not wait for PostgreSQL's disk.

    Others see it at once, and a later commit takes it to disk along with itself. Only when the server
    crashes within the second it may be as if it had not been.
    """
    if is_postgresql(conn):
        conn.execute(_COMMIT_AHEAD)


def _lock_statement() -> Select[Any]:
    keys: BindParameter[Any] = bindparam("keys", type_=ListOf(BigInteger()))
    listed = func.unnest(keys).table_valued(column("key", BigInteger())).render_derived(name="listed")
    return select(func.pg_advisory_xact_lock(listed.c.key))


_LOCK = _lock_statement()
_COMMIT_AHEAD = select(func.set_config("synchronous_commit", "off", literal_column("true")))
_NOTIFY = select(func.pg_notify(CHANNEL, bindparam("sender", type_=Text())))
