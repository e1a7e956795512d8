"""Bringing the schema up to date: Alembic, driven from here, one process at a time."""

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, column, inspect, select, table

from relay.store.portable import lock_names

FOLDER = Path(__file__).parent
VERSION_TABLE = "alembic_version"


def head() -> str:
    """The newest revision there is. Files in `versions` are called r<revision>_<what>.py, counting up."""
    newest = max(file.name for file in (FOLDER / "versions").glob("r[0-9]*.py"))
    return newest.partition("_")[0][1:]


def revision(conn: Connection) -> str | None:
    """The revision the database is at; None when it is empty."""
    if not inspect(conn).has_table(VERSION_TABLE):
        return None
    found: str | None = conn.execute(select(column("version_num")).select_from(table(VERSION_TABLE))).scalar()
    return found


def upgrade(conn: Connection) -> tuple[str | None, str]:
    """Run what is missing inside the caller's write transaction; the revisions before and after."""
    lock_names(conn, ["upgrade"])
    before = revision(conn)
    newest = head()
    if before is None or before < newest:
        _run(conn)
    return before, revision(conn) or newest


def _run(conn: Connection) -> None:
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)

    def steps(revision: Any, _: Any) -> Any:
        return scripts._upgrade_revs("head", revision)

    with EnvironmentContext(config, scripts, fn=steps) as environment:
        environment.configure(connection=conn, transactional_ddl=True, fn=steps)
        environment.run_migrations()
