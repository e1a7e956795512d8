"""`relay explain … --why-not ROUTE`: one route, each condition of it and of those above. Pure."""

from collections.abc import Iterator
from typing import Any

from rich.text import Text

from relay.cli import kept_quiet, report
from relay.cli.explained import Explained
from relay.cli.output import Mistake, aligned, plain, visible
from relay.config.suggestions import unknown
from relay.model import Event
from relay.quieting import as_records
from relay.routing import Account, Reading, Result, Step, account, named
from relay.routing.wording import spell
from relay.sandbox import fields_of_condition

BECAME = {
    Result.FIRE: "fires",
    Result.NO: "does not fire",
    Result.CHILDREN: "matches, and its children speak for it",
    Result.STOPPED: "is not tried",
    Result.ERROR: "cannot be decided",
}


def account_of(name: str, explained: Explained) -> Account:
    """Mistake with a suggestion when the configuration has no route of this name."""
    relay = explained.relay
    found = account(relay.router, explained.decided.event, name)
    if found is None:
        known = tuple(named(relay.config.routes))
        raise Mistake(visible(unknown(f"no route is called {name}", name, known)))
    return found


def lines(found: Account, explained: Explained) -> Iterator[Text]:
    """The head of the report, every condition, what would have to change, and what is kept quiet."""
    yield from report.head(explained)
    yield report.labelled("route", f"{found.route} {BECAME[found.result]}")
    yield Text()
    rows = [[Text(word) for word in ("route", "holds", "condition")]]
    rows += [row for step in found.steps for row in _rows(step, explained.decided.event)]
    yield from aligned(rows, indent="  ")
    yield Text()
    yield from _needed_lines(found)
    yield from kept_quiet.lines(_quiet_of(found, explained), explained.relay.timezone)
    yield Text(report.DRY.rstrip())


def _quiet_of(found: Account, explained: Explained) -> list[dict[str, Any]]:
    """A route that fires may still tell nobody."""
    return as_records(each for each in explained.decided.quiet if each.route == found.route)


def _needed_lines(found: Account) -> Iterator[Text]:
    if not found.needed:
        return
    yield Text("for it to fire")
    yield from (Text(f"  {visible(each)}") for each in found.needed)
    yield Text()


def _rows(step: Step, event: Event) -> Iterator[list[Text]]:
    told = [(each.holds, each.because) for each in step.conditions] or [(True, "no conditions")]
    for at, (holds, because) in enumerate(told):
        name = step.route if at == 0 else ""
        yes = Text("yes", style="green") if holds else Text("no", style="bold red")
        yield [Text(visible(name)), yes, Text(visible(because))]
    values = "; ".join(_values(step.when_text, event))
    if values:
        yield [Text(), Text(), Text(visible(f"  {values}"))]


def _values(when_text: str, event: Event) -> Iterator[str]:
    """What the fields hold that a `when` names."""
    reading = Reading(event)
    for name in fields_of_condition(when_text) if when_text else ():
        value = reading.value(name)
        yield f"{name} is missing" if value is None else f"{name} = {spell(value)}"


def as_record(found: Account, explained: Explained) -> dict[str, Any]:
    """The same for scripts."""
    event = explained.decided.event
    return {
        **report.head_record(explained),
        "route": found.route,
        "result": found.result.value,
        "fires": found.fires,
        "steps": [
            {
                "route": step.route,
                "conditions": [plain(each) for each in step.conditions],
                "values": list(_values(step.when_text, event)),
            }
            for step in found.steps
        ],
        "needed": list(found.needed),
        "quiet": _quiet_of(found, explained),
    }
