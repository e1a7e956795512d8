"""How `explain` and `event` tell what was ruled on a failed run: rule, evidence, odds, limits, verdict."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from rich.text import Text

from relay import durations
from relay.cli.output import visible
from relay.policy import RuledBefore

LABEL = 10  # columns
BUDGETS = {
    "per_build": "this run",
    "per_commit": "its commit",
    "per_branch": "its branch",
    "per_hour": "the last hour",
    "minutes.day": "minutes in 24 hours",
    "minutes.month": "minutes in 30 days",
}


def lines(record: Mapping[str, Any] | None, zone: tzinfo, later: RuledBefore | None = None) -> list[Text]:
    """What `judging.as_record` kept, and what came of it `later`; nothing for None."""
    if not record:
        return []
    return [
        Text(f"  {label:<{LABEL}}{visible(text)}", style=_style(label))
        for label, text in _labelled(_told(record, zone, later))
    ]


def _style(label: str) -> str:
    return "" if label in ("retry", "verdict", "since") else "dim"


def _labelled(told: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Each label once, before the first of its lines."""
    last = ""
    for label, text in told:
        yield "" if label == last else label, text
        last = label


def _told(record: Mapping[str, Any], zone: tzinfo, later: RuledBefore | None) -> Iterator[tuple[str, str]]:
    if record.get("retry") is not None:
        yield "retry", _ruling(record, zone)
        jobs = record.get("jobs") or ()
        yield from (("because", words) for words in _reasons(record, jobs))
        for job in jobs:
            yield from _job(job, is_only=len(jobs) == 1)
        yield from (("budgets", text) for text in (_budgets(record),) if text)
        yield "breakers", _breakers(record.get("breakers") or (), zone)
    if record.get("verdict"):
        yield "verdict", ": ".join(filter(None, (record["verdict"], record.get("verdict_text"))))
    if later is not None and later.passed is not None:
        yield "since", _came_of(later)


def _ruling(record: Mapping[str, Any], zone: tzinfo) -> str:
    if not record["retry"]:
        until = f", until {_clock(record['until'], zone)}" if record.get("until") else ""
        return f"no ({record['stop']}{until})"
    where = " from the start" if record.get("from_start") else ""
    after = f" after {durations.spell(record['delay'])}" if record.get("delay") else ""
    by_lot = ", by lot" if record.get("explored") else ""
    rules = f", by rule {', '.join(record['rules'])}" if record["rules"] else ""
    shadow = "" if record["mode"] == "on" else f", but only noted (mode {record['mode']})"
    return f"yes: again{where}{after}{rules}{by_lot}{shadow}"


def _clock(moment: str, zone: tzinfo) -> str:
    return f"{datetime.fromisoformat(moment).astimezone(zone):%Y-%m-%d %H:%M}"


def _reasons(record: Mapping[str, Any], jobs: Sequence[Mapping[str, Any]]) -> list[str]:
    """The words of the ruling, without those of the odds, which have lines of their own."""
    odds = {words for job in jobs for words in job["words"]}
    return [words for words in record["words"] if words not in odds]


def _job(job: Mapping[str, Any], *, is_only: bool) -> Iterator[tuple[str, str]]:
    """Its evidence and its odds, step by step; named where there are several."""
    by = f"{job['evidence']} ({job['signature']})" if job["evidence"] else "nothing was recognised"
    where = ", ".join(filter(None, (job["name"], job["step"])))
    yield "evidence", f"{where}: {by}" if where else by
    name = "" if is_only or not job["name"] else f"{job['name']}: "
    yield from (("odds", f"{name}{words}") for words in job["words"])


def _budgets(record: Mapping[str, Any]) -> str:
    """What was used of each before this run."""
    return ", ".join(
        f"{BUDGETS.get(each['name'], each['name'])} {each['used']:.0f} of {each['room']:g}"
        for each in record.get("budgets") or ()
    )


def _breakers(found: Sequence[Mapping[str, Any]], zone: tzinfo) -> str:
    told = (
        f"{each['name']} is open: {each['why']}"
        + (f", until {_clock(each['until'], zone)}" if each["until"] else "")
        for each in found
    )
    return "; ".join(told) or "none is open"


def _came_of(later: RuledBefore) -> str:
    ended = "passed" if later.passed else "failed again"
    return f"{ended} when it was run again{f': {later.verdict}' if later.verdict else ''}"


def came_of_record(later: RuledBefore | None) -> dict[str, Any] | None:
    """The same for scripts; None while no later attempt has ended."""
    if later is None or later.passed is None:
        return None
    return {"passed": later.passed, "verdict": later.verdict, "ended_at": later.ended_at}
