"""PagerDuty: an incident and its details."""

from collections.abc import Iterator, Mapping
from typing import Any

from docs.drawing.shapes import LARGE, SMALL, Columns, Element, Panel, Picture, line, plain

COLOURS: Mapping[str, str] = {
    "critical": "#b91c1c",
    "error": "#d93025",
    "warning": "#b45309",
    "info": "#2563eb",
}
LONGEST = 1200  # characters of one detail


def read(payload: Any) -> Picture:
    alert = payload["payload"]
    colour = COLOURS.get(alert["severity"], "#57606a")
    return Picture(
        service="PagerDuty",
        elements=(Panel(children=tuple(_incident(payload, alert, colour)), bar=colour, is_framed=True),),
    )


def _incident(payload: Any, alert: Any, colour: str) -> Iterator[Element]:
    severity = plain(f"   {alert['severity']}", bold=True, colour=colour)
    yield line(plain(f"{payload['event_action']}ed", bold=True), severity, size=SMALL)
    yield line(plain(alert["summary"], bold=True), size=LARGE)
    told = {name: alert.get(name) for name in ("source", "component", "group", "class")}
    yield _table({**told, "incident key": payload["dedup_key"]})
    yield line(plain("Details", bold=True))
    yield _table(alert["custom_details"])
    if links := payload.get("links"):
        shown = (span for link in links for span in (plain(link["text"], link=True), plain("   ")))
        yield line(*shown)


def _table(rows: Mapping[str, str | None]) -> Element:
    cells = tuple(
        cell
        for name, text in rows.items()
        if text
        for cell in (
            (line(plain(name, faint=True)),),
            tuple(line(plain(each)) for each in text[:LONGEST].split("\n") if each),
        )
    )
    return Columns(cells=cells, count=2, first=0.2)
