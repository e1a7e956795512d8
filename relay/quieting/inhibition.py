"""Inhibition: a branch's failure stays quiet while trunk fails the same way."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from relay import changes
from relay.model import Change, Event, Outcome
from relay.planning import NewDelivery
from relay.quieting.scene import Control, Scene, kept_back
from relay.quieting.terms import Facts, Terms, Trunk

INHIBIT = "inhibit"  # among the settings of a route; false: told all the same


def heed_inhibition(delivery: NewDelivery, scene: Scene) -> NewDelivery | None:
    if scene.inhibited is None or delivery.settings.get(INHIBIT) is False:
        return delivery
    scene.quiet.append(kept_back(delivery, Control.INHIBITION, scene.inhibited, None))
    return None


def trunk_keys(event: Event, terms: Terms) -> Mapping[str, str]:
    """By branch of trunk the state key of what failed here; none for what is never inhibited."""
    trunk = terms.trunk
    if trunk is None or event.kind not in changes.RESULTS or not event.status.is_bad:
        return {}
    if event.tag or not event.branch or event.branch in trunk.branches:
        return {}
    own = changes.state_key(event, trunk.key)
    keys = {name: changes.state_key(replace(event, branch=name), trunk.key) for name in trunk.branches}
    return {name: key for name, key in keys.items() if key != own}


def inhibiting(event: Event, terms: Terms, facts: Facts) -> str | None:
    """Which branch of trunk fails the same way, and since when."""
    if terms.trunk is None or event.change is Change.NONE:
        return None
    for branch, key in trunk_keys(event, terms).items():
        failing = changes.failing(facts.histories.get(key, ()), terms.trunk.ignore)
        step = _in_common(event, failing[-1]) if failing else None
        if step is not None:
            return _reason(branch, failing[0], step, terms.trunk)
    return None


def _in_common(event: Event, newest: Outcome) -> str | None:
    """The failed step they share: empty where one of the two tells none, None where they differ. What their
    logs say goes before the names of steps."""
    own, steps = _parted(changes.how_failed(event))
    theirs, their_steps = _parted(newest.how)
    if own and theirs:
        return next((step for step in steps if step in their_steps), "") if own & theirs else None
    if not steps or not their_steps:
        return ""
    return next((step for step in steps if step in their_steps), None)


def _parted(how: Iterable[str]) -> tuple[frozenset[str], tuple[str, ...]]:
    """Fingerprints, and names of steps."""
    every = tuple(how)
    prints = frozenset(each for each in every if each.startswith(changes.FINGERPRINT))
    return prints, tuple(each for each in every if each not in prints)


def _reason(branch: str, began: Outcome, step: str, trunk: Trunk) -> str:
    since = (began.finished_at or began.started_at).astimezone(trunk.zone)
    number = None if began.number is None else f"#{began.number}"
    details = ", ".join(filter(None, (number, f"step {step}" if step else None)))
    told = f"{branch} fails the same way since {since:%Y-%m-%d %H:%M}"
    return f"{told} ({details})" if details else told
