"""Judging a failed run: what history says, whether to run it again, and what it turned out to be. Pure.

Where nothing is judged nothing of this is loaded but its types: `bench` and `known` bring the statistics.
"""

from relay.judging.gate import RETRY, Gated, gate
from relay.judging.noted import as_record
from relay.judging.terms import NOTHING_KNOWN, Judged, Known, RetryTerms

__all__ = ["NOTHING_KNOWN", "RETRY", "Gated", "Judged", "Known", "RetryTerms", "as_record", "gate"]
