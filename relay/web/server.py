"""Runs gunicorn from the program, with the settings the accept path was measured with.

Two gevent processes, each kept on a core of its own: threads fight for the interpreter's lock across
cores, and a process that stays where its caches are takes about a quarter more webhooks a second.
"""

import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gevent
from gunicorn.app.base import BaseApplication

from relay.web.body import Patience
from relay.web.gevent_worker import FairWorker, Seats

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

MOST_WORKERS = 2  # by default; more are for machines that do nothing else
BODY_TIME_S = 15.0  # for a body to arrive; CircleCI itself gives up after 10
KEEP_ALIVE_S = 75  # for the next request on a connection, and for its head to arrive
HUNG_AFTER_S = 60  # a web process that does not turn its loop for this long is replaced
STOP_WITHIN_S = 10  # requests under way may finish
CONNECTIONS = 1000  # in one process at once
STOP_SIGNALS = (signal.SIGTERM, signal.SIGQUIT, signal.SIGINT)
HEARTBEAT_FOLDER = Path("/dev/shm")  # gunicorn's heartbeat files must not wait for a disk  # noqa: S108


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """One process's application, and how to end it: called after its last request."""

    app: "WSGIApplication"
    close: Callable[[], None] = lambda: None


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerSettings:
    """How to listen. `ready` is told the address, `http://127.0.0.1:8080`, once connections are taken."""

    bind: str = "127.0.0.1:8080"  # port 0 takes a free one
    workers: int | None = None  # None: one for each core, at most MOST_WORKERS
    log_level: str = "warning"
    ready: Callable[[str], None] = lambda address: None
    reloading: Callable[[], None] = lambda: None  # on SIGHUP, in the process that starts the others


def serve(settings: ServerSettings, build: Callable[[int], Running]) -> None:
    """Serve until told to stop by a signal; does not return.

    `build` is called once in every web process, after the fork, with its number from 0, and again in new
    ones after SIGHUP: read the configuration and open the store there, never before. What the processes
    share, the metrics board, is made before.
    """
    _Server(settings, build).run()


def worker_count(settings: ServerSettings) -> int:
    """How many web processes there will be."""
    return settings.workers or min(MOST_WORKERS, len(_cores()) or 1)


def body_patience(seconds: float = BODY_TIME_S) -> Patience:
    """Bounds the time a body may take, in a process that gevent runs."""
    return lambda: gevent.Timeout(seconds, TimeoutError)


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    def __init__(self, settings: ServerSettings, build: Callable[[int], Running]) -> None:
        self._settings = settings
        self._build = build
        self.number = 0  # of this web process, in the process itself
        self.seats = Seats()
        self._running: Running | None = None
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options().items():
            if name in self.cfg.settings:  # some exist in newer versions only
                self.cfg.set(name, value)

    def load(self) -> "WSGIApplication":
        self._running = self._build(self.number)
        return self._running.app

    def _options(self) -> Mapping[str, Any]:
        return {
            "bind": self._settings.bind,
            "workers": worker_count(self._settings),
            "worker_class": FairWorker,
            "worker_connections": CONNECTIONS,
            "worker_tmp_dir": str(HEARTBEAT_FOLDER) if HEARTBEAT_FOLDER.is_dir() else None,
            "keepalive": KEEP_ALIVE_S,
            "timeout": HUNG_AFTER_S,
            "graceful_timeout": STOP_WITHIN_S,
            "limit_request_line": 4094,
            "limit_request_fields": 100,
            "limit_request_field_size": 8190,
            "loglevel": self._settings.log_level,
            "accesslog": None,
            "proc_name": "relay",
            "control_socket_disable": True,
            "pre_fork": self._number_worker,
            "post_fork": self._settle_worker,
            "worker_exit": self._end_worker,
            "child_exit": self._note_death,
            "when_ready": self._tell_address,
            "on_reload": lambda _arbiter: self._settings.reloading(),
        }

    def _number_worker(self, arbiter: Any, worker: Any) -> None:
        taken = {other.seat for other in arbiter.WORKERS.values()}
        worker.seat = next(number for number in range(len(taken) + 1) if number not in taken)

    def _settle_worker(self, _arbiter: Any, worker: Any) -> None:
        for number in STOP_SIGNALS:  # until gunicorn sets its own, or one that comes early would be lost
            signal.signal(number, signal.SIG_DFL)
        self.number = worker.seat
        self.seats.open(worker.seat)
        cores = _cores()
        if 1 < worker_count(self._settings) <= len(cores):
            os.sched_setaffinity(0, {cores[worker.seat % len(cores)]})

    def _note_death(self, _arbiter: Any, worker: Any) -> None:
        self.seats.close(worker.seat)

    def _end_worker(self, _arbiter: Any, _worker: Any) -> None:
        if self._running is not None:
            self._running.close()

    def _tell_address(self, arbiter: Any) -> None:
        host, port = arbiter.LISTENERS[0].sock.getsockname()[:2]
        self._settings.ready(f"http://{f'[{host}]' if ':' in host else host}:{port}")


def _cores() -> list[int]:
    """The cores this process may use, where the system tells."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
