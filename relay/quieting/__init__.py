"""The noise controls: whether a message that the routes want is sent now, or kept back, and why.

They are asked in the order of `quieted._CONTROLS`, and the first that objects decides. Only messages are
quieted; actions are done whatever is said here.

`once_per` and `throttle` take slots: a message that goes on reserves its slot, and whether that counts hangs
on whether it was sent; see `relay.store.slots`.
"""

from relay.quieting.dedupe import told_slot
from relay.quieting.digest import DIGEST
from relay.quieting.hold import HOLD, VERDICT, is_unsaid
from relay.quieting.hours import DURING, HELD, OUTSIDE, SILENT
from relay.quieting.inhibition import INHIBIT, trunk_keys
from relay.quieting.news import worth_telling
from relay.quieting.once_per import ONCE_PER
from relay.quieting.quieted import NOTIFY, Quieted, quieted, wanted
from relay.quieting.scene import Control, Fate, Quiet, as_records
from relay.quieting.terms import (
    NO_TERMS,
    NOTHING_KNOWN,
    Budget,
    Facts,
    Silence,
    Slot,
    SlotState,
    Spent,
    Terms,
    Trunk,
    Wanted,
    make_silence,
)
from relay.quieting.throttle import MISSED, THROTTLE

__all__ = [
    "DIGEST",
    "DURING",
    "HELD",
    "HOLD",
    "INHIBIT",
    "MISSED",
    "NOTHING_KNOWN",
    "NOTIFY",
    "NO_TERMS",
    "ONCE_PER",
    "OUTSIDE",
    "SILENT",
    "THROTTLE",
    "VERDICT",
    "Budget",
    "Control",
    "Facts",
    "Fate",
    "Quiet",
    "Quieted",
    "Silence",
    "Slot",
    "SlotState",
    "Spent",
    "Terms",
    "Trunk",
    "Wanted",
    "as_records",
    "is_unsaid",
    "make_silence",
    "quieted",
    "told_slot",
    "trunk_keys",
    "wanted",
    "worth_telling",
]
