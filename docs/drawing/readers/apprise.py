"""Apprise: a title and plain text, as most of its services show them."""

from typing import Any

from docs.drawing.shapes import LARGE, Gap, Panel, Picture, line, plain


def read(payload: Any) -> Picture:
    body = (line(plain(each)) if each.strip() else Gap(height=7) for each in payload["body"].split("\n"))
    title = line(plain(payload["title"], bold=True), size=LARGE)
    return Picture(
        service="a service behind Apprise",
        elements=(Panel(children=(title, *body), is_shaded=True),),
    )
