"""What the store has to be asked before an event can be judged."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from relay import changes
from relay.failures import Failure, from_notes
from relay.judging.terms import RetryTerms
from relay.model import Event
from relay.policy import About, about, root_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """About one event. spent: what to ask about budgets, for an event that failed and may be run again.

    keys: its own state key first, then trunk's.
    """

    event_id: str
    root: str
    project: str
    keys: tuple[str, ...]
    fingerprints: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    spent: About | None = None


def question(event: Event, terms: RetryTerms) -> Question | None:
    """None for an event that is no result of a run."""
    root = root_of(event)
    if root is None or event.kind not in changes.RESULTS or event.status in terms.ignore:
        return None
    failures = failures_of(event) if event.status.is_bad else ()
    budgets, breakers = terms.policy.budgets, terms.policy.breakers
    return Question(
        event_id=event.id,
        root=root,
        project=event.project.slug or "",
        keys=state_keys(event, terms),
        fingerprints=tuple(dict.fromkeys(each.fingerprint for each in failures)),
        classes=tuple(dict.fromkeys(str(each.failure_class) for each in failures)),
        spent=about(event, root, failures, terms.mode, budgets, breakers) if failures else None,
    )


def state_keys(event: Event, terms: RetryTerms) -> tuple[str, ...]:
    own = changes.state_key(event, terms.keys)
    trunk = (changes.state_key(replace(event, branch=name, tag=None), terms.keys) for name in terms.trunk)
    return tuple(dict.fromkeys((own, *trunk)))


def failures_of(event: Event) -> tuple[Failure, ...]:
    """Of each failed job, as enrichment noted them."""
    note = event.notes.get("failure")
    if not isinstance(note, Mapping):
        return ()
    jobs = note.get("jobs") or [note]
    return tuple(from_notes(each) for each in jobs if isinstance(each, Mapping))
