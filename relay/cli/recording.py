"""`relay test --record`: a webhook and what becomes of it now, as a test of the configuration."""

import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relay import changes, pipeline, wiring
from relay.cli.detail import readable
from relay.cli.opening import hook_of
from relay.cli.output import Mistake, visible
from relay.cli.tried import Outcomes, outcomes_of
from relay.config import Config
from relay.config.examples import Example
from relay.errors import ConfigError
from relay.model import Event, Outcome
from relay.pipeline import Relay
from relay.routing import Result
from relay.store import Store, StoredEvent

FOLDER = "tests/events"  # beside the configuration
MOST_HISTORY = 10  # earlier results that a test keeps
LONGEST_TITLE = 200  # characters of a test's name
LONGEST_NAME = 60  # characters of a file's name


@dataclass(frozen=True, kw_only=True, slots=True)
class Recording:
    """A test to be. `entry` is its text below `tests:`, `event` the file's name in the configuration."""

    name: str
    event: str
    body: str
    entry: str


def record(hook: StoredEvent, store: Store | None, relay: Relay, name: str | None) -> Recording:
    """Raises PayloadError. Nothing is written; what is expected is what comes of it now, secrets masked."""
    body = readable(hook.body, relay.config.masker)
    kept = hook_of("the webhook without its secrets", body.encode(), hook.received_at)
    event = pipeline.normalise(kept, relay)
    taken = [example.name for example in relay.config.tests]
    name = _name_of(event, taken) if name is None else _checked(name, taken)
    file = f"{FOLDER}/{_file_name(name)}.json"
    past = _past(hook.id, event, store, relay) if store else ()
    given = {"now": event.received_at.isoformat(), **({"history": past} if past else {})}
    example = Example.model_validate({"name": name, "event": file, "given": given, "expect": {"routes": []}})
    expect = _expect(outcomes_of(example, kept, relay))
    written = {"name": name, "event": file, "given": given, "expect": expect}
    return Recording(name=name, event=file, body=body, entry=_entry(written))


def _checked(name: str, taken: Sequence[str]) -> str:
    if not 0 < len(name) <= LONGEST_TITLE:
        raise Mistake(f"--name: wanted 1 to {LONGEST_TITLE} characters")
    if name in taken:
        raise Mistake(visible(f"there is a test {name} already; give another --name"))
    return name


def _past(before: str, event: Event, store: Store, relay: Relay) -> list[dict[str, Any]]:
    """The newest of the earlier results, the oldest first."""
    if event.kind not in changes.RESULTS:
        return []
    known = [each for each in store.history(pipeline.key_of(event, relay)) if each.event_id < before]
    return [_as_written(each) for each in changes.in_order(known)[-MOST_HISTORY:]]


def _as_written(outcome: Outcome) -> dict[str, Any]:
    told = {"status": outcome.status.value, "number": outcome.number, "at": outcome.started_at.isoformat()}
    return {key: value for key, value in told.items() if value is not None}


def _expect(came: Outcomes) -> dict[str, Any]:
    return {
        "change": came.decided.event.change.value,
        "routes": [route for route, line in came.trace.items() if line.result is Result.FIRE],
        "notify": list(came.notified),
        "mention": list(came.mentioned),
        "act": list(came.acted),
        **({"quiet": _quiet(came)} if came.quiet else {}),
    }


def _quiet(came: Outcomes) -> dict[str, str]:
    return {target: quiet.control.value for target, quiet in came.quiet.items()}


def _name_of(event: Event, taken: Sequence[str]) -> str:
    """What it is about, in words no other test has."""
    ran = event.workflow.name or event.job.name or event.project.name or event.kind.value
    where = event.tag or event.branch
    words = visible(" ".join(filter(None, (ran, event.status.value, "on" if where else "", where))))[
        :LONGEST_NAME
    ]
    numbered = (f"{words} {number}" for number in range(2, len(taken) + 3))
    return next(name for name in (words, *numbered) if name not in taken)


def _file_name(name: str) -> str:
    words = re.findall(r"[a-z0-9]+", name.lower())
    return "-".join(words)[:LONGEST_NAME].strip("-") or "event"


def _entry(test: Mapping[str, Any]) -> str:
    """One item of `tests`, two blanks in."""
    lines = [f"{key}: {_text(value)}" for key, value in test.items() if not isinstance(value, Mapping)]
    for key in ("given", "expect"):
        lines += [f"{key}:", *(f"  {inner}: {_text(value)}" for inner, value in test[key].items())]
    return "".join(f"{'  - ' if at == 0 else '    '}{line}\n" for at, line in enumerate(lines))


def _text(value: Any) -> str:
    """JSON, which YAML reads too; a `${` in it is no variable."""
    return json.dumps(value, ensure_ascii=True).replace("${", "$${")


def write(recording: Recording, settings: Config) -> bool:
    """Writes the webhook's file, and the test into the configuration when that can be done for certain.

    Whether the second was done; if not, somebody has to paste it. An existing file is never replaced.
    """
    config = Path(settings.source).resolve()
    file = config.parent / recording.event
    text = config.read_text("utf-8")
    ready = next(_candidates(text, recording, settings), None)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as stream:
            stream.write(f"{recording.body}\n")
        if ready is not None:
            _replace(config, ready)
    except FileExistsError:
        raise Mistake(visible(f"{recording.event} is there already; give another --name")) from None
    except OSError as error:
        raise Mistake(visible(f"{recording.event}: cannot be written: {error.strerror}")) from error
    return ready is not None


def _candidates(text: str, recording: Recording, settings: Config) -> Iterator[str]:
    """Texts of the configuration that have just this one test more: at the end, under the last section."""
    start = text if text.endswith("\n") else f"{text}\n"
    for changed in (f"{start}\ntests:\n{recording.entry}", f"{start}{recording.entry}"):
        try:
            found = wiring.load_text(changed, settings.source)
        except ConfigError:
            continue
        if [each.name for each in found.tests] == [*(each.name for each in settings.tests), recording.name]:
            yield changed


def _replace(file: Path, text: str) -> None:
    """All of it or nothing, with the file's own permissions."""
    temporary = file.with_name(f".{file.name}.new")
    temporary.write_text(text, "utf-8")
    shutil.copymode(file, temporary)
    temporary.replace(file)
