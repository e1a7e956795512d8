"""Asks the store what judging a batch of events needs: little for most, more for those that failed."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from relay.judging.asking import Question, question
from relay.judging.terms import NOTHING_KNOWN, Known, RetryTerms
from relay.model import Event
from relay.policy import About, Memory, RuledBefore, Used

NOTHING_USED, NO_MEMORY = Used(), Memory()


class Switched(Protocol):
    """Retries that somebody switched off, with words for it."""

    @property
    def words(self) -> str: ...


class Ledger(Protocol):
    """A turn of the worker, or the store as it is read by `explain`."""

    def undecided(self, roots: Collection[str]) -> Mapping[str, tuple[RuledBefore, ...]]: ...

    def used(self, asked: Sequence[About], now: datetime) -> Mapping[str, Used]: ...

    def remember(
        self,
        project: str,
        keys: Collection[str],
        fingerprints: Collection[str],
        classes: Collection[str],
        now: datetime,
    ) -> Memory: ...

    def switched_off(self) -> Switched | None: ...


def known_of(ledger: Ledger, events: Iterable[Event], terms: RetryTerms, now: datetime) -> dict[str, Known]:
    """By event. Those that passed and belong to no run that was ruled on are asked about once, together."""
    asked = [each for each in (question(event, terms) for event in events) if each is not None]
    before = ledger.undecided({each.root for each in asked}) if asked else {}
    wanted = [each for each in asked if each.spent is not None or each.root in before]
    if not wanted:
        return {each.event_id: NOTHING_KNOWN for each in asked}
    used = ledger.used([each.spent for each in wanted if each.spent is not None], now)
    off = terms.is_off or _words(ledger.switched_off())
    told = {each.event_id: _known(ledger, each, before, used, off, now) for each in wanted}
    return {each.event_id: told.get(each.event_id, NOTHING_KNOWN) for each in asked}


def _known(
    ledger: Ledger,
    asked: Question,
    before: Mapping[str, tuple[RuledBefore, ...]],
    used: Mapping[str, Used],
    off: str | None,
    now: datetime,
) -> Known:
    return Known(
        memory=ledger.remember(asked.project, asked.keys, asked.fingerprints, asked.classes, now),
        spent=used.get(asked.root, NOTHING_USED),
        before=tuple(each for each in before.get(asked.root, ()) if each.event_id != asked.event_id),
        is_off=off,
    )


def _words(off: Switched | None) -> str | None:
    return off.words if off else None
