"""Judging a failed run: what history says, whether to run it again, and what it turned out to be. Pure."""

from relay.judging.asking import Question, question
from relay.judging.ending import conclude_attempt
from relay.judging.gate import RETRY, Gated, gate
from relay.judging.judged import Bench, Judged
from relay.judging.known import Ledger, known_of
from relay.judging.noted import as_record
from relay.judging.terms import NOTHING_KNOWN, Known, RetryTerms
from relay.judging.verdict import Judgement, judge_failure, with_spent

__all__ = [
    "NOTHING_KNOWN",
    "RETRY",
    "Bench",
    "Gated",
    "Judged",
    "Judgement",
    "Known",
    "Ledger",
    "Question",
    "RetryTerms",
    "as_record",
    "conclude_attempt",
    "gate",
    "judge_failure",
    "known_of",
    "question",
    "with_spent",
]
