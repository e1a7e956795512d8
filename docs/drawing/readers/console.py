"""The console: lines of text, of which the first is coloured."""

from docs.drawing.shapes import SMALL, Picture, line, plain

BAD = "#ff7b72"


def read(payload: str) -> Picture:
    title, *rest = payload.split("\n")
    return Picture(
        service="a terminal",
        elements=(
            line(plain(title, mono=True, bold=True, colour=BAD), size=SMALL),
            *(line(plain(each, mono=True), size=SMALL) for each in rest),
        ),
        is_terminal=True,
    )
