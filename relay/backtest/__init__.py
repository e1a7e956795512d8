"""Trying a configuration on the past: what was decided is decided again, and the two are compared.

The webhooks of the ledger are played into a store of their own (`stage`), in the order and with the clock in
which they were planned (`order`, `recorded`). What the service did with a message is taken from the ledger
too (`follow`), so that what a noise control hangs on is as it was. `compare` then reads both stores side by
side. Decisions are made by the functions that the worker uses; nothing is sent and CircleCI is not asked.
"""

from relay.backtest.compare import Change, Comparison, Difference, TargetChange, compare
from relay.backtest.order import Span
from relay.backtest.replay import Replayed, replay
from relay.backtest.told import Became, Told

__all__ = [
    "Became",
    "Change",
    "Comparison",
    "Difference",
    "Replayed",
    "Span",
    "TargetChange",
    "Told",
    "compare",
    "replay",
]
