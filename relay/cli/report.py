"""How `explain` and `event` tell what was decided: one line for each route, one for each delivery. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, tzinfo
from itertools import groupby
from typing import Any

from rich.text import Text

from relay import changes, durations
from relay.cli import doings, kept_quiet, ruled
from relay.cli.explained import Explained
from relay.cli.output import ago, aligned, count, plain, short, visible
from relay.cli.reasons import nearest_miss, why_no_change, why_nothing
from relay.judging import as_record as as_ruling
from relay.model import Conversation, Event, Outcome, Status
from relay.notifiers.base import Notifier
from relay.people import AUTHOR
from relay.pipeline import Relay
from relay.planning import GATHERED, SHADOW, NewDelivery
from relay.quieting import HELD, MISSED, ONCE_PER, THROTTLE, VERDICT, Control, as_records
from relay.routing import Result, TraceLine
from relay.store import EventRow

LABEL = 9  # columns of "event", "state" and "config"
BECAUSE = 43  # least columns of a reason, so that the mark of the nearest miss stands apart
WHAT = 8
WHEN = 15
DRY = f"{'dry run: nothing was sent, no state was changed':<59}"
RESULT_STYLES = {Result.FIRE: "bold green", Result.ERROR: "bold red", Result.NO: "dim", Result.STOPPED: "dim"}


def lines(explained: Explained) -> Iterator[Text]:
    """The whole report."""
    deliveries = explained.decided.deliveries
    told = doings.messages(deliveries)
    yield from head(explained)
    yield Text()
    targets = (*(d.target for d in deliveries), *(each.target for each in explained.decided.quiet))
    width = max((*map(_depth, explained.trace), *map(len, targets)), default=0)
    yield from route_lines(explained.trace, width)
    yield Text()
    yield from _delivery_lines(explained, told, width)
    yield Text()
    judged = ruled.lines(as_ruling(explained.decided.judged), explained.relay.timezone)
    yield from (*judged, Text()) if judged else ()
    quiet = [each for each in explained.decided.quiet if each.control is not Control.RETRY]
    yield from kept_quiet.lines(as_records(quiet), explained.relay.timezone, width)
    yield from doings.lines(explained)
    hint = f"--payload {told[0].target} shows the request body" if told else ""
    yield Text((DRY + hint).rstrip())


def head(explained: Explained) -> Iterator[Text]:
    """What the event is, what it did to its branch, and by which configuration it is judged."""
    yield event_line(explained.decided.event)
    yield from _received_lines(explained)
    yield from _state_lines(explained)
    yield from _failure_lines(explained.decided.event)
    yield _config_line(explained)


def _depth(line: TraceLine) -> int:
    return len(line.route) + 2 * line.depth


def labelled(label: str, text: str) -> Text:
    """A line of the head, its text made harmless."""
    return Text(f"{label:<{LABEL}}{visible(text)}")


def event_line(event: Event) -> Text:
    """What the event is about: type, CircleCI's id, where, what ran, how it ended."""
    number = "" if event.number is None else f" #{event.number}"
    ran = " / ".join(name for name in (event.workflow.name, event.job.name) if name)
    parts = (
        event.type or event.kind.value,
        (event.source_id or "")[:8],
        f"{event.project.slug}{number}",
        ran,
        " ".join(filter(None, (event.status.value.upper(), _where(event), _whose(event)))),
    )
    return labelled("event", "  ".join(filter(None, parts)))


def _received_lines(explained: Explained) -> Iterator[Text]:
    """How often the webhook came, when it came more than the once that is explained."""
    row, zone = explained.received, explained.relay.timezone
    if row is None:
        return
    times = count(row.repeats + 1, "time")
    last = f", last {_clock(row.repeated_at, explained.now, zone)}" if row.repeated_at else ""
    if row.id != explained.decided.event.id:
        yield labelled("", f"received {times}{last}, as event {short(row.id)}; a duplicate is only counted")
    elif row.repeats:
        yield labelled("", f"received {times}{last}")


def _clock(at: datetime, now: datetime, zone: tzinfo) -> str:
    """A time of today, else with its date."""
    at, now = at.astimezone(zone), now.astimezone(zone)
    return f"{at:%H:%M:%S}" if at.date() == now.date() else f"{at:%Y-%m-%d %H:%M:%S}"


def _where(event: Event) -> str:
    if event.tag:
        return f"on tag {event.tag}"
    return f"on {event.branch}" if event.branch else ""


def _whose(event: Event) -> str:
    author = event.author
    by = author.known or author.login or author.name or author.email
    words = (event.commit.short_sha, f"by {by}" if by else None)
    text = " ".join(filter(None, words))
    return f"({text})" if text else ""


def _state_lines(explained: Explained) -> Iterator[Text]:
    """From the result before to this one, and what was passed over."""
    decided, why = explained.decided, why_no_change(explained)
    if decided.event.kind not in changes.RESULTS:
        yield labelled("state", f"none: {why}")
        return
    change = f"change = {decided.event.change.value}"
    yield labelled("state", f"{decided.state_key}:  {_before(explained)} -> {_now(explained)}   {change}")
    for status, skipped in groupby(decided.judgement.skipped, key=lambda outcome: outcome.status):
        yield labelled("", f"{_numbers(tuple(skipped))}{status.value}: ignored")
    if why:
        yield labelled("", why)
    attempt = decided.event.workflow.attempt or 1
    if attempt > 1:
        yield labelled("", f"attempt {attempt} in its pipeline")


def _failure_lines(event: Event) -> Iterator[Text]:
    """What kind of failure it was found to be, and by which line."""
    found = event.notes.get("failure")
    if found:
        signature = f" ({found['signature']})" if found.get("signature") else ""
        yield labelled("failure", f"{found.get('class')}{signature}  {found.get('evidence') or ''}".rstrip())


def _before(explained: Explained) -> str:
    previous = explained.decided.event.previous
    if previous.status is None:
        return explained.past.missing or "no earlier result"
    return result_of(previous.number, previous.status)


def _now(explained: Explained) -> str:
    event, outcome = explained.decided.event, explained.decided.judgement.outcome
    number = outcome.number if outcome else event.pipeline.number or event.number
    return result_of(number, event.status)


def result_of(number: int | None, status: Status) -> str:
    return status.value if number is None else f"#{number} {status.value}"


def _numbers(outcomes: Sequence[Outcome]) -> str:
    numbers = [f"#{outcome.number}" for outcome in outcomes if outcome.number is not None]
    return f"{', '.join(numbers)} " if numbers else ""


def _config_line(explained: Explained) -> Text:
    config = explained.relay.config
    routes, notifiers = count(len(explained.trace), "route"), count(len(config.notifiers), "notifier")
    return labelled("config", f"{config.source} {config.fingerprint}, {routes}, {notifiers}")


def route_lines(trace: Sequence[TraceLine], width: int = 0) -> list[Text]:
    """A table of routes; the nearest miss is marked."""
    nearest = nearest_miss(trace)
    rows = [[Text("route"), Text(f"{'result':<8} because")]]
    rows += [
        [Text("  " * line.depth + visible(line.route)), _reason(line, line is nearest)] for line in trace
    ]
    return aligned(rows, (width,), indent="  ")


def _reason(line: TraceLine, is_nearest: bool) -> Text:
    because = visible(line.because)
    reason = Text.assemble((f"{line.result.value:<8}", RESULT_STYLES.get(line.result, "")), " ", because)
    if is_nearest:
        reason.append(" " * max(2, BECAUSE + 2 - len(because)))
        reason.append(f"<< nearest miss ({line.passed} of {line.wanted})", style="yellow")
    return reason


def _delivery_lines(explained: Explained, deliveries: Sequence[NewDelivery], width: int) -> list[Text]:
    unreached = [Text(f"  {visible(problem)}", style="yellow") for problem in explained.decided.unreached]
    if not deliveries:
        return [Text(f"  nothing would be sent: {visible(why_nothing(explained))}"), *unreached]
    rows = [[Text(word) for word in ("delivery", "what", "when", "note")]]
    rows += [[Text(visible(cell)) for cell in _cells(delivery, explained)] for delivery in deliveries]
    return [*aligned(rows, (width, WHAT, WHEN), indent="  "), *unreached]


def _cells(delivery: NewDelivery, explained: Explained) -> tuple[str, str, str, str]:
    notifier = explained.relay.notifiers[delivery.target]
    note = "; ".join(remarks(delivery, notifier, explained))
    what = _what(delivery, notifier, explained)
    return delivery.target, what, when(delivery.due_at, explained.now), note


def _what(delivery: NewDelivery, notifier: Notifier, explained: Explained) -> str:
    return "direct" if delivery.direct else notifier.what((explained.decided.event,))


def when(due_at: datetime | None, now: datetime) -> str:
    return "now" if due_at is None or due_at <= now else ago(due_at, now)


def remarks(delivery: NewDelivery, notifier: Notifier, explained: Explained) -> tuple[str, ...]:
    """What is worth knowing about a delivery, in a few words each."""
    found = (
        *(notifier.remarks() if delivery.direct is None else (f"to {delivery.direct} alone",)),
        _card(delivery, notifier, explained),
        f'incident key "{explained.decided.state_key}"'
        if notifier.conversation is Conversation.STATE
        else None,
        _grouping(delivery, explained.now),
        _joining(delivery, explained),
        "shadow: recorded, not sent" if delivery.settings.get(SHADOW) else None,
        _template(delivery),
        *_slots(delivery),
        *(_mention(key, notifier, explained) for key in delivery.mention),
        f"also by {', '.join(delivery.also)}" if delivery.also else None,
        "no route took the event" if not explained.decided.resolution.decisions else None,
    )
    return tuple(remark for remark in found if remark)


def _card(delivery: NewDelivery, notifier: Notifier, explained: Explained) -> str | None:
    """Whether it goes on in a message that is there already."""
    if delivery.lane is None or notifier.style == "post":
        return None
    about = explained.decided.event.pipeline.number
    where = f"pipeline {about}" if about is not None else "this run"
    if not explained.cards.get(delivery.lane):
        return f"no card for {where} yet, will post"
    return f"{'changes' if notifier.style == 'update' else 'answers'} the card for {where}"


def _grouping(delivery: NewDelivery, now: datetime) -> str | None:
    group = delivery.settings.get("group")
    if delivery.group_key is None:
        return None
    if delivery.settings.get(GATHERED, {}).get("by") == Control.BUDGET:
        return "budget used up: one message with all that goes beyond"
    if GATHERED in delivery.settings:
        return f"one message with all since {_since(delivery)}, in the digest of {delivery.route}"
    if HELD in delivery.settings:
        return f"held until {delivery.settings[HELD]} begins, in one summary"
    if delivery.is_verdict:
        return "decides what was held"
    longest = (delivery.latest_at or now) - now
    if VERDICT in delivery.settings:
        return f"held for a verdict{_at_most(longest)}"
    by = ", ".join(group["by"]) if group else "pipeline, since it cannot change what was sent"
    return f"grouped by {by}{_at_most(longest)}"


def _joining(delivery: NewDelivery, explained: Explained) -> str | None:
    """The open message of its group, and when that goes out if nothing more comes."""
    group = explained.groups.get(delivery.id)
    if group is None:
        return None
    due = min(delivery.due_at or group.latest_at, group.latest_at)
    until = _clock(due, explained.now, explained.relay.timezone)
    return f"joins the message that waits until {until} with {count(group.events, 'event')}"


def _since(delivery: NewDelivery) -> str:
    return f"{datetime.fromisoformat(delivery.settings[GATHERED]['since']):%a %Y-%m-%d %H:%M}"


def _at_most(longest: timedelta) -> str:
    return f", at most {durations.spell(longest.total_seconds())}" if longest else ""


def _slots(delivery: NewDelivery) -> Iterator[str]:
    """What it stands for, and what was kept back before it."""
    settings = delivery.settings
    if settings.get(ONCE_PER):
        yield "the only one with its key"
    if settings.get(THROTTLE):
        yield f"at most one in {durations.spell(settings[THROTTLE])}"
    if settings.get(MISSED):
        yield f"tells of {settings[MISSED]['count']} more"


def _template(delivery: NewDelivery) -> str | None:
    template = delivery.settings.get("template")
    return f"template {template}" if template else None


def _mention(name: str, notifier: Notifier, explained: Explained) -> str:
    """Who is called, and why; or why nobody can be."""
    key = explained.decided.event.author.known if name == AUTHOR else name
    if key is None:
        return "mentions nobody: the author is not among `people`"
    called = notifier.mention(explained.relay.people[key])
    if not called:
        return f"cannot mention {key}: `people.{key}` has no {notifier.type} id"
    why = [key] if called != key else []
    why += ["commit author"] if name == AUTHOR else []
    return f"mentions {called} ({': '.join(why)})" if why else f"mentions {called}"


def as_record(explained: Explained) -> dict[str, Any]:
    """The report for scripts."""
    decided = explained.decided
    return {
        **head_record(explained),
        "routes": route_records(explained.trace),
        "deliveries": [
            _delivery_record(delivery, explained) for delivery in doings.messages(decided.deliveries)
        ],
        "quiet": as_records(decided.quiet),
        "actions": doings.records(explained),
        "ruling": as_ruling(decided.judged),
    }


def head_record(explained: Explained) -> dict[str, Any]:
    """The head of the report for scripts."""
    return {
        "event": plain(explained.decided.event),
        "received": _received_record(explained.received),
        "state": _state_record(explained),
        "config": _config_record(explained.relay),
    }


def _received_record(row: EventRow | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {"id": row.id, "times": row.repeats + 1, "last_at": plain(row.repeated_at or row.received_at)}


def _state_record(explained: Explained) -> dict[str, Any]:
    decided = explained.decided
    return {
        "key": decided.state_key,
        "previous": plain(decided.event.previous),
        "change": decided.event.change.value,
        "ignored": [
            {"number": each.number, "status": each.status.value} for each in decided.judgement.skipped
        ],
        "history": explained.past.missing or "read",
        "why_no_change": why_no_change(explained),
    }


def _config_record(relay: Relay) -> dict[str, Any]:
    return {
        "file": relay.config.source,
        "fingerprint": relay.config.fingerprint,
        "notifiers": list(relay.config.notifiers),
    }


def route_records(trace: Sequence[TraceLine]) -> list[dict[str, Any]]:
    nearest = nearest_miss(trace)
    return [{**plain(line), "nearest_miss": line is nearest} for line in trace]


def _delivery_record(delivery: NewDelivery, explained: Explained) -> dict[str, Any]:
    notifier = explained.relay.notifiers[delivery.target]
    return {
        "target": delivery.target,
        "what": _what(delivery, notifier, explained),
        "due_at": plain(delivery.due_at or explained.now),
        "at_the_latest": plain(delivery.latest_at),
        "route": delivery.route,
        "also": list(delivery.also),
        "group_key": delivery.group_key,
        "mention": list(delivery.mention),
        "remarks": list(remarks(delivery, notifier, explained)),
    }
