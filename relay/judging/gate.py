"""Retries that the policy decides on: kept, with when and how often, or refused with the reason."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from relay import durations
from relay.judging.terms import Judged
from relay.model import Event
from relay.planning import SHADOW, NewDelivery
from relay.policy import Mode, Ruled, Ruling
from relay.quieting import Control, Fate, Quiet

RETRY = "retry"  # among the settings of an action's delivery: how often, and from where
UNKNOWN = "nothing is known of why it failed, so nothing says that a retry helps"
PASSED = "it did not fail"


@dataclass(frozen=True, kw_only=True, slots=True)
class Gated:
    """What is done and what is not; `judged` with the mode in which the ruling really holds, and with what is
    done among the event's notes."""

    deliveries: tuple[NewDelivery, ...]
    refused: tuple[Quiet, ...]
    judged: Judged


def gate(
    deliveries: Iterable[NewDelivery],
    judged: Judged,
    actions: Collection[str],
    now: datetime,
    *,
    yields: bool = True,
) -> Gated:
    """`actions` are those that the policy decides on. Without one of them a ruling is only for the record.

    What a route in shadow would do does not count as one.
    """
    every = tuple(deliveries)
    ours = tuple(each for each in every if each.target in actions and not each.settings.get(SHADOW))
    others = tuple(each for each in every if each not in ours)
    ruled = judged.ruled
    if ruled is not None and judged.awaits_retry and ours:
        kept = tuple(_kept(delivery, ruled.ruling, now, yields=yields) for delivery in ours)
        told = replace(judged, event=_announced(judged.event, kept, ruled.ruling))
        return Gated(deliveries=(*others, *kept), refused=(), judged=told)
    refused = tuple(_refused(delivery, judged) for delivery in ours)
    return Gated(deliveries=others, refused=refused, judged=_for_the_record(judged))


def _kept(delivery: NewDelivery, ruling: Ruling, now: datetime, *, yields: bool) -> NewDelivery:
    due = now + timedelta(seconds=ruling.delay)
    ruled = {"limit": ruling.limit, "from_start": ruling.from_start, "yields": yields}
    settings = {**delivery.settings, RETRY: ruled}
    return replace(delivery, due_at=max(due, delivery.due_at or due), settings=settings)


def _announced(event: Event, kept: Iterable[NewDelivery], ruling: Ruling) -> Event:
    """With a note for messages that do not wait, until the action says itself what it did."""
    after = f" after {durations.spell(ruling.delay)}" if ruling.delay else ""
    text = f"is being run again by rule {', '.join(ruling.rules)}{after}"
    actions = {each.target: {"type": RETRY, "text": text, "url": None} for each in kept}
    return replace(event, notes={**event.notes, "actions": actions})


def _refused(delivery: NewDelivery, judged: Judged) -> Quiet:
    ruled = judged.ruled
    return Quiet(
        target=delivery.target,
        route=delivery.route,
        control=Control.RETRY,
        reason=_reason(ruled, judged),
        until=ruled.ruling.until if ruled else None,
        fate=Fate.SUPPRESSED,
    )


def _reason(ruled: Ruled | None, judged: Judged) -> str:
    if ruled is None:
        return UNKNOWN if judged.event.status.is_bad else PASSED
    if ruled.ruling.retry:
        after = f" after {durations.spell(ruled.ruling.delay)}" if ruled.ruling.delay else ""
        return f"retry.mode is {ruled.mode}, so it is only noted: rule {', '.join(ruled.ruling.rules)}{after}"
    return ruled.ruling.words[-1] if ruled.ruling.words else str(ruled.ruling.stop)


def _for_the_record(judged: Judged) -> Judged:
    """A ruling that nothing carries out counts as one in shadow."""
    if judged.ruled is None or not judged.awaits_retry:
        return judged
    return replace(judged, ruled=replace(judged.ruled, mode=Mode.SHADOW), awaits_retry=False)
