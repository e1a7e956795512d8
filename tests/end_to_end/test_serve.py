"""`relay serve` as a process, on both databases: webhooks in over HTTP, messages out over HTTP and SMTP."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests

from relay.secret import Secret
from relay.signature import sign, verify_standard
from tests.factories import body, classic, ping, workflow_completed
from tests.fakes.mail import MailServer
from tests.fakes.sink import Play, Sink
from tests.processes import Running, Serving, children_of, ended, is_alive, wait_for

SECRET = Secret("hook-s3cret")
TOKEN = "url-t0ken"
SIGN_WITH = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
SOON_S = 30.0
READ = "configuration read again"
REFUSED = "configuration refused, the old one stays"

CONFIG = """\
version: 1
store: "{database}"
circleci: {{ hooks: {{ secrets: ["{secret}"], url_tokens: ["{token}"] }} }}
notifiers:
  sink: {{ type: webhook, url: "{sink}/{path}", allow_private: true, sign_with: "{sign_with}" }}
  mail: {{ type: email, smtp: "{smtp}", from: ci@example.com, to: [ops@example.com] }}
defaults:
  delivery: {{ timeout: 5s, retries: [200ms], give_up_after: 1m }}
routes:
  - {{ name: all, notify: sink }}
  - {{ name: bad, match: {{ status: failed }}, notify: mail }}
"""


@dataclass
class Scene:
    """A relay that serves, and what is around it."""

    serving: Serving
    config: Path
    database: str
    sink: Sink
    mail: MailServer

    def reload(self, text: str) -> None:
        """Have the configuration read again, and wait until every process uses it."""
        told, old = self.serving.log.count(READ), self.web_processes()
        self.config.write_text(text)
        self.serving.signal(signal.SIGHUP)
        wait_for(lambda: self.serving.log.count(READ) >= told + 2, SOON_S, READ, lambda: self.serving.log)
        wait_for(lambda: not old & self.web_processes(), SOON_S, "new web processes")
        wait_for(lambda: len(self.web_processes()) >= len(old), SOON_S, "all of them")

    def hang_up(self, text: str) -> None:
        """Have the configuration read again, and wait until the supervisor has taken it and passed it on."""
        told = self.serving.log.count(READ)
        self.config.write_text(text)
        self.serving.signal(signal.SIGHUP)
        wait_for(lambda: self.serving.log.count(READ) >= told + 2, SOON_S, READ, lambda: self.serving.log)

    def web_processes(self) -> set[int]:
        return set(children_of(self.serving.child("web") or 0))

    def post(self, hook: dict[str, Any], *, secret: Secret = SECRET) -> requests.Response:
        """Signed, as modern webhooks are."""
        content = body(hook)
        headers = {"Content-Type": "application/json", "circleci-signature": sign(content, secret)}
        return requests.post(self.serving.hook, data=content, headers=headers, timeout=10)

    def post_until_taken(self, hook: dict[str, Any], secret: Secret = SECRET) -> None:
        """As CircleCI does: a web process that is just ending may hang up."""
        wait_for(
            lambda: self.takes(hook, secret), SOON_S, "the webhook to be taken", lambda: self.serving.log
        )

    def takes(self, hook: dict[str, Any], secret: Secret) -> bool:
        with suppress(requests.RequestException):
            return self.post(hook, secret=secret).status_code in (200, 202)
        return False

    def post_to_token(self, hook: dict[str, Any], token: str = TOKEN) -> requests.Response:
        """With a token in the URL, as classic webhooks are."""
        return requests.post(f"{self.serving.hook}/{token}", json=hook, timeout=10)

    def messages(self, number: int) -> list[Any]:
        """About the pipeline or build of this number."""
        told = [(request, request.json()["data"]) for request in tuple(self.sink.requests)]
        return [(request, data) for request, data in told if data["events"][0]["number"] == number]

    def message(self, number: int) -> Any:
        wait_for(lambda: self.messages(number), SOON_S, "the message", lambda: self.serving.log)
        return self.messages(number)[0]


def config_text(database: str, sink: Sink, mail: MailServer, path: str = "ci") -> str:
    return CONFIG.format(
        database=database,
        secret=SECRET.reveal(),
        token=TOKEN,
        sink=sink.url,
        path=path,
        sign_with=SIGN_WITH.reveal(),
        smtp=mail.url,
    )


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database without tables, for all tests of this module."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('database')}/relay.db"
        return
    server: str = request.getfixturevalue("postgres_server")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE end_to_end")
        yield server.replace("/postgres?", "/end_to_end?")
        connection.execute("DROP DATABASE end_to_end WITH (FORCE)")


@pytest.fixture(scope="module")
def scene(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("relay")
    config = folder / "relay.yaml"
    with Sink() as sink, MailServer() as mail:
        config.write_text(config_text(database, sink, mail))
        serving = Serving(config, folder / "log")
        with ended(serving):
            serving.wait_until_ready()
            yield Scene(serving, config, database, sink, mail)


def test_a_signed_webhook_becomes_a_signed_message(scene: Scene) -> None:
    reply = scene.post(workflow_completed(number=1))

    request, data = scene.message(1)
    assert (reply.status_code, reply.json()["status"]) == (202, "accepted")
    assert data["reason"]["route"] == "all"
    assert verify_standard(request.headers, request.body, [SIGN_WITH], time.time())


def test_a_classic_webhook_comes_in_by_its_url_token(scene: Scene) -> None:
    reply = scene.post_to_token(classic(build_num=2, outcome="success"))

    assert reply.status_code == 202
    assert scene.message(2)[1]["events"][0]["generation"] == "classic"


def test_a_failure_goes_out_by_mail_too(scene: Scene) -> None:
    scene.post(workflow_completed(number=3, status="failed", name="mailed"))

    wait_for(lambda: scene.mail.mails, SOON_S, "the mail", lambda: scene.serving.log)
    (mail,) = scene.mail.mails
    assert mail.recipients == ("ops@example.com",)
    assert "mailed failed on main" in mail.parsed()["Subject"]
    scene.message(3)


def test_a_repeated_webhook_is_a_duplicate(scene: Scene) -> None:
    replies = [scene.post(workflow_completed(number=4)) for _ in range(3)]

    assert [reply.status_code for reply in replies] == [202, 200, 200]
    assert replies[2].json() == {"status": "duplicate"}
    scene.message(4)
    time.sleep(0.5)
    assert len(scene.messages(4)) == 1


def test_a_ping_is_only_answered(scene: Scene) -> None:
    assert scene.post(ping()).status_code == 200


@pytest.mark.parametrize(
    "refused",
    [
        lambda scene: scene.post(workflow_completed(number=5), secret=Secret("another")),
        lambda scene: scene.post_to_token(classic(build_num=5), token="another"),
        lambda scene: requests.post(scene.serving.hook, json=classic(build_num=5), timeout=10),
    ],
    ids=["wrong signature", "wrong token", "neither"],
)
def test_strangers_are_refused(scene: Scene, refused: Any) -> None:
    assert refused(scene).status_code == 401


def test_health_and_readiness(scene: Scene) -> None:
    assert scene.serving.ask("/healthz").json() == {"status": "ok"}
    assert scene.serving.ask("/readyz").json() == {"status": "ready"}


def test_sighup_brings_a_new_configuration_to_web_and_worker(scene: Scene) -> None:
    old = scene.config.read_text()
    newer = Secret("newer-s3cret")

    scene.reload(old.replace(SECRET.reveal(), newer.reveal()).replace("/ci", "/newer"))
    paths = [path_of_a_message(scene, newer), path_of_a_message(scene, SECRET)]
    scene.reload(old)
    paths += [path_of_a_message(scene, newer), path_of_a_message(scene, SECRET)]

    assert paths == ["/newer", None, None, "/ci"]


def path_of_a_message(scene: Scene, secret: Secret) -> str | None:
    """Where the worker sends a webhook signed like this, if the web side takes it."""
    number = 1000 + len(scene.sink.requests)
    reply = scene.post(workflow_completed(number=number), secret=secret)
    return str(scene.message(number)[0].path) if reply.status_code == 202 else None


def test_a_broken_configuration_is_refused_and_the_old_one_stays(scene: Scene) -> None:
    old, family = scene.config.read_text(), scene.serving.family()
    scene.config.write_text(f"{old}surprise: 1\n")
    scene.serving.signal(signal.SIGHUP)
    wait_for(lambda: REFUSED in scene.serving.log, SOON_S, REFUSED, lambda: scene.serving.log)
    scene.config.write_text(old)

    assert "surprise: unknown key" in scene.serving.log
    assert path_of_a_message(scene, SECRET) == "/ci"
    assert set(family) <= set(scene.serving.family())


def test_a_broken_configuration_is_told_through_the_routes_of_the_old_one(scene: Scene) -> None:
    old = scene.config.read_text()
    scene.reload(old.replace("routes:\n", "routes:\n  - { match: { event: relay }, notify: sink }\n"))
    kept = scene.config.read_text()
    scene.config.write_text(f"{kept}surprise: 1\n")
    scene.serving.signal(signal.SIGHUP)

    wait_for(lambda: own_events(scene), SOON_S, "the message", lambda: scene.serving.log)

    scene.reload(old)
    (event,) = own_events(scene)
    assert event["notes"]["what"] == "configuration_refused"
    assert "surprise: unknown key" in event["notes"]["text"]


def own_events(scene: Scene) -> list[Any]:
    told = [event for request in tuple(scene.sink.requests) for event in request.json()["data"]["events"]]
    return [event for event in told if event["event"] == "relay"]


def test_a_web_process_that_starts_while_the_file_is_broken_uses_the_last_good_one(scene: Scene) -> None:
    old, last = scene.config.read_text(), Secret("last-g00d")
    scene.reload(old.replace(SECRET.reveal(), last.reveal()))
    killed = scene.web_processes()
    scene.config.write_text("version: 2\n")
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: len(scene.web_processes() - killed) == len(killed), SOON_S, "new web processes")

    scene.post_until_taken(workflow_completed(number=10), last)

    assert scene.message(10)
    scene.reload(old)


def test_a_worker_that_starts_while_the_file_is_broken_uses_the_last_good_one(scene: Scene) -> None:
    old, killed = scene.config.read_text(), scene.serving.child("worker")
    assert killed
    scene.reload(old.replace("/ci", "/last-good"))
    scene.config.write_text("version: 2\n")
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: scene.serving.child("worker") not in (None, killed), SOON_S, "another worker")

    path = path_of_a_message(scene, SECRET)

    scene.reload(old)
    assert path == "/last-good"


def test_a_file_that_breaks_right_after_a_reload_takes_nothing_back(scene: Scene) -> None:
    """gunicorn looks at the second SIGHUP when the processes of before the first have ended."""
    old, last = scene.config.read_text(), Secret("l4st-good")
    processes = len(scene.web_processes())
    for secret in (Secret("passing"), last):
        scene.hang_up(old.replace(SECRET.reveal(), secret.reveal()))
    scene.config.write_text("version: 2\n")

    scene.post_until_taken(workflow_completed(number=11), last)

    assert scene.message(11)
    assert scene.post(workflow_completed(number=12)).status_code == 401
    wait_for(lambda: len(scene.web_processes()) == processes, SOON_S, "the ones before to end")
    scene.reload(old)


@pytest.mark.parametrize(("role", "number"), [("worker", 7), ("web", 8)])
def test_a_killed_child_is_replaced_and_nothing_is_lost(scene: Scene, role: str, number: int) -> None:
    killed = scene.serving.child(role)
    assert killed
    os.kill(killed, signal.SIGKILL)

    scene.post_until_taken(workflow_completed(number=number))
    scene.message(number)
    wait_for(lambda: scene.serving.child(role) not in (None, killed), SOON_S, "another child")
    wait_for(lambda: scene.serving.answers("/readyz"), SOON_S, "the relay to be ready")


def test_sigterm_finishes_what_is_in_hand_and_leaves_nothing(scene: Scene) -> None:
    family = scene.serving.family()
    scene.sink.plays.append(Play(wait=2.0))
    before = len(scene.sink.requests)
    scene.post_until_taken(workflow_completed(number=9))
    wait_for(lambda: len(scene.sink.requests) > before, SOON_S, "the message")

    status = scene.serving.stop()

    assert status == 0
    assert not any(map(is_alive, family))
    again = Serving(scene.config, scene.config.parent / "again.log")
    with ended(again):
        again.wait_until_ready()
        time.sleep(0.5)
    assert len(scene.messages(9)) == 1


def test_without_a_worker_the_relay_is_not_ready(tmp_path: Path) -> None:
    config = tmp_path / "relay.yaml"
    config.write_text(f'version: 1\nstore: "sqlite:///{tmp_path}/relay.db"\n{CONSOLE}')
    serving = Serving(config, tmp_path / "log", "--no-worker")
    with ended(serving):
        wait_for(lambda: serving.answers("/healthz"), SOON_S, "an answer", lambda: serving.log)
        reply = serving.ask("/readyz")

    assert reply.status_code == 503
    assert reply.json()["reasons"] == [
        "no delivery worker has been seen for 30 seconds; is `relay worker` running?"
    ]


CONSOLE = "notifiers: { console: { type: console } }\nroutes: [{ notify: console }]\n"


def test_it_does_not_serve_strangers_without_proof(tmp_path: Path) -> None:
    config = tmp_path / "relay.yaml"
    config.write_text(f'version: 1\nstore: "sqlite:///{tmp_path}/relay.db"\n{CONSOLE}')
    refused = Running(["--config", str(config), "serve", "--bind", "0.0.0.0:8080"], tmp_path / "log")

    with ended(refused):
        status = refused.process.wait(SOON_S)

    assert status == 2
    assert refused.log == (
        "anybody who reaches 0.0.0.0:8080 could post webhooks: set circleci.hooks.secrets (signed webhooks) "
        "or circleci.hooks.url_tokens (classic ones), bind to 127.0.0.1, or set server.insecure: true\n"
    )
    assert not (tmp_path / "relay.db").exists()


def test_two_web_sides_and_two_workers_deliver_each_once(postgres_url: str, tmp_path: Path) -> None:
    with Sink() as sink, MailServer() as mail:
        config = tmp_path / "relay.yaml"
        config.write_text(config_text(postgres_url, sink, mail))
        words = ["--config", str(config), "worker"]
        workers = [Running(words, tmp_path / f"worker-{number}") for number in range(2)]
        webs = [Serving(config, tmp_path / f"web-{number}", "--no-worker") for number in range(2)]
        with ended(*webs, *workers):
            for web in webs:
                web.wait_until_ready()
            scenes = [Scene(web, config, postgres_url, sink, mail) for web in webs]
            for number in range(40):
                assert scenes[number % 2].post(workflow_completed(number=number)).status_code == 202
            wait_for(lambda: len(sink.requests) >= 40, SOON_S, "the messages")
            statuses = [command.stop() for command in (*webs, *workers)]

    assert len({request.headers["webhook-id"] for request in sink.requests}) == len(sink.requests) == 40
    assert statuses == [0, 0, 0, 0]
