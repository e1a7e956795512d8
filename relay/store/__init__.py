"""The database: everything the relay must not lose, and the queue of what it still owes."""

from relay.store.accept import Arrival
from relay.store.claims import Claim
from relay.store.finishes import Finish
from relay.store.groups import OpenGroup
from relay.store.ledger import (
    AttemptRow,
    DeliveryDetail,
    DeliveryFilter,
    DeliveryRow,
    EventDetail,
    EventFilter,
    EventRow,
)
from relay.store.limits import Limit
from relay.store.liveness import Presence, Worker
from relay.store.loads import Load, StoredDelivery, StoredEvent, as_stored
from relay.store.marks import Mark, mark_key
from relay.store.past import Past, PastDelivery, PastEvent
from relay.store.plans import Planned
from relay.store.prune import Pruned
from relay.store.queue import Turn
from relay.store.signs import DeadLetters, DeadPlace, Found, Sought
from relay.store.store import Store
from relay.store.switch import SwitchedOff
from relay.store.tables import EventState, Step
from relay.store.wakeups import Watcher

__all__ = [
    "Arrival",
    "AttemptRow",
    "Claim",
    "DeadLetters",
    "DeadPlace",
    "DeliveryDetail",
    "DeliveryFilter",
    "DeliveryRow",
    "EventDetail",
    "EventFilter",
    "EventRow",
    "EventState",
    "Finish",
    "Found",
    "Limit",
    "Load",
    "Mark",
    "OpenGroup",
    "Past",
    "PastDelivery",
    "PastEvent",
    "Planned",
    "Presence",
    "Pruned",
    "Sought",
    "Step",
    "Store",
    "StoredDelivery",
    "StoredEvent",
    "SwitchedOff",
    "Turn",
    "Watcher",
    "Worker",
    "as_stored",
    "mark_key",
]
