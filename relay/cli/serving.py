"""`relay serve` and `relay worker`: the processes that run for long."""

import signal
from queue import SimpleQueue
from threading import Thread
from types import FrameType
from typing import TYPE_CHECKING

import click
import structlog

from relay import config, lifeline, logs, wiring
from relay.config import Config
from relay.errors import ConfigError, RelayError
from relay.store import Store

if TYPE_CHECKING:
    from relay.worker import Worker

DEFAULT_BIND = "127.0.0.1:8080"

log_level = click.option(
    "--log-level",
    type=click.Choice(logs.LEVELS),
    default="info",
    show_default=True,
    envvar="RELAY_LOG_LEVEL",
    help="The least important lines to log.",
)


@click.command()
@click.option(
    "--bind", metavar="HOST:PORT", help=f"Where to listen.  [default: server.bind, else {DEFAULT_BIND}]"
)
@click.option(
    "--workers", type=click.IntRange(1, 64), help="Web processes.  [default: one per core, at most 2]"
)
@click.option("--no-worker", is_flag=True, help="Only the endpoint; run `relay worker` elsewhere.")
@log_level
@click.pass_obj
def serve(path: str, bind: str | None, workers: int | None, no_worker: bool, log_level: str) -> None:
    """Run the webhook endpoint and a delivery worker.

    Brings the database up to date first. SIGTERM stops after finishing what is in hand; SIGHUP reads the
    configuration again and keeps the old one when the new one is broken.
    """
    from relay.supervisor import Command, supervise

    text = config.text_of(path)
    settings = wiring.load_text(text, path)
    logs.configure(log_level, settings.masker)
    where = bind or settings.server.bind or DEFAULT_BIND
    _refuse_strangers(settings, where)
    prepare(settings)
    level = ["--log-level", log_level]
    number = ["--workers", str(workers)] if workers else []
    commands = [Command("web", ("-m", "relay.web", "--config", path, "--bind", where, *level, *number))]
    if not no_worker:
        commands.append(Command("worker", ("-m", "relay", "--config", path, "worker", *level)))
    click.echo(f"relay listens on http://{where}/hooks/circleci", err=True)
    supervise(path, text, log_level, commands)


def _refuse_strangers(settings: Config, bind: str) -> None:
    from relay.web.access import refusal_to_start
    from relay.web.settings import access_of

    refusal = refusal_to_start(access_of(settings), bind, settings.server.insecure)
    if refusal:
        raise RelayError(refusal)


def _newest(path: str, store: Store, current: Config) -> Config | None:
    """The configuration read again; None when it may not be used, and the log says what is wrong with it."""
    from relay.refusals import tell_refused

    try:
        settings = wiring.load_last_good(path)
    except ConfigError as error:
        structlog.get_logger().error("configuration refused, the old one stays", faults=str(error))
        tell_refused(store, current, error)
        return None
    structlog.get_logger().info("configuration read again")
    return settings


def prepare(settings: Config) -> None:
    """Bring the database up to date."""
    store = Store.open(settings.store.reveal())
    try:
        store.upgrade()
    finally:
        store.close()


@click.command()
@log_level
@click.pass_obj
def worker(path: str, log_level: str) -> None:
    """Run a delivery worker alone; any number may share one PostgreSQL.

    Plans what the endpoint accepted and delivers it. SIGTERM and SIGHUP as for `relay serve`.
    """
    from relay.worker import Worker

    lifeline.follow()
    settings = wiring.load_last_good(path)
    logs.configure(log_level, settings.masker)
    prepare(settings)
    store = Store.open(settings.store.reveal())
    try:
        running = Worker(store, wiring.build(settings))
        _heed_signals(running, store, path, log_level)
        running.run()
    finally:
        store.close()


def _heed_signals(running: "Worker", store: Store, path: str, log_level: str) -> None:
    """A signal interrupts whatever holds a lock just now, so its part is small and a thread does the rest."""
    asked: SimpleQueue[int] = SimpleQueue()

    def stop(_number: int, _frame: FrameType | None) -> None:
        running.stop()

    def reload(number: int, _frame: FrameType | None) -> None:
        asked.put(number)

    def keep_reloading() -> None:
        while asked.get():
            _reload(running, store, path, log_level)

    Thread(target=keep_reloading, name="reload", daemon=True).start()
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGHUP, reload)


def _reload(running: "Worker", store: Store, path: str, log_level: str) -> None:
    settings = _newest(path, store, running.config)
    if settings is not None:
        logs.configure(log_level, settings.masker)
        running.reload(wiring.build(settings))
