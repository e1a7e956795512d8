"""The verdict before: is it transient, would a retry pass, is that worth it, and why (odds.md 3)."""

from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate

from relay.odds.branches import BranchState
from relay.odds.case import Case, success_now, terms_of
from relay.odds.chances import p_passes, p_transient
from relay.odds.economics import break_even, floor, retries_worth
from relay.odds.limits import class_limit
from relay.odds.logits import chance, percent
from relay.odds.terms import Elsewhere, Term

GENUINE_BELOW = 0.10


class Advice(StrEnum):
    """What to do, or what speaks against a retry."""

    RETRY = "retry"
    BROKEN_BRANCH = "broken_branch"
    OUTAGE = "outage"
    GENUINE = "genuine"
    NEVER = "never"  # not for this class, or by the rules
    SPENT = "spent"  # as many as allowed were made
    NOT_WORTH_IT = "not_worth_it"


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """The verdict before a retry. All chances are 0 to 1; `at_most` is how many more retries, 0 to 2."""

    p_transient: float
    p_passes: float
    success: float  # ρ, after the failed retries of this build
    rho_star: float
    floor: float
    terms: tuple[Term, ...]
    advice: Advice
    at_most: int
    words: tuple[str, ...]  # one sentence for each step

    @property
    def is_worth_it(self) -> bool:
        return self.advice is Advice.RETRY


def decide(case: Case) -> Judged:
    """Weigh a failed job; depends on nothing but the case (odds.md 3 to 6)."""
    terms = terms_of(case)
    success = success_now(case).mean
    transient = p_transient(terms)
    passes = p_passes(transient, success)
    star, least = break_even(case.costs), floor(pull_request=case.pull_request)
    advice = _advice(case, transient, passes, max(star, least))
    return Judged(
        p_transient=transient,
        p_passes=passes,
        success=success,
        rho_star=star,
        floor=least,
        terms=terms,
        advice=advice,
        at_most=_allowed(case) - len(case.failed_retries) if advice is Advice.RETRY else 0,
        words=(
            *_term_words(terms),
            f"a retry passes with {percent(passes)}: {percent(transient)} transient, "
            f"of which {percent(success)} pass when run again",
            f"worth it from {percent(max(star, least))}: "
            f"costs and delay ask for {percent(star)}, caution for {percent(least)}",
            _ADVICE_WORDS[advice],
        ),
    )


def _advice(case: Case, transient: float, passes: float, least: float) -> Advice:
    objections = (
        (case.branch in (BranchState.BROKEN, BranchState.RECOVERING), Advice.BROKEN_BRANCH),
        (case.elsewhere is Elsewhere.DEFAULT_BRANCH, Advice.BROKEN_BRANCH),
        (case.outage or case.elsewhere is Elsewhere.PROJECTS, Advice.OUTAGE),
        (case.failed_twice or transient <= GENUINE_BELOW, Advice.GENUINE),
        (_allowed(case) == 0, Advice.NEVER),
        (len(case.failed_retries) >= _allowed(case), Advice.SPENT),
        (passes < least, Advice.NOT_WORTH_IT),
    )
    return next((advice for holds, advice in objections if holds), Advice.RETRY)


def _allowed(case: Case) -> int:
    """Retries of one build, 0 to 2: what the rules or the class allow, if as many make sense (odds.md 5)."""
    before = case.success.mean
    limit = class_limit(case.failure_class, before) if case.limit is None else case.limit
    return max(0, min(limit, retries_worth(before)))


def _term_words(terms: tuple[Term, ...]) -> list[str]:
    """Each with what it does to the odds, and the chance once it was heard."""
    so_far = accumulate(each.log for each in terms)
    return [
        f"{each.words} (odds ×{each.factor:.3g}, transient with {percent(chance(total))})"
        for each, total in zip(terms, so_far, strict=True)
    ]


_ADVICE_WORDS = {
    Advice.RETRY: "so it is worth a retry",
    Advice.BROKEN_BRANCH: "but the branch is broken in this way, so no retry",
    Advice.OUTAGE: "but others meet the same, which looks like an outage, so no retry now",
    Advice.GENUINE: "so it is genuine, and no retry",
    Advice.NEVER: "but no retry is allowed for failures of this kind",
    Advice.SPENT: "but as many retries as are allowed were made",
    Advice.NOT_WORTH_IT: "so a retry is not worth it",
}
