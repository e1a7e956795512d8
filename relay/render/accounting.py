"""Says in words what an account tells: pure, plain text, not yet escaped."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from relay.model import Account, Count, EventKind, Place, Reason
from relay.render import wording

WEEK = timedelta(days=7)


def counts_text(counts: Iterable[Count]) -> str:
    """How many of each: "1 broke, 2 passing", the loudest first."""
    words: Counter[tuple[int, str]] = Counter()
    for each in counts:
        level = wording.level_of_result(each.change, each.status)
        words[
            wording.LOUDEST_FIRST.index(level), wording.count_word(each.kind, each.change, each.status)
        ] += each.count
    return ", ".join(f"{count} {word}" for (_, word), count in sorted(words.items()))


def place_text(place: Place) -> str:
    """Which branch it is: "api on main"."""
    if place.event.kind is EventKind.RELAY:
        return "relay"
    return f"{wording.short(wording.project_name(place.event))} {wording.where(place.event)}".rstrip()


def tally_text(place: Place) -> str:
    """How its events ended; what the relay said itself, in its words."""
    if place.event.kind is not EventKind.RELAY:
        return counts_text(place.counts)
    more = sum(each.count for each in place.counts) - 1
    said = wording.change_text(place.event)
    return f"{said}, and {more} more" if more else said


def since_text(since: datetime | None, now: datetime) -> str:
    """ "09:00" today, "Mon 09:00" in the last seven days, else with the date; in the timezone of `since`."""
    if since is None:
        return ""
    today = now.astimezone(since.tzinfo).date()
    if since.date() == today:
        return f"{since:%H:%M}"
    return f"{since:%a %H:%M}" if today - since.date() < WEEK else f"{since:%Y-%m-%d %H:%M}"


def budget_text(reason: Reason, account: Account, now: datetime) -> str:
    """ "budget of 20 messages in 1 h used up; 37 more since 21:04"; nothing when that is not the reason."""
    if reason.budget is None:
        return ""
    return f"budget of {reason.budget} used up; {account.count} more since {since_text(reason.since, now)}"


def headline(account: Account, reason: Reason, now: datetime) -> str:
    """One plain line about all of it."""
    results = "1 result" if account.count == 1 else f"{account.count} results"
    return f"{results} since {since_text(reason.since, now)}: {counts_text(account.counts)}"
