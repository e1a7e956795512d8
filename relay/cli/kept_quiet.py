"""How `explain` and `event` tell of messages that the noise controls keep back. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from rich.text import Text

from relay.cli.output import aligned, visible

HEADINGS = ("quiet", "by", "until", "because")
NO_END = "no end known"


def lines(records: Sequence[Mapping[str, Any]], zone: tzinfo, width: int = 0) -> list[Text]:
    """A table of the records that `quieting.as_records` makes; nothing for none."""
    if not records:
        return []
    rows = [[Text(heading) for heading in HEADINGS]]
    rows += [[Text(visible(cell), style="yellow") for cell in _cells(record, zone)] for record in records]
    return [*aligned(rows, (width,), indent="  "), Text()]


def _cells(record: Mapping[str, Any], zone: tzinfo) -> tuple[str, str, str, str]:
    return record["target"], record["control"], until(record["until"], zone), record["reason"]


def until(moment: str | None, zone: tzinfo) -> str:
    return f"{datetime.fromisoformat(moment).astimezone(zone):%Y-%m-%d %H:%M}" if moment else NO_END
