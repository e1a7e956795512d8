"""Rules: which failures may be tried again, how often, after how long; and those that never may."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from relay.policy.vocabulary import spelt_out
from relay.routing import Match, compile_match

MINUTE = 60.0

NEVER: tuple[Mapping[str, Any], ...] = (
    {"job": "/deploy|release|publish|migrate|terraform-apply/i"},
    {"step_kind": "deploy"},
    {"class": ["genuine.compile", "genuine.lint", "genuine.gate", "cancel"]},
)
"""Written in the configuration, other ones take their place."""

RULES: tuple[Mapping[str, Any], ...] = (
    {"id": "lost-executor", "when": {"class": "agent"}, "do": {"retry": 2, "delay": MINUTE}},
    {"id": "network", "when": {"class": ["net", "vcs"]}, "do": {"retry": 1, "delay": MINUTE}},
    {"id": "registry", "when": {"class": "registry"}, "do": {"retry": 1, "delay": 2 * MINUTE}},
    {"id": "docker", "when": {"class": "docker"}, "do": {"retry": 1, "delay": MINUTE}},
    {"id": "quota", "when": {"class": "quota"}, "do": {"retry": 1, "delay": 20 * MINUTE}},
    {"id": "cache", "when": {"class": "cache"}, "do": {"retry": 1, "delay": MINUTE}},
    {
        "id": "lack",
        "when": {"class": ["contention", "disk"]},
        "do": {"retry": 1, "delay": MINUTE},
    },
    {
        "id": "passes-often",
        "when": {"class": ["timeout", "oom"], "history": {"rho": ">= 0.5", "samples": ">= 5"}},
        "do": {"retry": 1, "delay": MINUTE},
    },
    {
        "id": "known-flaky",
        "when": {
            "class": ["flaky", "genuine.test"],
            "tests": {"known_flaky": "all", "count": "<= 3"},
        },
        "do": {"retry": 1, "delay": 0.0},
    },
    {
        "id": "flaky-job",
        "when": {"class": ["flaky", "unknown"], "history": {"known_flaky": "true"}},
        "do": {"retry": 1, "delay": 0.0},
    },
)
"""What is done when the configuration has no `rules`: the table of classes in docs/failures.md."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """`retry`: how often at most for one first run; 0 is a rule that says no. `delay`: seconds."""

    id: str
    when: Match
    written: Mapping[str, Any] = field(default_factory=dict)
    retry: int = 1
    delay: float = 0.0
    from_start: bool = False
    only_noted: bool = False
    note: str | None = None
    expect_passes: float | None = None  # instead of the policy's


def as_match(when: Any) -> Match:
    """A rule's conditions, compiled. Raises MatchError."""
    return compile_match(spelt_out(when))


def in_words(rule: Rule) -> str:
    times = "once" if rule.retry == 1 else f"{rule.retry} times"
    note = f" ({rule.note})" if rule.note else ""
    return f"rule {rule.id}{note}: " + (f"again at most {times}" if rule.retry else "never again")
