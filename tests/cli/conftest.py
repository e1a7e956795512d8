"""Commands run in a folder of their own, against a real SQLite file and a real chat service."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.desk import Desk
from tests.fakes.sink import Sink

CONFIG = """\
version: 1
store: "sqlite:///relay.db"
defaults: { timezone: Europe/Paris }
people:
  alice: { emails: [alice@example.com], slack: U012ABCDE }
notifiers:
  audit-log: { type: webhook, url: "${SINK}/ci", sign_with: "audit-s3cret", allow_private: true }
  team-slack:
    type: slack
    token: "${SLACK_TOKEN}"
    channel: "#ci"
    api_url: "${SINK}"
    allow_private: true
  ops-mail:
    type: email
    smtp: "smtp://ci:${MAIL_PASSWORD}@127.0.0.1:1"
    from: ci@example.com
    to: [ops@example.com]
routes:
  - name: everything-to-audit
    notify: audit-log
  - name: flaky-e2e
    match: { event: [build, job, workflow], status: [failed, timedout], job.name: "e2e-*" }
    notify: team-slack
  - name: trunk
    match: { project.slug: "gh/acme/*", branch: [main, "release/*", "!release/legacy"] }
    group: { by: [pipeline.id], wait: 20s, max_wait: 2m }
    notify: team-slack
    routes:
      - name: trunk-broke
        match: { change: broke }
        notify: [+ops-mail]
        mention: [author]
      - name: trunk-fixed
        match: { change: fixed }
        notify: [+ops-mail]
      - name: trunk-quiet
        match: { change: [first_success, still_passing] }
        notify: []
  - name: my-branch-failed
    match: { branch: ["*", "!main", "!release/*"], change: [broke, fixed, first_failure] }
    when: "author.known and not author.bot"
    notify: team-slack
"""


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sink: Sink) -> Desk:
    monkeypatch.chdir(tmp_path)
    environ = {"SINK": sink.url, "SLACK_TOKEN": "xoxb-0123456789", "MAIL_PASSWORD": "mail-passw0rd"}
    desk = Desk(folder=tmp_path, environ=environ)
    desk.write(CONFIG)
    return desk
