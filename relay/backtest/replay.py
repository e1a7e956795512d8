"""Playing a stretch of the past through a configuration, into a store of its own."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from relay.backtest.order import Batch, Span, batches
from relay.backtest.stage import Stage
from relay.pipeline import Relay
from relay.store import Past
from relay.store.scratch import Recall, Scratch

BATCHES_AT_ONCE = 200  # in one transaction
INSTANT = timedelta(microseconds=1)

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

    def count(self, batch: Batch, span: Span, refused: Mapping[str, Exception]) -> None:
        for event, known in zip(batch.events, batch.known, strict=True):
            if not span.counts(event, batch.at):
                continue
            self.events += 1
            self.first, self.last = self.first or batch.at, batch.at
            self.configs.setdefault(event.config, batch.at)
            self.old += known.silences is None
            if event.id in refused:
                why = refused[event.id]
                self.refused[event.id] = f"{type(why).__name__}: {why}"


def replay(past: Past, scratch: Scratch, relay: Relay, span: Span, on_progress: OnProgress) -> Replayed:
    """Events planned since `span.start` are decided anew; those before as they were."""
    silences = {
        str(silence.id): (silence, removed) for silence, removed in past.silences(span.warm, span.end)
    }
    stage, done = Stage(relay, span.warm, silences), Replayed(unplanned=past.unplanned(*span.ids))
    recall, coming = Recall(past, span.warm), batches(past, span, on_progress)
    while some := tuple(islice(coming, BATCHES_AT_ONCE)):
        with scratch.scene(recall) as scene:
            for batch in some:
                refused = stage.play(scene, batch, is_real=batch.at < span.start)
                done.count(batch, span, refused)
    with scratch.scene(recall) as scene:
        stage.advance(scene, span.end + INSTANT)
    return done
