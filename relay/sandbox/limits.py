"""What a template may use up, and the meter that counts it.

Jinja's sandbox guards attributes, not cost: these limits keep a wrong template from taking the worker's
time or memory. Work is counted in units of roughly a tenth of a microsecond, not by a clock, so that a
template either always works or never does.
"""

from collections.abc import Iterator, Mapping, Sized
from contextvars import ContextVar
from itertools import islice
from typing import Any

from jinja2 import Undefined

from relay.errors import TemplateError

MAX_SOURCE = 20_000  # characters of one template
MAX_DEPTH = 50  # levels of nesting in a template
MAX_OUTPUT = 64 * 1024  # characters a template may put out
MAX_TEXT = 256 * 1024  # characters of one text made in a template
MAX_ITEMS = 10_000  # items of one list made in a template
MAX_WEIGHT = 100_000  # cost of a list with all it holds
MAX_RANGE = 1_000
MAX_NUMBER = 2**64
WORK = 500_000  # units of work for one rendering
CALL_COST = 10
INCLUDE_COST = 20_000
TEXT_UNIT = 64  # characters that cost as much as one item


class Meter:
    """Counts down the work that one rendering may still do."""

    __slots__ = ("left",)

    def __init__(self, left: int = WORK) -> None:
        self.left = left


_METER: ContextVar[Meter | None] = ContextVar("meter", default=None)


class metered:  # noqa: N801 – it reads as `with metered():`
    """Everything charged inside counts against one fresh meter."""

    __slots__ = ("_token",)

    def __enter__(self) -> None:
        self._token = _METER.set(Meter())

    def __exit__(self, *_: object) -> None:
        _METER.reset(self._token)


def charge(cost: int) -> None:
    """Takes the cost off the meter of the current rendering."""
    meter = _METER.get()
    if meter is None:
        return
    meter.left -= cost
    if meter.left < 0:
        raise TemplateError("the template does too much work")


def cost_of(value: Any) -> int:
    """Units it takes to look at the whole value once."""
    if isinstance(value, str):
        return 1 + len(value) // TEXT_UNIT
    return 1 + len(value) if isinstance(value, Sized) and not isinstance(value, Undefined) else 1


def settled(value: Any) -> Any:
    """The value, charged and within its limit; what is made bit by bit is made now."""
    if isinstance(value, Iterator):
        value = tuple(islice(value, MAX_ITEMS + 1))
    charge(check_size(value))
    return value


def check_size(value: Any) -> int:
    """The cost of a value, whole; refuses a text or list that is too long, or a number too big."""
    if isinstance(value, str):
        check_length(len(value))
        return cost_of(value)
    if isinstance(value, (tuple, list, Mapping)):
        return _weight(value)
    if isinstance(value, int) and abs(value) > MAX_NUMBER:
        raise TemplateError("a number that is too big")
    return 1


def _weight(value: Any) -> int:
    """Cost of everything in a list, however deep: lists that hold each other twice grow fast."""
    if len(value) > MAX_ITEMS:
        raise TemplateError(f"a list of more than {MAX_ITEMS:,} items")
    weight, waiting = 0, [value]
    while waiting:
        each = waiting.pop()
        weight += cost_of(each)
        if weight > MAX_WEIGHT:
            raise TemplateError("a list that holds too much")
        if isinstance(each, (tuple, list)):
            waiting.extend(each)
        elif isinstance(each, Mapping):
            waiting.extend(each.values())
    return weight


def check_length(length: int) -> None:
    """Refuses a text before it is made."""
    if length > MAX_TEXT:
        raise TemplateError(f"a text of more than {MAX_TEXT:,} characters")
