"""The worker forgets what is old, on both databases."""

import time
from datetime import timedelta
from pathlib import Path

from relay.config.server import Defaults
from relay.pruning import BATCH, EVERY_S, PAUSE_S, Pruning
from relay.store import Store
from tests.factories import NOON
from tests.relays import make_relay, until, working
from tests.store.parts import owe

DEFAULTS = Defaults.model_validate({"keep": "30d"})
LATER = NOON + timedelta(days=31)
CONSOLE = """\
version: 1
defaults: { keep: 1s }
notifiers: { console: { type: console } }
routes: [{ notify: console }]
"""


def test_what_is_older_than_the_configuration_keeps_is_forgotten(store: Store) -> None:
    owe(store)

    Pruning(store, 0.0, first_s=0.0).go_on(DEFAULTS, LATER, 0.0)

    assert store.events() == ()


def test_what_is_younger_stays(store: Store) -> None:
    owe(store)

    Pruning(store, 0.0, first_s=0.0).go_on(DEFAULTS, NOON + timedelta(days=29), 0.0)

    assert len(store.events()) == 1


def test_nothing_is_forgotten_when_the_configuration_says_so(store: Store) -> None:
    owe(store)
    pruning = Pruning(store, 0.0, first_s=0.0)

    pruning.go_on(Defaults.model_validate({"prune": False}), NOON + timedelta(days=300), 0.0)

    assert len(store.events()) == 1
    assert pruning.wait_s(0.0) == EVERY_S


def test_a_step_is_small_and_the_next_comes_soon(store: Store) -> None:
    for _ in range(BATCH + 1):
        owe(store)
    pruning = Pruning(store, 0.0, first_s=0.0)

    pruning.go_on(DEFAULTS, LATER, 0.0)

    assert (len(store.events(limit=BATCH)), pruning.wait_s(0.0)) == (1, PAUSE_S)


def test_when_everything_is_done_it_rests_for_an_hour(store: Store) -> None:
    pruning = Pruning(store, 0.0, first_s=0.0)

    pruning.go_on(DEFAULTS, LATER, 0.0)

    assert pruning.wait_s(0.0) == EVERY_S


def test_a_worker_forgets_by_itself(store: Store, tmp_path: Path) -> None:
    owe(store)
    pruning = Pruning(store, time.monotonic(), first_s=0.0)

    with working(store, make_relay(tmp_path, CONSOLE), pruning=pruning):
        until(lambda: store.events() == ())
