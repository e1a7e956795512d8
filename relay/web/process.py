"""One web process: reads the configuration, opens the store, builds the application."""

from datetime import UTC, datetime

import structlog

from relay import logs, wiring
from relay.config import Config
from relay.errors import ConfigError
from relay.store import Store
from relay.store.group_commit import GroupCommit
from relay.web.access import Access
from relay.web.app import Services, create_app
from relay.web.metrics import Board
from relay.web.server import Running, body_patience


class Builder:
    """Builds each web process after its fork. Keeps the last good configuration for when a new one is not."""

    def __init__(self, settings: Config, level: str) -> None:
        self._settings = settings
        self._level = level
        self._board = Board()

    def refresh(self) -> None:
        """Where the processes are started: what they fall back to when the file is broken by then."""
        self._settings = self._newest()

    def __call__(self, number: int) -> Running:
        settings = self._newest()
        logs.configure(self._level, settings.masker)
        store = Store.open(settings.store.reveal())
        commits = GroupCommit(store)
        services = Services(
            access=access_of(settings),
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

    def _newest(self) -> Config:
        try:
            return wiring.load_config(self._settings.source)
        except ConfigError as error:
            structlog.get_logger("relay").error("configuration refused, the old one stays", faults=str(error))
            return self._settings


def access_of(settings: Config) -> Access:
    """What proves that a webhook is CircleCI's."""
    hooks = settings.circleci.hooks
    return Access(secrets=hooks.secrets, url_tokens=hooks.url_tokens)


def _now() -> datetime:
    return datetime.now(UTC)
