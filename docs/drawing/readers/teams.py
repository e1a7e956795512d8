"""Microsoft Teams: an Adaptive Card."""

from collections.abc import Iterator, Mapping
from typing import Any

from docs.drawing.marks import markdown
from docs.drawing.shapes import LARGE, NORMAL, SMALL, Buttons, Columns, Element, Look, Panel, Picture, Speaker
from docs.drawing.story import NAMES

WASHES: Mapping[str, str] = {
    "attention": "#d13438",
    "good": "#13a10e",
    "warning": "#eaa300",
    "emphasis": "#616161",
}
SIZES = {"Medium": LARGE, "Small": SMALL}


def read(payload: Any) -> Picture:
    cards = (_card(each["content"]) for each in payload["attachments"])
    return Picture(
        service="Microsoft Teams",
        speaker=Speaker(name="Workflows", colour="#5b5fc7", is_round=True, note="21:15"),
        elements=tuple(cards),
    )


def _card(card: Any) -> Element:
    elements = [each for element in card["body"] for each in _element(element)]
    if actions := card.get("actions"):
        elements.append(Buttons(texts=tuple(each["title"] for each in actions)))
    return Panel(children=tuple(elements), is_framed=True)


def _element(element: Any) -> Iterator[Element]:
    match element["type"]:
        case "Container":
            children = tuple(each for item in element["items"] for each in _element(item))
            yield Panel(children=children, wash=WASHES.get(element.get("style", ""), "#616161"))
        case "TextBlock":
            look = Look(bold=element.get("weight") == "Bolder", faint=bool(element.get("isSubtle")))
            yield from markdown(element["text"], NAMES, look, SIZES.get(element.get("size", ""), NORMAL))
        case "FactSet":
            cells = (cell for fact in element["facts"] for cell in _fact(fact))
            yield Columns(cells=tuple(cells), count=2, first=0.24)


def _fact(fact: Any) -> Iterator[tuple[Element, ...]]:
    yield markdown(fact["title"], NAMES, Look(bold=True))
    yield markdown(fact["value"], NAMES)
