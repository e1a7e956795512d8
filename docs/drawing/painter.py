"""Paints a picture as SVG: system fonts, light and dark, nothing from outside."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from docs.drawing.shapes import (
    NORMAL,
    SMALL,
    Buttons,
    Code,
    Columns,
    Element,
    Gap,
    Look,
    Panel,
    Picture,
    Span,
    Speaker,
    Text,
    plain,
)
from docs.drawing.widths import CODE, MONO, width
from docs.drawing.wrapping import Run, rows, seen

WIDTH = 640
MARGIN = 18
AVATAR = 36
LEADING = 1.5  # of a size, from line to line
BETWEEN = 9  # pixels between boxes; lines of text follow each other without
PADDING = 12
BAR = 4
BUTTON = 30
CODE_SIZE = 12.5

STYLE = (
    "text{font-family:system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif}"
    "text{white-space:pre;fill:#1f2328}"
    ".m{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace}"
    ".b{font-weight:600}.n{text-anchor:middle}.i{font-style:italic}"
    ".f{fill:#656d76}.l{fill:#0b5cad}.w{fill:#fff}"
    ".page{fill:#fff;stroke:#d0d7de}.box{fill:#f6f8fa;stroke:#d8dee4}.frame{fill:none;stroke:#d0d7de}"
    ".shade{fill:#f2f3f5}.ping{fill:#fdf0c4}.press{fill:none;stroke:#8c959f}"
)
DARK = (
    "text{fill:#e6edf3}.f{fill:#9198a1}.l{fill:#6cb6ff}.w{fill:#fff}"
    ".page{fill:#1a1d21;stroke:#3d444d}.box{fill:#24292f;stroke:#3d444d}.frame{stroke:#3d444d}"
    ".shade{fill:#2b2d31}.ping{fill:#4d3f10}.press{stroke:#768390}"
)
TERMINAL = "text{fill:#e6edf3}.f{fill:#9198a1}.page{fill:#14171c;stroke:#3d444d}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Painted:
    """SVG elements, and how high they are together."""

    shapes: tuple[str, ...]
    height: float


def svg(picture: Picture) -> str:
    """The whole picture."""
    above = _stack(picture.above, MARGIN, MARGIN, WIDTH - 2 * MARGIN)
    top = MARGIN + (above.height + BETWEEN if picture.above else 0)
    left = MARGIN + (AVATAR + PADDING if picture.speaker else 0)
    said = _speaker(picture.speaker, MARGIN, top) if picture.speaker else Painted(shapes=(), height=0)
    body = _stack(picture.elements, left, top + said.height, WIDTH - MARGIN - left)
    low = top + max(said.height + body.height, AVATAR if picture.speaker else 0)
    return "\n".join(_page(picture, low + MARGIN, (*above.shapes, *said.shapes, *body.shapes)))


def _page(picture: Picture, height: float, shapes: Iterable[str]) -> Iterator[str]:
    label = quoteattr(f"A message in {picture.service}, drawn from what the notifier sends")
    size = f'width="{WIDTH}" height="{_n(height)}" viewBox="0 0 {WIDTH} {_n(height)}" xml:space="preserve"'
    dark = TERMINAL if picture.is_terminal else f"@media (prefers-color-scheme:dark){{{DARK}}}"
    yield f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label={label}>'
    yield f"<style>{STYLE}{dark}</style>"
    yield _rect(0.5, 0.5, WIDTH - 1, height - 1, "page", 8)
    yield from shapes
    yield "</svg>\n"


def _speaker(speaker: Speaker, x: float, y: float) -> Painted:
    """The picture of the sender, and the line with its name."""
    left, base = x + AVATAR + PADDING, y + 13
    name, note = plain(speaker.name, bold=True), plain(speaker.note, faint=True)
    wide = width(name.text, name.look, NORMAL)
    badge, end = _badge(speaker.badge, left + wide + 7, base)
    shapes = (
        _rect(x, y, AVATAR, AVATAR, "", AVATAR / 2 if speaker.is_round else 6, fill=speaker.colour),
        _text(plain(speaker.name[:1]), x + AVATAR / 2, y + 24, 18, "w b n"),
        _text(name, left, base, NORMAL, wide=wide),
        *badge,
        _text(note, end + 7, base, SMALL),
    )
    return Painted(shapes=shapes, height=NORMAL * LEADING + 1)


def _badge(text: str, x: float, base: float) -> tuple[tuple[str, ...], float]:
    if not text:
        return (), x
    wide = width(text, Look(), 10)
    shapes = (
        _rect(x, base - 11, wide + 8, 14, "box", 3),
        _text(plain(text, faint=True), x + 4, base - 1, 10, wide=wide),
    )
    return shapes, x + wide + 8


def _stack(elements: Sequence[Element], x: float, y: float, room: float) -> Painted:
    """One below the other."""
    shapes: list[str] = []
    at, before = y, None
    for element in elements:
        if before is not None and not (_flows(before) and _flows(element)):
            at += BETWEEN
        painted = _paint(element, x, at, room)
        shapes.extend(painted.shapes)
        at, before = at + painted.height, element
    return Painted(shapes=tuple(shapes), height=at - y)


def _flows(element: Element) -> bool:
    return isinstance(element, (Text, Gap))


def _paint(element: Element, x: float, y: float, room: float) -> Painted:
    match element:
        case Text():
            return _lines(element, x, y, room)
        case Code():
            return _code(element, x, y, room)
        case Gap():
            return Painted(shapes=(), height=element.height)
        case Columns():
            return _columns(element, x, y, room)
        case Buttons():
            return _buttons(element, x, y, room)
        case Panel():
            return _panel(element, x, y, room)


def _lines(text: Text, x: float, y: float, room: float) -> Painted:
    step = text.size * LEADING
    wrapped = rows(text.spans, room, text.size)
    shapes = [
        shape
        for number, runs in enumerate(wrapped)
        for run in runs
        for shape in _run(run, x, y + number * step + text.size * 1.08, text.size)
    ]
    return Painted(shapes=tuple(shapes), height=step * len(wrapped))


def _run(run: Run, x: float, base: float, size: float) -> Iterator[str]:
    look = run.span.look
    if (look.code or look.ping) and not run.span.text.isspace():
        name = "box" if look.code else "ping"
        yield _rect(x + run.x - 2, base - size, run.width + 4, size * 1.32, name, 3)
    yield _text(run.span, x + run.x, base, size * (CODE if look.code else 1), wide=run.width)


def _code(code: Code, x: float, y: float, room: float) -> Painted:
    step = CODE_SIZE * LEADING
    most = int((room - 2 * PADDING) / (MONO * CODE_SIZE))
    lines = [_shortened(seen(each), most) for each in code.lines]
    height = step * len(lines) + PADDING
    texts = (
        _text(plain(each, mono=True), x + PADDING, y + 6 + step * n + CODE_SIZE, CODE_SIZE)
        for n, each in enumerate(lines)
    )
    return Painted(shapes=(_rect(x, y, room, height, "box", 5), *texts), height=height)


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _columns(columns: Columns, x: float, y: float, room: float) -> Painted:
    shapes: list[str] = []
    at = y
    places = _places(columns, x, room)
    for start in range(0, len(columns.cells), columns.count):
        cells = columns.cells[start : start + columns.count]
        painted = [_stack(cell, left, at, wide) for cell, (left, wide) in zip(cells, places, strict=False)]
        shapes.extend(shape for each in painted for shape in each.shapes)
        at += max(each.height for each in painted) + (0 if columns.first else 6)
    return Painted(shapes=tuple(shapes), height=max(at - y - (0 if columns.first else 6), 0))


def _places(columns: Columns, x: float, room: float) -> list[tuple[float, float]]:
    """Where each column begins, and how wide it is."""
    if columns.first:
        return [
            (x, room * columns.first - PADDING),
            (x + room * columns.first, room * (1 - columns.first)),
        ]
    each = room / columns.count
    return [(x + each * number, each - PADDING) for number in range(columns.count)]


def _buttons(buttons: Buttons, x: float, y: float, room: float) -> Painted:
    shapes: list[str] = []
    left, top = x, y
    share = (room - 6 * (len(buttons.texts) - 1)) / max(len(buttons.texts), 1)
    for text in map(seen, buttons.texts):
        label = width(text, Look(bold=True), 13)
        wide = share if buttons.is_wide else min(label + 2 * PADDING, room)
        if left + wide > x + room + 1:
            left, top = x, top + BUTTON + 6
        shapes.extend(_button(text, left, top, wide, min(label, wide - PADDING), buttons.is_filled))
        left += wide + (6 if buttons.is_wide else 8)
    return Painted(shapes=tuple(shapes), height=top + BUTTON - y)


def _button(text: str, x: float, y: float, wide: float, label: float, is_filled: bool) -> Iterator[str]:
    yield _rect(x, y, wide, BUTTON, "shade" if is_filled else "press", BUTTON / 2 if is_filled else 5)
    look = Look(bold=True, link=is_filled)
    yield _text(Span(text=text, look=look), x + (wide - label) / 2, y + 19.5, 13, wide=label)


def _panel(panel: Panel, x: float, y: float, room: float) -> Painted:
    has_box = panel.is_framed or panel.is_shaded or panel.wash is not None
    side = PADDING if has_box or panel.bar else 0
    pad = PADDING if has_box else 2
    left = x + side + (BAR if panel.bar else 0)
    inner = _stack(panel.children, left, y + pad, x + room - left - (PADDING if has_box else 0))
    height = inner.height + 2 * pad
    return Painted(shapes=(*_boxes(panel, x, y, room, height), *inner.shapes), height=height)


def _boxes(panel: Panel, x: float, y: float, room: float, height: float) -> Iterator[str]:
    if panel.is_shaded:
        yield _rect(x, y, room, height, "shade", 6)
    if panel.wash:
        yield _rect(x, y, room, height, "", 6, fill=panel.wash, opacity="0.14")
    if panel.is_framed:
        yield _rect(x, y, room, height, "frame", 6)
    if panel.bar:
        yield _rect(x, y, BAR, height, "", 2, fill=panel.bar)


def _text(span: Span, x: float, y: float, size: float, names: str = "", wide: float | None = None) -> str:
    """`textLength`: as wide as it was taken to be, whichever font there is."""
    classes = " ".join(filter(None, (names, *_classes(span.look)))).strip()
    named = f' class="{classes}"' if classes else ""
    fill = f" style={quoteattr(f'fill:{span.look.colour}')}" if span.look.colour else ""
    length = f' textLength="{_n(wide)}" lengthAdjust="spacingAndGlyphs"' if wide else ""
    place = f'x="{_n(x)}" y="{_n(y)}" font-size="{_n(size)}"'
    return f"<text {place}{named}{fill}{length}>{escape(span.text)}</text>"


def _classes(look: Look) -> Iterator[str]:
    marks = {
        "b": look.bold,
        "i": look.italic,
        "m": look.code or look.mono,
        "l": look.link or look.ping,
        "f": look.faint,
    }
    yield from (name for name, is_so in marks.items() if is_so)


def _rect(
    x: float, y: float, wide: float, high: float, name: str, round_by: float = 0, **attributes: str
) -> str:
    more = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    named = f' class="{name}"' if name else ""
    place = f'x="{_n(x)}" y="{_n(y)}" width="{_n(wide)}" height="{_n(high)}"'
    return f'<rect {place} rx="{_n(round_by)}"{named}{more}/>'


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
