"""Statements compiled once to the driver's own text, for the few that somebody waits for.

SQLAlchemy looks a statement up and converts every value each time, which for a batch of webhooks costs
more than the database's own work. Here values are bound as they are given: what a column's type would
convert, the caller has converted.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, CursorResult, Dialect
from sqlalchemy.sql.elements import ClauseElement

Values = Mapping[str, Any]


class DriverStatement:
    """One statement for one kind of database. `columns`: those an INSERT gets values for."""

    def __init__(self, dialect: Dialect, statement: ClauseElement, columns: Sequence[str] = ()) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=list(columns) or None)
        self._sql = str(compiled)
        self._order: Sequence[str] = getattr(compiled, "positiontup", None) or ()  # none: bound by name
        self._fixed = {} if columns else compiled.params

    def run(self, conn: Connection, values: Values) -> CursorResult[Any]:
        """Once, and what it returns."""
        return conn.exec_driver_sql(self._sql, self._bound({**self._fixed, **values}))

    def run_many(self, conn: Connection, rows: Sequence[Values]) -> None:
        """Once for each row."""
        conn.exec_driver_sql(self._sql, [self._bound(row) for row in rows])

    def _bound(self, values: Values) -> Any:
        return tuple([values[name] for name in self._order]) if self._order else dict(values)
