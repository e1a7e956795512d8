"""A judgement as it is kept in the record of a decision, and as `explain` shows it: plain values for JSON."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from relay.failures import Failure
from relay.judging.terms import Judged
from relay.policy import Ruled, Standing

if TYPE_CHECKING:
    from relay.odds.decide import Judged as Weighed


def as_record(judged: Judged) -> Mapping[str, Any] | None:
    """None when there is nothing: it did not fail, or nobody knows why, and no earlier ruling ends by it."""
    ruled, ended = judged.ruled, judged.ended
    if ruled is None and ended is None:
        return None
    notes = judged.event.notes
    return {
        **(_ruled(ruled, judged) if ruled else {}),
        "verdict": notes.get("verdict") or (ended.verdict if ended else None),
        "verdict_text": notes.get("verdict_text"),
    }


def _ruled(ruled: Ruled, judged: Judged) -> dict[str, Any]:
    ruling = ruled.ruling
    odds = zip(ruled.failures, judged.weighed, strict=False)
    return {
        "retry": ruling.retry,
        "mode": ruled.mode.value,
        "rules": list(ruling.rules),
        "limit": ruling.limit,
        "delay": ruling.delay,
        "from_start": ruling.from_start,
        "stop": ruling.stop,
        "until": ruling.until.isoformat() if ruling.until else None,
        "explored": ruled.explored,
        "words": list(ruling.words),
        "p_transient": ruled.p_transient,
        "p_passes": ruled.p_passes,
        "jobs": [_job(failure, weighed) for failure, weighed in odds],
        **_limits(judged.standing),
    }


def _job(failure: Failure, weighed: "Weighed") -> dict[str, Any]:
    """One failed job: what was seen in its log, and each step from that to its odds."""
    return {
        "name": failure.job,
        "class": str(failure.failure_class),
        "signature": failure.evidence.signature if failure.evidence else None,
        "evidence": failure.evidence.line if failure.evidence else None,
        "step": failure.step,
        "p_transient": weighed.p_transient,
        "p_passes": weighed.p_passes,
        "success": weighed.success,
        "floor": max(weighed.rho_star, weighed.floor),
        "advice": weighed.advice.value,
        "terms": [{"name": each.name, "factor": each.factor, "words": each.words} for each in weighed.terms],
        "words": list(weighed.words),
    }


def _limits(standing: Standing) -> dict[str, Any]:
    return {
        "budgets": [{"name": each.budget, "used": each.used, "room": each.room} for each in standing.budgets],
        "breakers": [
            {"name": each.name, "why": each.why, "until": each.until.isoformat() if each.until else None}
            for each in standing.breakers
        ],
    }
