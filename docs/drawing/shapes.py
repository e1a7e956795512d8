"""What pictures are made of: pieces of text, and boxes of them."""

from dataclasses import dataclass, field
from typing import TypeAlias

NORMAL = 14  # pixels
LARGE = 16
SMALL = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """How a piece of text looks. mono: as code, without its box. colour: `#rrggbb`, else the theme's."""

    bold: bool = False
    italic: bool = False
    code: bool = False
    mono: bool = False
    link: bool = False
    ping: bool = False
    faint: bool = False
    colour: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """Text of one look."""

    text: str
    look: Look = Look()


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """One line, which is wrapped where it is too long."""

    spans: tuple[Span, ...]
    size: int = NORMAL


@dataclass(frozen=True, kw_only=True, slots=True)
class Code:
    """Lines shown as they are, in a box."""

    lines: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    height: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """Cells side by side, so many in a row. first: the share of the width that the first column takes."""

    cells: tuple[tuple["Element", ...], ...]
    count: int
    first: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Buttons:
    """is_filled: coloured rather than outlined. is_wide: they share the whole width."""

    texts: tuple[str, ...]
    is_filled: bool = False
    is_wide: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Panel:
    """A box. bar: the colour of the bar at its left. wash: the colour of a thin coat over all of it."""

    children: tuple["Element", ...]
    bar: str | None = None
    wash: str | None = None
    is_framed: bool = False
    is_shaded: bool = False


Element: TypeAlias = Text | Code | Gap | Columns | Buttons | Panel


@dataclass(frozen=True, kw_only=True, slots=True)
class Speaker:
    """Who a message is from, as the service shows it."""

    name: str = "relay"
    badge: str = ""
    colour: str = "#5b5fc7"
    is_round: bool = False
    note: str = "21:15"


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """One message. is_terminal: light on dark whatever the reader's theme is."""

    service: str
    elements: tuple[Element, ...]
    speaker: Speaker | None = None
    above: tuple[Element, ...] = field(default=())
    is_terminal: bool = False


def plain(text: str, **look: bool | str | None) -> Span:
    """A span with this look."""
    return Span(text=text, look=Look(**look))  # type: ignore[arg-type]  # the names and types of Look's own


def line(*spans: Span, size: int = NORMAL) -> Text:
    return Text(spans=spans, size=size)
