"""One attempt at an action: the same queue, the same attempts, other errors that matter."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog

from relay import pipeline
from relay.actions.base import Action, Doing, NotYet, Tools, Unresolved, noted
from relay.errors import DeliveryError, StoreError
from relay.judging import RETRY
from relay.model import AttemptOutcome, DeliveryState
from relay.pipeline import Relay
from relay.planning import SHADOW
from relay.store import Claim, Finish, Store, StoredDelivery

ACT = "act"  # the kind of such a delivery

NOT_DONE = "shadow, not done"

log = structlog.get_logger()


def act_one(
    claim: Claim, delivery: StoredDelivery, relay: Relay, store: Store, clock: Callable[[], datetime]
) -> Finish:
    """Does it, and says what follows. An action whose answer was lost does not end as dead but as unknown."""
    started = clock()
    if delivery.settings.get(SHADOW):
        return _in_shadow(claim, delivery, started)
    try:
        action = action_of(delivery, relay)
        answer = action.perform(doing(delivery, relay, started), tools(delivery, relay, store))
    except DeliveryError as error:
        finish = _failed(pipeline.failed(claim, delivery, relay, error, started, clock()), error)
        _note_end(finish, delivery, relay, store)
        return replace(finish, is_vain=finish.again_at is None and is_judged(delivery))
    said = relay.config.masker(answer.excerpt)
    return Finish(
        claim=claim,
        outcome=AttemptOutcome.DELIVERED,
        started_at=started,
        ended_at=clock(),
        answer=replace(answer, excerpt=said),
        title=said,
        is_vain=is_judged(delivery) and not answer.leads_on,
    )


def is_judged(delivery: StoredDelivery) -> bool:
    """Whether it is a retry that the policy decided on: messages may wait for what comes of it."""
    return RETRY in delivery.settings


def _in_shadow(claim: Claim, delivery: StoredDelivery, now: datetime) -> Finish:
    return Finish(
        claim=claim,
        outcome=AttemptOutcome.SHADOW,
        started_at=now,
        ended_at=now,
        is_fault=False,
        is_vain=is_judged(delivery),
        title=NOT_DONE,
    )


def action_of(delivery: StoredDelivery, relay: Relay) -> Action:
    """DeliveryError when the configuration no longer has it."""
    try:
        return relay.actions[delivery.target]
    except KeyError:
        raise DeliveryError(
            f"action {delivery.target} is no longer in the configuration; add it again and replay",
            permanent=True,
        ) from None


def doing(delivery: StoredDelivery, relay: Relay, now: datetime) -> Doing:
    event = delivery.events[-1]
    return Doing(
        delivery_id=delivery.id,
        name=delivery.target,
        event=event,
        scope=pipeline.key_of(event, relay),
        now=now,
        settings=delivery.settings,
    )


def tools(delivery: StoredDelivery, relay: Relay, store: Store) -> Tools:
    def note(notes: Mapping[str, Any]) -> None:
        store.add_notes(delivery.events[-1].id, notes)

    def is_off() -> str | None:
        switched = store.switched_off()
        return switched.words if switched else relay.retry.is_off if relay.retry else None

    return Tools(
        circleci=relay.circleci, transport=relay.transport, runs=store.runs, note=note, is_off=is_off
    )


def _note_end(finish: Finish, delivery: StoredDelivery, relay: Relay, store: Store) -> None:
    """Messages still to come tell what became of an action that is not tried again."""
    action = relay.actions.get(delivery.target)
    if finish.again_at is not None or action is None:
        return
    told = noted(delivery.target, action.type, finish.error or "failed")
    try:
        store.add_notes(delivery.events[-1].id, told)
    except StoreError as error:
        log.warning("a note was lost", delivery=delivery.id, error=str(error))


def _failed(finish: Finish, error: DeliveryError) -> Finish:
    is_unknown = isinstance(error, Unresolved) and finish.again_at is None
    end = DeliveryState.UNKNOWN if is_unknown else None
    return replace(finish, end=end, is_fault=not isinstance(error, NotYet))
