"""The kinds of single values a configuration holds: durations, addresses, field names, templates …

Each is an annotated type that checks, tells editors its shape (JSON Schema) and has a name for the
reference (`Kind`).
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from relay import durations, fields, moments, schedules
from relay.config.suggestions import unknown
from relay.errors import TemplateError
from relay.model import Status
from relay.sandbox import check_template, compile_condition
from relay.secret import Secret

BIND_PATTERN = r"^(unix:/.+|(\[[0-9a-fA-F:.]+\]|[^:/\s]+):[0-9]{1,5})\Z"
NAME_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_. -]{0,79}\Z"
DURATION_PATTERN = r"^(\d+(\.\d+)?(ms|s|m|h|d) ?)+$"  # for editors; relay.durations decides
LONGEST = 366 * durations.UNITS["d"]  # seconds
FIRST_YEAR, LAST_YEAR = 2000, 2200  # of times in the file; none of them makes arithmetic overflow
SEVERAL_VALUES = {fields.FieldType.OBJECTS, fields.FieldType.MAPPING, fields.FieldType.TEXTS}


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """What the reference calls a value."""

    name: str


def _duration(value: Any) -> float:
    """Seconds. A number without a unit is refused: nobody can tell later what it meant."""
    text = str(value).strip()
    if text.isdigit():
        raise ValueError(f"a duration needs a unit: {text}s, {text}m or {text}h")
    if not isinstance(value, str):
        raise ValueError("wanted a duration such as 30s, 2m or 1h30m")  # noqa: TRY004 – pydantic's rule
    seconds = durations.parse(text)
    if seconds > LONGEST:
        raise ValueError("longer than a year")
    return seconds


def _time_text(value: str) -> str:
    """A time, kept as written: what it means hangs on `defaults.timezone`."""
    moments.parse(value, UTC)
    return value


def _days(value: str) -> str:
    schedules.parse_days(value)
    return value


def _time_of_day(value: str) -> str:
    schedules.parse_time(value)
    return value


def _date(value: str) -> str:
    schedules.parse_date(value)
    return value


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _flag(value: Any) -> Any:
    """A flag may come out of an environment variable as text."""
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return value == "true"
    raise ValueError("wanted true or false")


def _none_if_empty(value: Any) -> Any:
    return None if value == "" else value


def _name(value: str) -> str:
    if not re.match(NAME_PATTERN, value):
        raise ValueError(
            "a name begins with a letter or digit and goes on with letters, digits, blanks, _ . -"
        )
    return value


def _web_address(value: str) -> str:
    if not _web_host(value):
        raise ValueError("wanted an address that begins with https:// or http://")
    return value.rstrip("/")


def _web_host(value: str) -> str | None:
    try:
        parts = urlsplit(value)
    except ValueError:
        return None
    return parts.hostname if parts.scheme in ("http", "https") else None


def _bind_address(value: str) -> str:
    if not re.match(BIND_PATTERN, value):
        raise ValueError("wanted a host and a port, such as 127.0.0.1:8080")
    return value


def _timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ValueError, OSError, KeyError) as error:
        raise ValueError(_timezone_problem(value)) from error
    return value


def _timezone_problem(value: str) -> str:
    names = {name for name in available_timezones() if "/" in name} | {"UTC"}
    by_city = sorted(name for name in names if name.rsplit("/", 1)[-1].lower() == value.lower())
    problem = unknown("unknown timezone", by_city[0] if by_city else value, names)
    return problem if "did you mean" in problem else "unknown timezone; write one such as Europe/Paris or UTC"


def _time(value: Any) -> datetime:
    """Without an offset the time is meant in `defaults.timezone`, and stays naive here."""
    try:
        found = datetime.fromisoformat(value.strip() if isinstance(value, str) else "")
    except ValueError as error:
        raise ValueError('wanted a time such as "2026-11-23 21:15" or 2026-11-23T21:15:00+01:00') from error
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise ValueError(f"wanted a time between {FIRST_YEAR} and {LAST_YEAR}")
    return found


def _field_name(value: str) -> str:
    kind = fields.field_type(value)
    if kind is None or value.partition(".")[0] in {name.partition(".")[0] for name in fields.FETCHED}:
        raise ValueError(unknown("unknown field", value, fields.FIELDS))
    if kind in SEVERAL_VALUES:
        raise ValueError(f"{value} holds several values; name a field that holds one")
    return value


def _not_empty(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value:
        raise ValueError("the list is empty; name at least one field")
    return value


def _template(value: str) -> str:
    return _without(check_template(value), value)


def _key_template(value: str) -> str:
    """Keys are made of an event's fields; the words of messages are not there."""
    return _without(check_template(value, ()), value)


def _without(problems: tuple[str, ...], value: str) -> str:
    if problems:
        raise ValueError("; ".join(problems))
    return value


def _condition(value: str) -> str:
    try:
        compile_condition(value)
    except TemplateError as error:
        raise ValueError(str(error)) from error
    return value


def _exact_branches(value: tuple[str, ...]) -> tuple[str, ...]:
    """No branch of git is called like a pattern, so a pattern would be a branch that never fails."""
    for name in value:
        if not name or set(name) & set("*?[") or name.startswith(("!", "/")):
            raise ValueError(f"wanted exact names of branches, such as main; {name!r} is none")
    return value


def _one_or_more(what: str) -> tuple[Any, ...]:
    text = {"type": "string"}
    schema = {"anyOf": [text, {"type": "array", "items": text}]}
    return BeforeValidator(_as_list), Kind(name=f"{what} or list of {what}s"), WithJsonSchema(schema)


Duration = Annotated[
    float,
    BeforeValidator(_duration),
    Kind(name="duration"),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN}),
]
TimeText = Annotated[str, AfterValidator(_time_text), Kind(name="time")]
Days = Annotated[str, AfterValidator(_days), Kind(name="days")]
TimeOfDay = Annotated[str, AfterValidator(_time_of_day), Kind(name="time of day")]
Date = Annotated[str, AfterValidator(_date), Kind(name="date")]
Dates = Annotated[tuple[Date, ...], *_one_or_more("date")]
Flag = Annotated[
    bool, BeforeValidator(_flag), Kind(name="true or false"), WithJsonSchema({"type": "boolean"})
]
Name = Annotated[str, AfterValidator(_name), Kind(name="name")]
Names = Annotated[tuple[str, ...], *_one_or_more("name")]
Texts = Annotated[tuple[str, ...], *_one_or_more("text")]
Branches = Annotated[tuple[str, ...], *_one_or_more("name"), AfterValidator(_exact_branches)]
WebAddress = Annotated[str, AfterValidator(_web_address), Kind(name="web address")]
OptionalWebAddress = Annotated[WebAddress | None, BeforeValidator(_none_if_empty), Kind(name="web address")]
OptionalSecret = Annotated[Secret | None, BeforeValidator(_none_if_empty), Kind(name="secret")]
BindAddress = Annotated[str, AfterValidator(_bind_address), Kind(name="address")]
Timezone = Annotated[str, AfterValidator(_timezone), Kind(name="timezone")]
Time = Annotated[datetime, BeforeValidator(_time), Kind(name="time"), WithJsonSchema({"type": "string"})]
FieldName = Annotated[str, AfterValidator(_field_name), Kind(name="field")]
FieldNames = Annotated[
    tuple[FieldName, ...],
    AfterValidator(_not_empty),
    Field(json_schema_extra={"minItems": 1}),
    Kind(name="list of fields"),
]
StatusWord = Annotated[Status, Kind(name="status")]
Template = Annotated[str, AfterValidator(_template), Kind(name="template")]
KeyTemplate = Annotated[str, AfterValidator(_key_template), Kind(name="template")]
Condition = Annotated[str, AfterValidator(_condition), Kind(name="condition")]
