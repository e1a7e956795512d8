"""Zulip: Markdown below the channel and the topic."""

import json
from typing import Any

from docs.drawing.marks import markdown
from docs.drawing.shapes import Panel, Picture, Speaker, line, plain
from docs.drawing.story import NAMES


def read(payload: Any) -> Picture:
    topic = line(plain(f"# {json.loads(payload['to'])}", bold=True), plain(f"  ›  {payload['topic']}"))
    return Picture(
        service="Zulip",
        speaker=Speaker(badge="bot", colour="#6492fe", note="9:15 PM"),
        above=(Panel(children=(topic,), is_shaded=True),),
        elements=markdown(payload["content"], NAMES),
    )
