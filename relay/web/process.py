"""One web process: opens the store, builds the application."""

from datetime import UTC, datetime

import structlog

from relay import logs
from relay.errors import RelayError
from relay.store import Store
from relay.store.group_commit import GroupCommit
from relay.web.app import Services, create_app
from relay.web.metrics import Board
from relay.web.server import Running, body_patience
from relay.web.settings import read


class Builder:
    """Builds each web process after its fork. RelayError when the configuration cannot be used."""

    def __init__(self, path: str, level: str) -> None:
        self._path = path
        self._level = level
        self._settings = read(path)
        self._board = Board()
        logs.configure(level, self._settings.masker)

    def refresh(self) -> None:
        """Where the processes are started: the configuration they have is the newest that can be used."""
        try:
            self._settings = read(self._path)
        except RelayError as error:
            structlog.get_logger("relay").error("configuration refused, the old one stays", faults=str(error))

    def __call__(self, number: int) -> Running:
        settings = self._settings
        logs.configure(self._level, settings.masker)
        store = Store.open(settings.store.reveal())
        commits = GroupCommit(store)
        services = Services(
            access=settings.access,
            submit=commits.submit,
            store=store,
            now=_now,
            board=self._board,
            number=number,
            patience=body_patience(),
        )

        def close() -> None:
            commits.close()
            store.close()

        return Running(app=create_app(services), close=close)


def _now() -> datetime:
    return datetime.now(UTC)
