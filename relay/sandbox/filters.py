"""The filters and tests templates may use; each counts its work and bounds what it gives."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, tzinfo
from functools import wraps
from typing import Any
from urllib.parse import quote

from jinja2.filters import FILTERS as JINJA_FILTERS
from jinja2.runtime import Context
from jinja2.tests import TESTS as JINJA_TESTS
from jinja2.utils import pass_context, pass_environment

from relay.errors import TemplateError
from relay.sandbox.limits import charge, check_length, cost_of, settled
from relay.sandbox.listed import listed

FROM_JINJA = listed(
    "abs capitalize count default d dictsort first float int items last length list lower map max min reject"
    " rejectattr reverse select selectattr sort string title trim unique upper"
)
TESTS = listed(
    "!= < <= == > >= boolean defined divisibleby eq equalto even false float ge greaterthan gt in integer"
    " iterable le lessthan lower lt mapping ne none number odd sequence string true undefined upper"
)

ELLIPSIS = "…"
SHORT_SHA = 7  # characters
MAX_PRECISION = 10
MAX_TIME_FORMAT = 60  # characters
UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def duration(seconds: float | timedelta | None) -> str:
    """The two largest units: "47 s", "2 h 5 min"; nothing for None."""
    if seconds is None:
        return ""
    given = seconds.total_seconds() if isinstance(seconds, timedelta) else float(seconds)
    if given < 10:
        return f"{round(max(given, 0.0), 1):g} s"
    return " ".join(_parts(round(given)))


def _parts(seconds: int) -> list[str]:
    counts = []
    for size, unit in UNITS:
        counts.append((seconds // size, unit))
        seconds %= size
    first = next(index for index, (count, _) in enumerate(counts) if count)
    return [f"{count} {unit}" for count, unit in counts[first : first + 2] if count]


def roughly(seconds: float) -> str:
    """The largest unit alone: "2 h", "5 min", "47 s"."""
    return " ".join(duration(seconds).split()[:2])


@pass_context
def ago(context: Context, moment: datetime | None) -> str:
    """How long before `now`: "5 min ago"."""
    if moment is None:
        return ""
    seconds = (context["now"] - moment).total_seconds()
    return f"{roughly(seconds)} ago" if seconds >= 0 else f"in {roughly(-seconds)}"


@pass_context
def time(context: Context, moment: datetime | None, form: str = "%Y-%m-%d %H:%M") -> str:
    """The moment in the configured timezone."""
    if len(form) > MAX_TIME_FORMAT or re.search(r"%[^A-Za-z%]", form):
        raise TemplateError("a format of time that is too long or asks for a width")
    zone = context.get("timezone")
    return (
        "" if moment is None else moment.astimezone(zone if isinstance(zone, tzinfo) else None).strftime(form)
    )


def plural(count: int, one: str, many: str | None = None) -> str:
    """The number with its word: "1 test", "3 tests"."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def short_sha(sha: str | None) -> str:
    return (sha or "")[:SHORT_SHA]


@pass_environment
def truncate(environment: Any, text: Any, length: int = 255, end: str = ELLIPSIS) -> str:
    """At most `length` characters, ending in an ellipsis when something was left out."""
    if isinstance(text, environment.markup.marked):
        cut: str = environment.markup.marked(environment.markup.cut(text, length))
        return cut
    whole = "" if text is None else str(text)
    return whole if len(whole) <= length else whole[: max(length - len(end), 0)].rstrip() + end


def replace(text: Any, old: str, new: str) -> str:
    whole = str(text)
    found = whole.count(old)
    check_length(len(whole) + found * max(len(new) - len(old), 0))
    charge(found)
    return whole.replace(old, new)


@pass_environment
def join(environment: Any, items: Any, separator: str = "", attribute: str | None = None) -> str:
    """The items as one text; marked items stay marked."""
    values = [environment.getitem(item, attribute) if attribute else item for item in items or ()]
    check_length(sum(len(str(value)) for value in values) + len(separator) * len(values))
    charge(len(values))
    pieces = [piece for value in values for piece in (separator, value)][1:]
    joined: str = environment.join_text(*pieces)
    return joined


def round_(value: float, precision: int = 0) -> float:
    if not 0 <= precision <= MAX_PRECISION:
        raise TemplateError(f"round takes 0 to {MAX_PRECISION} digits")
    return round(value, precision)


def urlencode(text: Any) -> str:
    """The text as one part of a URL."""
    return quote(str(text), safe="", errors="replace")


@pass_environment
def tojson(environment: Any, value: Any) -> str:
    """The value as JSON."""
    made: str = environment.markup.json(value)
    return made


OURS: Mapping[str, Callable[..., Any]] = {
    "ago": ago,
    "duration": duration,
    "join": join,
    "plural": plural,
    "replace": replace,
    "round": round_,
    "short_sha": short_sha,
    "time": time,
    "tojson": tojson,
    "truncate": truncate,
    "urlencode": urlencode,
}


def allowed_filters() -> dict[str, Callable[..., Any]]:
    """Every filter by its name."""
    theirs: Mapping[str, Any] = dict(JINJA_FILTERS)
    chosen = {**{name: theirs[name] for name in FROM_JINJA}, **OURS}
    return dict(zip(chosen, map(_counted, chosen.values()), strict=True))


def allowed_tests() -> dict[str, Callable[..., Any]]:
    """Every test by its name."""
    theirs: Mapping[str, Any] = dict(JINJA_TESTS)
    return {name: theirs[name] for name in TESTS}


def _counted(filter_: Callable[..., Any]) -> Callable[..., Any]:
    """The same filter, paid for."""

    @wraps(filter_)
    def counted(*args: Any, **options: Any) -> Any:
        charge(sum(cost_of(arg) for arg in args if not isinstance(arg, Context)))
        return settled(filter_(*args, **options))

    return counted
