"""The catalogue of signatures: the shipped ones and those of the configuration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from relay.failures.matching import Matcher
from relay.failures.signature import Signature, usual_lr
from relay.failures.survival import Survival

FILE = "signatures.yaml"  # beside this module
PASSES = 0.2  # how often a retry is expected to pass for a class of which nobody said it


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnSignatures:
    """What a configuration adds: signatures, ids to leave out, and expected shares of retries that pass."""

    signatures: tuple[Signature, ...] = ()
    off: frozenset[str] = frozenset()
    passes: tuple[tuple[str, float], ...] = ()  # by class


class Catalogue:
    """All signatures by id, in the order of the file; compiled when first used. Shared by threads."""

    def __init__(
        self,
        signatures: Mapping[str, Signature],
        passes: Mapping[str, float],
        survivals: Sequence[Survival] = (),
    ) -> None:
        self.signatures = signatures
        self.survivals = tuple(survivals)
        self._passes = passes
        self._matcher: Matcher | None = None

    def passes(self, failure_class: str) -> float:
        """How often a retry of such a failure is expected to pass, before anything is known of the job."""
        return self._passes.get(failure_class, PASSES)

    @property
    def matcher(self) -> Matcher:
        if self._matcher is None:
            self._matcher = Matcher(tuple(self.signatures.values()), self.survivals)
        return self._matcher


@cache
def shipped() -> Catalogue:
    """The catalogue that comes with the relay."""
    written = _written()
    found = [
        _signature(failure_class, each)
        for failure_class, entries in written["signatures"].items()
        for each in entries
    ]
    survivals = [_survival(each) for each in written["survived"]]
    return Catalogue({each.id: each for each in found}, written["passes"], survivals)


def with_own(own: OwnSignatures) -> Catalogue:
    """The shipped catalogue with somebody's changes: an id of their own replaces the shipped one."""
    base = shipped()
    if own == OwnSignatures():
        return base
    together = {**base.signatures, **{each.id: each for each in own.signatures}}
    kept = {id: each for id, each in together.items() if id not in own.off}
    return Catalogue(kept, {**_written()["passes"], **dict(own.passes)}, base.survivals)


def _signature(failure_class: str, entry: Mapping[str, Any]) -> Signature:
    return Signature(
        id=entry["id"],
        failure_class=failure_class,
        lr=float(entry.get("lr", usual_lr(failure_class))),
        pattern=_joined(entry["re"]),
        excluded=_joined(entry["not"]) if "not" in entry else None,
        vetoes=tuple(entry.get("vetoes", ())),
        is_weak=entry.get("weak", False),
    )


def _survival(entry: Mapping[str, Any]) -> Survival:
    return Survival(
        id=entry["id"],
        pattern=_joined(entry["re"]),
        excluded=_joined(entry["not"]) if "not" in entry else None,
        reach=entry.get("reach"),
        spares=tuple(entry.get("spares", ())),
    )


def _joined(written: str | Sequence[str]) -> str:
    """Alternatives may be written on several lines."""
    return written if isinstance(written, str) else "|".join(written)


@cache
def _written() -> Mapping[str, Any]:
    """The file as it is; it is ours, so it is not checked again."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = files("relay.failures").joinpath(FILE).read_text(encoding="utf-8")
    found: Mapping[str, Any] = yaml.load(text, Loader=loader)  # noqa: S506 - a safe loader
    return found
