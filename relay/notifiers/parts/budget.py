"""`budget`: how many messages a notifier sends in any time of a length."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from relay import durations

MOST_MESSAGES = 1000
SHORTEST, LONGEST = 1.0, 7 * durations.UNITS["d"]  # seconds; what is older is not looked at
WANTED = "wanted a number and a time, such as 20 per 1h or { messages: 20, per: 1h }"
_SHORT = re.compile(r"\s*(\d{1,9}) per (.*)", re.ASCII)


def _seconds(value: Any) -> float:
    if not isinstance(value, str) or value.strip().replace(".", "").isdigit():
        raise ValueError("wanted a duration such as 10m or 1h")
    seconds = durations.parse(value)
    if not SHORTEST <= seconds <= LONGEST:
        raise ValueError("wanted between 1s and 7d")
    return seconds


def _number(value: Any) -> Any:
    if isinstance(value, int) and not 1 <= value <= MOST_MESSAGES:
        raise ValueError(f"wanted between 1 and {MOST_MESSAGES} messages")
    return value


class Budget(BaseModel):
    """At most so many messages in any such time."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, title="`20 per 1h` or messages and per"
    )

    messages: Annotated[int, BeforeValidator(_number)] = Field(
        description="How many, at most 1000.", strict=True
    )
    per: Annotated[float, BeforeValidator(_seconds), WithJsonSchema({"type": "string"})] = Field(
        description="In which time, at most `7d`."
    )


def meant_by(value: Any) -> Any:
    """What the short way to write a budget means."""
    if value is None or isinstance(value, (Mapping, Budget)):
        return value
    found = _SHORT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(WANTED)
    return {"messages": int(found[1]), "per": found[2]}


def or_short(schema: dict[str, Any]) -> None:
    """Editors know the short way too."""
    schema["anyOf"].insert(0, {"type": "string", "pattern": r"^\s*\d+ per .+"})
