"""The ledger and the replay side by side: for each event what became of its messages here and there."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory

from relay.backtest.order import PAGE, Span
from relay.backtest.recorded import circumstances_of
from relay.backtest.replay import OnProgress, Replayed, replay
from relay.backtest.told import Became, Told, told_of
from relay.pipeline import Relay
from relay.store import Past, PastEvent
from relay.store.scratch import Scratch

NO_ROUTE = "no route"


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One message about one event that fares otherwise. None: no route wants it."""

    event_id: str
    number: int | None
    change: str
    received_at: datetime
    target: str
    before: Told | None
    after: Told | None

    @property
    def gain(self) -> int:
        """How many more messages that makes."""
        return _is_message(self.after) - _is_message(self.before)


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """Differences at a target that are alike. gain: +1, -1, or 0 when as many messages are sent."""

    gain: int
    change: str
    why: str
    events: tuple[Difference, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetChange:
    """How many messages a target would have been sent in place of how many."""

    target: str
    kind: str
    before: int
    after: int
    changes: tuple[Change, ...]


@dataclass(kw_only=True)
class Comparison:
    """What a configuration changes."""

    replayed: Replayed
    decisions: int = 0  # that differ
    before: Counter[str] = field(default_factory=Counter)  # messages by target
    after: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)

    @property
    def has_differences(self) -> bool:
        return bool(self.decisions or self.replayed.refused)

    def targets(self) -> Iterator[TargetChange]:
        """Those at which something differs, in the order of their names."""
        found: dict[str, list[Difference]] = defaultdict(list)
        for each in self.differences:
            found[each.target].append(each)
        for target, differences in sorted(found.items()):
            yield TargetChange(
                target=target,
                kind=_kind(differences),
                before=self.before[target],
                after=self.after[target],
                changes=tuple(_changes(differences)),
            )

    def add(self, event: PastEvent, before: Sequence[Told], after: Sequence[Told]) -> None:
        self.before.update(told.target for told in before if told.became is Became.MESSAGE)
        self.after.update(told.target for told in after if told.became is Became.MESSAGE)
        different = list(_different(before, after))
        self.decisions += bool(different)
        self.differences += [_difference(event, one, other) for one, other in different]


def compare(past: Past, relay: Relay, span: Span, on_progress: OnProgress = lambda _: None) -> Comparison:
    """Plays the span through the configuration, in a folder that is gone afterwards."""
    with (
        TemporaryDirectory(prefix="relay-backtest-") as folder,
        Scratch(Path(folder) / "replay.db") as scratch,
    ):
        result = Comparison(replayed=replay(past, scratch, relay, span, on_progress))
        _look_through(past, scratch.past, span, result)
    return result


def _look_through(past: Past, anew: Past, span: Span, result: Comparison) -> None:
    after, before = span.ids
    seen: tuple[set[str], set[str]] = set(), set()
    while page := past.page(after, before, PAGE):
        others = {other.id: other for other in anew.page(after, f"{page[-1].id}~", PAGE)}
        pairs = [(event, others[event.id]) for event in page if event.id in others]
        ids = [event.id for event, _ in pairs]
        was, now = past.deliveries(ids), anew.deliveries(ids)
        for event, other in pairs:
            old = told_of(event.decision, was.get(event.id, ()), seen[0])
            new = told_of(other.decision, now.get(event.id, ()), seen[1])
            if span.counts(event, circumstances_of(event).at):
                result.add(other, old, new)
        after = page[-1].id


def _different(before: Iterable[Told], after: Iterable[Told]) -> Iterator[tuple[Told | None, Told | None]]:
    """What is not the same on both sides, paired by target as far as there is something to pair."""
    old, new = list(before), []
    for told in after:
        same = next((each for each in old if each.compared == told.compared), None)
        if same is None:
            new.append(told)
        else:
            old.remove(same)
    for target in dict.fromkeys(told.target for told in (*old, *new)):
        yield from zip_longest(
            [told for told in old if told.target == target], [told for told in new if told.target == target]
        )


def _difference(event: PastEvent, before: Told | None, after: Told | None) -> Difference:
    target = before.target if before else after.target if after else ""
    return Difference(
        event_id=event.id,
        number=event.event.number,
        change=event.event.change.value,
        received_at=event.hook.received_at,
        target=target,
        before=before,
        after=after,
    )


def _changes(differences: Iterable[Difference]) -> Iterator[Change]:
    """The most frequent first."""
    alike: Mapping[tuple[int, str, str], list[Difference]] = defaultdict(list)
    for each in differences:
        alike[each.gain, each.change, _why(each)].append(each)
    for (gain, change, why), found in sorted(alike.items(), key=lambda item: (-len(item[1]), item[0])):
        yield Change(gain=gain, change=change, why=why, events=tuple(found))


def _why(each: Difference) -> str:
    if each.gain < 0:
        return _state(each.after)
    if each.gain > 0:
        return f"was {_state(each.before)}" if each.before else each.after.route if each.after else ""
    return _other(each.before, each.after)


def _state(told: Told | None) -> str:
    if told is None:
        return NO_ROUTE
    if told.became in (Became.QUIET, Became.SHADOW):
        return told.why or told.became.value
    return told.became.value


def _other(before: Told | None, after: Told | None) -> str:
    """What is different though as many messages are sent."""
    if before is None or after is None or before.became is not after.became:
        return f"{_state(before)} -> {_state(after)}"
    if before.control != after.control:
        return f"{before.why or 'at once'} -> {after.why or 'at once'}"
    if before.due != after.due:
        return "at another time"
    return "other mentions" if before.mention != after.mention else "otherwise"


def _kind(differences: Iterable[Difference]) -> str:
    told = (one for each in differences for one in (each.before, each.after) if one)
    return next((one.kind for one in told), "notify")


def _is_message(told: Told | None) -> bool:
    return told is not None and told.became is Became.MESSAGE
