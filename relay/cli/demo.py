"""`relay demo`: a real relay on a throw-away database, fed with sample webhooks."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

import click
import requests

import relay
from relay import samples
from relay.cli.output import visible
from relay.cli.serving import DEFAULT_BIND
from relay.errors import StoreError, UsageError
from relay.lifeline import Lifeline
from relay.model import DeliveryState
from relay.samples import Sample
from relay.secret import Secret
from relay.signature import sign
from relay.store import EventDetail, Store

START_S = 30.0
SETTLE_S = 10.0
LOOK_S = 0.02
LIVE = (DeliveryState.WAITING, DeliveryState.LEASED)


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Where the demonstration happens, and what authenticates its webhooks."""

    url: str
    database: str
    signing_secret: Secret
    url_token: Secret

    def environment(self) -> Mapping[str, str]:
        """What the example configuration reads."""
        return {
            "DATABASE_URL": self.database,
            "CIRCLECI_WEBHOOK_SECRET": self.signing_secret.reveal(),
            "RELAY_HOOK_TOKEN": self.url_token.reveal(),
        }


@dataclass(frozen=True, kw_only=True)
class Played:
    """One sample and how the relay answered it."""

    sample: Sample
    status: int
    answer: Mapping[str, str]


@click.command()
@click.option("--exit", "leave", is_flag=True, help="End after the summary instead of staying up.")
@click.pass_obj
def demo(path: str, leave: bool) -> None:
    """Watch sample webhooks become messages.

    Serves config.example.yaml on a throw-away SQLite file, posts webhooks of every CircleCI generation to
    it over HTTP, prints the messages as they are delivered and says what happened to each event and why.
    Nothing leaves this machine. It then stays up for a look; Ctrl-C ends it.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    with TemporaryDirectory(prefix="relay-demo-") as folder:
        stage = Stage(
            url=f"http://{_free_address()}",
            database=f"sqlite:///{folder}/relay.db",
            signing_secret=Secret(secrets.token_hex(16)),
            url_token=Secret(secrets.token_hex(16)),
        )
        with _serving(stage) as process:
            _wait_until_ready(stage, process)
            _perform(stage)
            if not leave:
                _stay(stage, process)


def _leave(number: int, _frame: FrameType | None) -> None:
    """Ends like after Ctrl-C: nothing stays behind."""
    sys.exit(128 + number)


def example_config() -> Path:
    """config.example.yaml, in a checkout or in the installed package."""
    package = Path(relay.__file__).parent
    candidates = (package.parent / "config.example.yaml", package / "examples" / "config.example.yaml")
    return next(path for path in candidates if path.is_file())


def _free_address() -> str:
    """The usual address, or a free one when that is taken."""
    host, port = DEFAULT_BIND.split(":")
    for number in (int(port), 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, number))
            except OSError:
                continue
            return f"{host}:{probe.getsockname()[1]}"
    raise UsageError("no port is free on 127.0.0.1")


@contextmanager
def _serving(stage: Stage) -> Iterator[subprocess.Popen[bytes]]:
    """`relay serve` as a process of its own, ended with the block or with this process."""
    lifeline = Lifeline()
    command = [sys.executable, "-m", "relay", "--config", str(example_config()), "serve"]
    arguments = ["--bind", stage.url.removeprefix("http://"), "--log-level", "warning"]
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*command, *arguments],
        env={**os.environ, **stage.environment(), **lifeline.environment()},
        pass_fds=[lifeline.fd],
        stderr=subprocess.DEVNULL if os.environ.get("RELAY_DEMO_QUIET") else None,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _wait_until_ready(stage: Stage, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise UsageError("the relay did not start; its last lines say why")
        try:
            if requests.get(f"{stage.url}/readyz", timeout=2).status_code == requests.codes.ok:
                return
        except requests.ConnectionError:
            pass
        time.sleep(LOOK_S)
    raise UsageError(f"the relay was not ready within {START_S:.0f} seconds")


def _perform(stage: Stage) -> None:
    store = Store.open(stage.database)
    try:
        played = [_play(sample, stage, store) for sample in samples.load()]
        _settle(store, [play.answer["id"] for play in played if "id" in play.answer], SETTLE_S, groups=True)
        _summarise(played, store)
    finally:
        store.close()


def _play(sample: Sample, stage: Stage, store: Store) -> Played:
    """Post one sample as CircleCI would, and wait until its messages are out."""
    url, headers = f"{stage.url}/hooks/circleci", {"Content-Type": "application/json"}
    if sample.signed:
        headers["circleci-signature"] = sign(sample.body, stage.signing_secret)
    else:
        url = f"{url}/{stage.url_token.reveal()}"
    reply = requests.post(url, data=sample.body, headers=headers, timeout=10)
    answer = reply.json()
    said = f"{reply.status_code} {answer.get('status', answer.get('error', ''))}"
    click.secho(f"\n→ {sample.note}  [{said}]", bold=True)
    _settle(store, [answer["id"]] if "id" in answer else [], SETTLE_S)
    return Played(sample=sample, status=reply.status_code, answer=answer)


def _settle(store: Store, ids: list[str], longest_s: float, *, groups: bool = False) -> None:
    """Wait until nothing is owed for these events; open groups are waited for only when asked."""
    deadline = time.monotonic() + longest_s
    waiting = (*LIVE, DeliveryState.OPEN) if groups else LIVE
    while time.monotonic() < deadline:
        try:
            if not any(_is_owed(store.event(event), waiting) for event in ids):
                return
        except StoreError:
            pass
        time.sleep(LOOK_S)


def _is_owed(detail: EventDetail | None, waiting: tuple[DeliveryState, ...]) -> bool:
    if detail is None:
        return False
    return detail.decision is None or any(delivery.state in waiting for delivery in detail.deliveries)


def _summarise(played: list[Played], store: Store) -> None:
    click.secho("\nWhat happened to each webhook, and why\n", bold=True)
    for play in played:
        result, why = _told(play, store)
        click.echo(f"{play.sample.name:<22} {result}")
        click.secho(f"{'':<22} {why}", dim=True)


def _told(play: Played, store: Store) -> tuple[str, str]:
    """What came of a webhook, and why."""
    detail = store.event(play.answer["id"]) if "id" in play.answer else None
    if detail is None:
        why = {"duplicate": "seen before, so dropped", "ok": "CircleCI's test ping, only answered"}
        said = play.answer.get("status", "")
        return said, why.get(said, str(play.answer.get("error", "")))
    change = detail.row.change.value if detail.row.change else ""
    messages = ", ".join(f"{row.target} {row.state.value}" for row in detail.deliveries)
    return f"{change:<16} {messages or 'no message'}", _why(detail)


def _why(detail: EventDetail) -> str:
    """The route that spoke, or the one that came nearest."""
    trace = (detail.decision or {}).get("trace", [])
    fired = [f"{line[0]}: {line[3]}" for line in trace if line[2] == "FIRE"]
    nearest = [f"{line[0]}: {line[3]}" for line in trace if line[2] == "no"]
    return visible(fired[0] if fired else nearest[0] if nearest else "no route")


def _stay(stage: Stage, process: subprocess.Popen[bytes]) -> None:
    token = stage.url_token.reveal()
    click.secho(f"\nThe relay stays up at {stage.url}. Ctrl-C ends it and removes its database.", bold=True)
    click.echo(
        "Try in another terminal:\n"
        f"  curl {stage.url}/readyz\n"
        f"  curl {stage.url}/metrics\n"
        f"  DATABASE_URL={stage.database} relay -c {example_config().name} events\n"
        f"  curl -H 'content-type: application/json' {stage.url}/hooks/circleci/{token} \\\n"
        '    -d \'{"payload": {"build_num": 7, "outcome": "failed", "branch": "main",\n'
        '         "vcs_url": "https://github.com/acme/web", "subject": "my own"}}\''
    )
    try:
        process.wait()
    except KeyboardInterrupt:
        click.echo("\nbye")
