"""The past of a real worker on both databases, with messages at a real HTTP server that fails at times."""

import time
from datetime import timedelta
from pathlib import Path
from random import Random

from relay.backtest import Span, compare
from relay.store import Store
from tests.fakes.sink import Play, Request, Sink
from tests.relays import accept, make_relay, on_branch, until, working

CONFIG = """\
version: 1
notifiers:
  sink: {{ type: webhook, url: "{url}/ci", allow_private: true, fallback: other }}
  other: {{ type: webhook, url: "{url}/other", allow_private: true }}
  third: {{ type: webhook, url: "{url}/third", allow_private: true, fallback: [sink, other] }}
defaults:
  delivery: {{ timeout: 5s, retries: [200ms], give_up_after: 1m }}
routes:
  - {{ name: throttled, notify: sink, throttle: 300ms }}
  - {{ name: grouped, notify: other, throttle: 100ms, group: {{ by: [branch], wait: 90ms, max_wait: 1s }} }}
  - {{ name: once, notify: third, once_per: "{{{{ branch }}}}" }}
"""
STATUSES = (200, 200, 200, 404, 500)


def test_a_configuration_that_is_in_use_differs_in_nothing(store: Store, tmp_path: Path) -> None:
    random = Random(1)

    def answer(request: Request) -> Play:
        return Play(status=random.choice(STATUSES), wait=random.choice((0.0, 0.05, 0.4)))

    start = store.now() - timedelta(minutes=1)
    with Sink(default=answer) as sink:
        relay = make_relay(tmp_path, CONFIG.format(url=sink.url))
        with working(store, relay):
            for number in range(60):
                accept(store, on_branch(random.choice(("main", "topic")), number))
                time.sleep(random.choice((0.0, 0.01, 0.1)))
            until(lambda: sum(store.counts()[name] for name in ("planning", "leased", "ready")) == 0)

    found = compare(store.past, relay, Span(warm=start, start=start, end=store.now()))

    assert found.replayed.events == 60
    assert not found.differences
    kept = {each["control"] for row in store.events(100) for each in _decision(store, row.id)["quiet"]}
    assert kept == {"throttle", "once_per"}


def test_a_silence_counts_from_when_the_worker_knew_of_it(store: Store, tmp_path: Path) -> None:
    start = store.now() - timedelta(minutes=1)
    with Sink() as sink:
        relay = make_relay(tmp_path, CONFIG.format(url=sink.url))
        with working(store, relay):
            for number in range(15):
                accept(store, on_branch("main", number))
                if number == 4:
                    id = store.add_silence({"branch": ["main"]}, store.now(), store.now().replace(year=2999))
                if number == 9:
                    store.remove_silence(id, store.now())
                time.sleep(0.35)
            until(lambda: sum(store.counts()[name] for name in ("planning", "leased", "ready")) == 0)

    found = compare(store.past, relay, Span(warm=start, start=start, end=store.now()))

    assert (found.replayed.events, found.decisions) == (15, 0)
    silenced = [row.id for row in store.events() if any(_quiet(store, row.id))]
    assert 0 < len(silenced) < 15


def _decision(store: Store, event_id: str) -> dict[str, list[dict[str, str]]]:
    detail = store.event(event_id)
    assert detail is not None
    assert detail.decision is not None
    return dict(detail.decision)


def _quiet(store: Store, event_id: str) -> list[bool]:
    return [each["control"] == "silence" for each in _decision(store, event_id)["quiet"]]
