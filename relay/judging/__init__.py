"""Judging a failed run: what history says, whether to run it again, and what it turned out to be. Pure."""

from relay.judging.asking import Question, question
from relay.judging.ending import conclude_attempt
from relay.judging.terms import NOTHING_KNOWN, Known, RetryTerms
from relay.judging.verdict import Judgement, judge_failure, with_spent

__all__ = [
    "NOTHING_KNOWN",
    "Judgement",
    "Known",
    "Question",
    "RetryTerms",
    "conclude_attempt",
    "judge_failure",
    "question",
    "with_spent",
]
