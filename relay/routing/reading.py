"""One event as `match` sees it: each field looked up once, in plain types."""

from collections.abc import Iterator, Mapping, Sequence

from relay import fields
from relay.model import Event
from relay.routing.wording import as_text

Scalar = str | int | float
Value = Scalar | tuple[Scalar, ...] | None


class Reading:
    """The values of one event's fields. None is missing; a list is a tuple without its missing items."""

    __slots__ = ("_values", "event")

    def __init__(self, event: Event) -> None:
        self.event = event
        self._values: dict[str, Value] = {}

    def value(self, name: str) -> Value:
        if name not in self._values:
            self._values[name] = self._look_up(name)
        return self._values[name]

    def _look_up(self, name: str) -> Value:
        if name == "branch" and self.event.tag:
            return None  # a tag build has no branch, whatever else the webhook said
        return _plain(fields.lookup(self.event, name))


def _plain(value: object) -> Value:
    if isinstance(value, str):
        return str(value) or None
    if isinstance(value, Sequence):
        return tuple(_scalars(value)) or None
    if value is None or isinstance(value, Mapping):
        return None
    return value if isinstance(value, (int, float)) else as_text(value)


def _scalars(values: Sequence[object]) -> Iterator[Scalar]:
    for value in values:
        plain = _plain(value)
        if isinstance(plain, tuple):
            yield from plain
        elif plain is not None:
            yield plain
