"""Webhooks to measure with: one of the shipped samples, made new each time."""

import json
from collections.abc import Iterator
from typing import Any

from relay import samples
from relay.ids import new_id

SAMPLE = "04-main-broke"
BRANCHES = 50
FIRST = 100_000_000  # pipeline number: later than all of a long history, or nothing would be told of them


def bodies(count: int, size: int = 0) -> Iterator[bytes]:
    """So many failed workflows on a few branches, each with an id of its own; filled up to the size."""
    sample = json.loads(next(each.body for each in samples.load() if each.name == SAMPLE))
    filler = "a" * max(0, size - len(json.dumps(sample)))
    for number in range(count):
        yield json.dumps(_renewed(sample, number) | ({"filler": filler} if filler else {})).encode()


def _renewed(sample: dict[str, Any], number: int) -> dict[str, Any]:
    """The same story as another event."""
    pipeline = sample["pipeline"]
    vcs = pipeline["vcs"] | {"branch": f"branch-{number % BRANCHES}"}
    return sample | {
        "id": new_id(),
        "workflow": sample["workflow"] | {"id": new_id()},
        "pipeline": pipeline | {"number": FIRST + number, "vcs": vcs},
    }
