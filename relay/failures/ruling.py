"""The class of a failure, from the signatures that were found: the strongest of either kind, no sums."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from relay.failures.matching import Hit
from relay.failures.record import FailureClass
from relay.failures.signature import Signature

LEANS_TRANSIENT = math.log(2.5)
LEANS_GENUINE = math.log(0.4)
FAR = 2.0  # times the weight of the other
LAST_HITS = 3  # among which cancelling wins
OVERTAKEN = 100  # lines after which what was said of one kind was survived, when the other kind follows
FADED = 0.25  # what is left of its weight


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """A signature that was found: where, in which step, and how much it says there."""

    hit: Hit
    step: int  # its place among the steps
    weight: float

    @property
    def signature(self) -> Signature:
        return self.hit.signature

    @property
    def is_overtaken(self) -> bool:
        """Whether it counts for less, since much was said after it."""
        return abs(self.weight) < abs(self.signature.weight)

    @property
    def place(self) -> tuple[int, int]:
        return self.step, self.hit.at


@dataclass(frozen=True, kw_only=True, slots=True)
class Ruling:
    """`decisive` gave the class; `found` has one finding for each signature, the strongest first."""

    failure_class: str
    decisive: Finding | None = None
    transient: Finding | None = None
    genuine: Finding | None = None
    found: tuple[Finding, ...] = ()


NOWHERE = (-1, -1)  # before every place
NOTHING_FOUND = Ruling(failure_class=FailureClass.UNKNOWN)


def rule(steps: Sequence[Sequence[Hit]]) -> Ruling:
    """What the hits in the logs of the failed steps come to."""
    hits = [each for step in steps for each in step]
    if not hits:
        return NOTHING_FOUND
    stopped = next(
        (hit for hit in hits[-LAST_HITS:] if hit.signature.failure_class == FailureClass.CANCEL), None
    )
    if stopped is not None:
        last = Finding(hit=stopped, step=_step_of(stopped, steps), weight=0.0)
        return Ruling(failure_class=FailureClass.CANCEL, decisive=last, found=(last,))
    return _weighed(_without_vetoed(found_in(steps), steps))


def found_in(steps: Sequence[Sequence[Hit]]) -> tuple[Finding, ...]:
    """One finding for each signature and step: of the transient ones the last hit, of others the first."""
    return tuple(
        Finding(hit=hit, step=at, weight=_weight(hit, hits))
        for at, hits in enumerate(steps)
        for hit in _one_each(hits)
    )


def _one_each(hits: Sequence[Hit]) -> Iterable[Hit]:
    first = {hit.signature.id: hit for hit in reversed(hits)}
    last = {hit.signature.id: hit for hit in hits}
    return [last[id] if hit.signature.is_transient else hit for id, hit in first.items()]


def _weight(hit: Hit, hits: Sequence[Hit]) -> float:
    """Less when much was said after it that ended in a sign of the other kind."""
    last = max(each.at for each in hits if each.signature.id == hit.signature.id)
    is_overtaken = any(
        other.at - last >= OVERTAKEN and other.signature.is_genuine != hit.signature.is_genuine
        for other in hits
    )
    return hit.signature.weight * (FADED if is_overtaken else 1.0)


def _without_vetoed(found: Sequence[Finding], steps: Sequence[Sequence[Hit]]) -> tuple[Finding, ...]:
    """A veto holds for what came before it was last said."""
    until = {
        failure_class: (at, hit.at)
        for at, hits in enumerate(steps)
        for hit in hits
        for failure_class in hit.signature.vetoes
    }
    return tuple(each for each in found if each.place > until.get(each.signature.failure_class, NOWHERE))


def _weighed(found: Sequence[Finding]) -> Ruling:
    ranked = tuple(sorted(found, key=_rank))
    transient, genuine = _strongest(ranked)
    decisive = _decisive(*_strongest(_telling(ranked)))
    return Ruling(
        failure_class=decisive.signature.failure_class if decisive else FailureClass.UNKNOWN,
        decisive=decisive,
        transient=transient,
        genuine=genuine,
        found=_once_each(ranked),
    )


def _strongest(ranked: Sequence[Finding]) -> tuple[Finding | None, Finding | None]:
    """Of the transient ones and of the genuine ones."""
    transient = next((each for each in ranked if each.signature.is_transient), None)
    genuine = next((each for each in ranked if each.signature.is_genuine), None)
    return transient, genuine


def _telling(ranked: Sequence[Finding]) -> Sequence[Finding]:
    """Those that say why it failed, where any of them was not overtaken; else all."""
    telling = [each for each in ranked if not each.signature.is_weak and not _gives_way(each, ranked)]
    return telling if any(not each.is_overtaken for each in telling) else ranked


def _gives_way(finding: Finding, ranked: Sequence[Finding]) -> bool:
    """Networks err all the time: where something else that is transient ended the step, that is the class."""
    return finding.signature.failure_class == FailureClass.NET and any(
        other.place > finding.place
        and other.signature.is_transient
        and not other.signature.is_weak
        and other.signature.failure_class != FailureClass.NET
        for other in ranked
    )


def _rank(finding: Finding) -> tuple[float, int, int]:
    """The strongest first; of transient ones that are as strong the last, of genuine ones the first."""
    order = -1 if finding.signature.is_transient else 1
    return -abs(finding.weight), order * finding.step, order * finding.hit.at


def _once_each(ranked: Iterable[Finding]) -> tuple[Finding, ...]:
    by_id: dict[str, Finding] = {}
    for each in ranked:
        by_id.setdefault(each.signature.id, each)
    return tuple(by_id.values())


def _decisive(transient: Finding | None, genuine: Finding | None) -> Finding | None:
    """Where neither side leads clearly, the one that is far stronger; else what was said last, for that is
    what ended the step."""
    if transient is None or genuine is None:
        return transient or genuine
    both = transient.weight + genuine.weight
    if both > LEANS_TRANSIENT:
        return transient
    if both < LEANS_GENUINE:
        return genuine
    weaker, stronger = sorted((transient, genuine), key=lambda each: abs(each.weight))
    if abs(stronger.weight) > FAR * abs(weaker.weight):
        return stronger
    return max(transient, genuine, key=lambda each: each.place)


def _step_of(hit: Hit, steps: Sequence[Sequence[Hit]]) -> int:
    return next(at for at, hits in enumerate(steps) if any(each is hit for each in hits))
