"""`relay silence`: times in which nothing is said about some events."""

import getpass
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import click

from relay import durations, wiring
from relay.cli.moments import moment
from relay.cli.opening import ledger
from relay.cli.output import (
    Mistake,
    json_option,
    masked,
    print_json,
    print_table,
    short,
    visible,
)
from relay.fields import is_fetched
from relay.quieting import Silence
from relay.routing import check_match

EXAMPLE = "--match branch=main"
LONGEST = timedelta(days=366)


@click.group()
def silence() -> None:
    """Say nothing about some events for a while. Actions are done all the same.

    What is kept back stands with its reason in `relay event`, and is not sent later. Silences that last
    belong into the configuration, under `silences`.
    """


@silence.command()
@click.option(
    "--match",
    "-m",
    "matches",
    metavar="FIELD=PATTERN",
    multiple=True,
    required=True,
    help="Which events, as in a route's `match`. All fields must match; of one field any pattern.",
)
@click.option("--until", metavar="TIME", help='Such as "2026-11-23 21:15", in `defaults.timezone`.')
@click.option("--for", "length", metavar="DURATION", help="Such as 2h or 3d.")
@click.option("--why", metavar="TEXT", help="For whoever wonders where the messages are.")
@json_option
@click.pass_obj
def add(
    path: str, matches: Sequence[str], until: str | None, length: str | None, why: str | None, as_json: bool
) -> None:
    """Say nothing about events that match, until a time; a running worker heeds it within seconds.

    \b
      relay silence add --match branch=main --for 2h --why "database upgrade"
      relay silence add --match project.slug="gh/acme/*" --match change=still_failing --until 18:00
      relay silence add --match project.slug="*" --until "2026-12-27"
    """
    match = _match(matches)
    with ledger(path) as (settings, store):
        now = store.now()
        end = _end(until, length, now, ZoneInfo(settings.defaults.timezone))
        id = store.add_silence(match, now, end, who=_who(), why=why)
        zone = ZoneInfo(settings.defaults.timezone)
    if as_json:
        print_json({"id": id, "until": end.isoformat()})
    else:
        click.echo(f"silence {short(id)} holds until {end.astimezone(zone):%Y-%m-%d %H:%M}")


@silence.command(name="list")
@json_option
@click.pass_obj
def list_(path: str, as_json: bool) -> None:
    """List the silences that hold now, those of the configuration included.

    \b
      relay silence list
    """
    with ledger(path) as (settings, store):
        now = store.now()
        own = [each for each in wiring.silences_of(settings) if each.is_active(now)]
        found = (*store.silences(now), *own)
    if as_json:
        print_json(masked([_record(each) for each in found], settings.masker))
        return
    zone = ZoneInfo(settings.defaults.timezone)
    cells = [[settings.masker(cell) for cell in _cells(each, zone)] for each in found]
    print_table(("id", "until", "match", "who", "why"), cells, empty="no silences")


@silence.command()
@click.argument("silence_id", metavar="ID")
@json_option
@click.pass_obj
def remove(path: str, silence_id: str, as_json: bool) -> None:
    """End a silence before its time.

    \b
      relay silence remove 4ksq2z8d
    """
    with ledger(path) as (_, store):
        id = store.remove_silence(silence_id, store.now())
    if as_json:
        print_json({"id": id})
    else:
        click.echo(f"silence {short(id)} is ended")


def _match(texts: Iterable[str]) -> dict[str, list[str]]:
    match: dict[str, list[str]] = {}
    for text in texts:
        name, equals, pattern = text.partition("=")
        if not equals:
            raise Mistake(visible(f"--match {text}: wanted FIELD=PATTERN, such as {EXAMPLE}"))
        match.setdefault(name.strip(), []).append(pattern)
    _check(match)
    return match


def _check(match: Mapping[str, Sequence[str]]) -> None:
    faults = [f"--match {'.'.join(map(str, each.path[:1]))}: {each.problem}" for each in check_match(match)]
    faults += [
        f"--match {name}: has to be fetched from CircleCI; use another field"
        for name in match
        if is_fetched(name)
    ]
    if faults:
        raise Mistake(visible("; ".join(faults)))


def _end(until: str | None, length: str | None, now: datetime, zone: tzinfo) -> datetime:
    if (until is None) == (length is None):
        raise Mistake("say when it ends: --until TIME or --for DURATION")
    end = _time(until, now, zone) if until is not None else now + _length(str(length))
    if end <= now:
        raise Mistake("it would end before it begins")
    return end


def _time(text: str, now: datetime, zone: tzinfo) -> datetime:
    """A time of day alone is meant today."""
    whole = f"{now.astimezone(zone):%Y-%m-%d} {text}" if len(text.strip()) == len("18:00") else text
    return moment(whole, zone, "--until")


def _length(text: str) -> timedelta:
    """A bare number is refused: nobody can tell later what it meant."""
    try:
        if text.strip().replace(".", "").isdigit():
            raise ValueError(text)  # noqa: TRY301 - the same answer as for any other unreadable text
        length = timedelta(seconds=durations.parse(text))
    except (ValueError, OverflowError):
        raise Mistake(visible(f"--for: {text} is not a duration; write 2h or 3d")) from None
    if length > LONGEST:
        raise Mistake("--for: longer than a year; put it into the configuration, under `silences`")
    return length


def _who() -> str | None:
    """The login name of who asks."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return None


def _cells(each: Silence, zone: tzinfo) -> tuple[str, ...]:
    end = f"{each.until.astimezone(zone):%Y-%m-%d %H:%M}" if each.until else ""
    return each.name, end, _written(each.written), each.who or "", each.why or ""


def _written(match: Mapping[str, Any]) -> str:
    """The match in one line, as it would be typed."""
    pairs = ((name, one) for name, wanted in match.items() for one in _listed(wanted))
    return " ".join(f"{name}={one}" for name, one in pairs)


def _listed(wanted: Any) -> Sequence[Any]:
    return wanted if isinstance(wanted, (list, tuple)) else (wanted,)


def _record(each: Silence) -> dict[str, Any]:
    return {
        "id": each.id or each.name,
        "match": each.written,
        "from": each.starts_at.isoformat() if each.starts_at else None,
        "until": each.until.isoformat() if each.until else None,
        "who": each.who,
        "why": each.why,
    }
