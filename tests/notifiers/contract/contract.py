"""The form in which a service is described for the contract suite."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tests.fakes.sink import Play, Request

SECRET = "s3cret-value-nobody-may-see"
EVIL = "evil.example.com"  # where no link may lead
OK = Play()


class Verdict(StrEnum):
    """What an error answer means for the delivery."""

    TEMPORARY = "temporary"
    PERMANENT = "permanent"  # this message
    DEAD = "dead"  # every message


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """One error answer that the service documents; over SMTP, what the server says."""

    name: str
    verdict: Verdict
    play: Play = OK
    said: str = ""
    retry_after: float | None = None


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a service makes of a message. broken: what strangers' text became that should have stayed text."""

    pings: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()  # what is shown, and where it leads
    broken: tuple[str, ...] = ()

    def __add__(self, other: "Reading") -> "Reading":
        return Reading(
            pings=self.pings + other.pings,
            links=self.links + other.links,
            broken=self.broken + other.broken,
        )


def nothing(_request: Request) -> Iterable[str]:
    return ()


@dataclass(frozen=True, kw_only=True)
class Contract:
    """One way of using a type of notifier.

    options: the smallest that work, with the address of the service. answer: when all is well. faults: limits
    of the service that a request breaks. read: what the service makes of it. person: ids, under `people`, of
    somebody whose mention shows up as `pinged`. edits, threads: what the service lets it do. key: the secret
    as it is configured. secret_at: the field that holds it because the service wants it there. is_choosy: it
    has nothing to say, or nobody to say it to, for some events. hints_at_waits: the answer can tell how long
    to wait. takes_raw_text: its reader is a program, which gets the fields as they came.
    """

    name: str
    options: Callable[[str], Mapping[str, Any]]
    read: Callable[[Request], Reading]
    faults: Callable[[Request], Iterable[str]] = nothing
    answer: Play | Callable[[Request], Play] = OK
    refusals: tuple[Refusal, ...] = ()
    over: str = "http"  # or "mail", or "screen"
    person: Mapping[str, str] | None = None
    pinged: tuple[str, ...] = ()
    has_links: bool = True
    key: str = SECRET
    secret_at: str | None = None
    edits: bool = False
    threads: bool = False
    is_choosy: bool = False
    hints_at_waits: bool = True
    takes_raw_text: bool = False


def says(status: int, body: Any = None, **headers: str) -> Play:
    """An answer in JSON, or in words."""
    content = body if isinstance(body, str) else json.dumps({} if body is None else body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Play(status=status, headers=named, body=content.encode())


def temporary(name: str, play: Play, retry_after: float | None = None) -> Refusal:
    return Refusal(name=name, verdict=Verdict.TEMPORARY, play=play, retry_after=retry_after)


def permanent(name: str, play: Play) -> Refusal:
    return Refusal(name=name, verdict=Verdict.PERMANENT, play=play)


def dead(name: str, play: Play) -> Refusal:
    return Refusal(name=name, verdict=Verdict.DEAD, play=play)


def over(name: str, value: Any, limit: int, size: Callable[[Any], int] = len) -> Iterator[str]:
    """Says so when something is larger than the service takes."""
    if value is not None and size(value) > limit:
        yield f"{name}: {size(value)} of at most {limit}"


def in_bytes(text: str | bytes) -> int:
    return len(text.encode("utf-8") if isinstance(text, str) else text)


def in_utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def in_json(value: Any) -> int:
    """Characters of the value written as JSON."""
    return len(json.dumps(value, ensure_ascii=False))


def texts_in(value: Any) -> Iterator[str]:
    """Every text in JSON, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield str(key)
            yield from texts_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts_in(item)


def all_of(value: Any, name: str) -> Iterator[Any]:
    """Everything that is called so, anywhere in JSON."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == name:
                yield item
            yield from all_of(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from all_of(item, name)
