"""What a worker keeps in memory, told by the modules that are loaded when it is ready to run."""

import subprocess
import sys
from pathlib import Path

import pytest

CONFIG = """\
version: 1
store: "{url}"
notifiers: {{ chat: {{ type: webhook, url: "https://chat.example.com/" }} }}
routes: [{{ notify: chat }}]
"""
START = """\
import sys
from relay.cli import main
main.get_command(None, "worker")
from relay import wiring
from relay.store import Store
from relay.worker import Worker
settings = wiring.load_config(sys.argv[1])
with Store.open(settings.store.reveal()) as store:
    Worker(store, wiring.build(settings)).stop()
    print(*sys.modules, sep="\\n")
"""
NEVER = {
    "alembic",
    "charset_normalizer",
    "email.policy",
    "relay.circleci.facade",
    "relay.notifiers.email",
    "relay.notifiers.slack",
    "rich",
    "smtplib",
    "twisted",
}
OF_THE_OTHER = {
    "sqlite": {"psycopg", "sqlalchemy.dialects.postgresql"},
    "postgresql": {"sqlite3", "sqlalchemy.dialects.sqlite"},
}


@pytest.fixture
def loaded(database_url: str, tmp_path: Path) -> set[str]:
    """The modules of a worker that has its configuration and its database."""
    file = tmp_path / "relay.yaml"
    file.write_text(CONFIG.format(url=database_url))
    ended = subprocess.run(
        [sys.executable, "-c", START, str(file)], capture_output=True, text=True, check=True, timeout=60
    )
    return set(ended.stdout.split())


def test_a_worker_loads_only_what_its_configuration_and_its_database_need(
    loaded: set[str], database_url: str
) -> None:
    kind = database_url.partition(":")[0]

    assert not loaded & (NEVER | OF_THE_OTHER[kind])
    assert {"relay.notifiers.webhook", f"sqlalchemy.dialects.{kind}"} <= loaded


@pytest.mark.parametrize("library", ["structlog", "requests"])
def test_what_a_library_is_kept_from_loading_can_be_imported_afterwards(library: str) -> None:
    code = f"""
from importlib import import_module
from relay import lean
lean.load({library!r})
for other in lean.TAKEN_ALONG[{library!r}]:
    import_module(other)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize("library", ["structlog", "requests"])
def test_each_library_would_load_what_it_is_kept_from(library: str) -> None:
    code = f"""
import sys
from relay import lean
import {library}
print(*set(lean.TAKEN_ALONG[{library!r}]) - set(sys.modules))
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert ended.stdout.split() == []
