"""E-mail: what a mail program shows above a message, and its HTML."""

import re
from email.message import EmailMessage

from docs.drawing.html_marks import html
from docs.drawing.shapes import LARGE, Columns, Gap, Panel, Picture, line, plain

SHOWN = ("From", "To", "Date")


def read(payload: EmailMessage) -> Picture:
    part = payload.get_body(("html",))
    text = str(part.get_content()) if part else ""
    bar = re.search(r"border-left:4px solid (#[0-9a-fA-F]{6})", text)
    cells = (
        (line(plain(each)),) if index else (line(plain(each, faint=True)),)
        for name in SHOWN
        for index, each in enumerate((name, str(payload[name])))
    )
    return Picture(
        service="a mail program",
        elements=(
            line(plain(str(payload["Subject"]), bold=True), size=LARGE),
            Gap(height=4),
            Columns(cells=tuple(cells), count=2, first=0.12),
            Gap(height=4),
            Panel(children=html(text), bar=bar[1] if bar else None),
        ),
    )
