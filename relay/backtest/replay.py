"""Playing a stretch of the past through a configuration, into a store of its own."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from relay.backtest.order import Batch, Span, batches
from relay.backtest.stage import Stage
from relay.pipeline import Relay
from relay.store import Past
from relay.store.scratch import Scratch

EVENTS_AT_ONCE = 500  # in one transaction

OnProgress = Callable[[int], None]


@dataclass(kw_only=True)
class Replayed:
    """What was played, and what could not be.

    configs: the configurations that planned the events, by fingerprint, with the time of the first event of
    each. old: events of a release that did not write down when it planned.
    """

    events: int = 0
    first: datetime | None = None
    last: datetime | None = None
    configs: dict[str, datetime] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)  # by event, why it cannot be decided again
    old: int = 0
    unplanned: Mapping[str, int] = field(default_factory=Counter)  # by state

    def count(self, batch: Batch) -> None:
        self.events += len(batch.events)
        self.first, self.last = self.first or batch.at, batch.at
        for event in batch.events:
            self.configs.setdefault(event.config, batch.at)
        self.old += sum(known.silences is None for known in batch.known)


def replay(past: Past, scratch: Scratch, relay: Relay, span: Span, on_progress: OnProgress) -> Replayed:
    """Events planned since `span.start` are decided anew; those before as they were."""
    silences = {
        str(silence.id): (silence, removed) for silence, removed in past.silences(span.warm, span.end)
    }
    stage, done = Stage(past, relay, span.warm, silences), Replayed(unplanned=past.unplanned(*span.ids))
    coming = batches(past, span, on_progress)
    is_over = False
    while not is_over:
        with scratch.scene() as scene:
            played = 0
            while played < EVENTS_AT_ONCE:
                batch = next(coming, None)
                if batch is None:
                    stage.advance(scene, span.end)
                    is_over = True
                    break
                refused = stage.play(scene, batch, is_real=batch.at < span.start)
                played += len(batch.events)
                if batch.at >= span.start:
                    done.count(batch)
                    done.refused |= {id: f"{type(why).__name__}: {why}" for id, why in refused.items()}
    return done
