"""The Markdown that Discord, Mattermost, GitHub, Teams and Zulip have in common."""

import re

from relay.markup import fences
from relay.markup.plain import Markup
from relay.markup.text import clean


class MarkdownText(str):
    """Text that the Markdown markup made."""

    __slots__ = ()


class Markdown(Markup):
    """The Markdown that Discord, Mattermost, GitHub and Teams have in common."""

    name = "markdown"
    marked = MarkdownText
    whole = re.compile(r"\\[^\n]|\[(?:\\.|[^\]\\\n])*\]\([^)\n]*\)|```|`[^`\n]*`")
    token = re.compile(r"\\[^\n]|\[(?:\\.|[^\]\\\n])*\]\([^)\n]*\)|```|`[^`\n]*`|[^\\\[`]+|[\\\[`]")
    _special = re.compile(r"([\\`*_{}\[\]()<>#|~!&])")
    _line_start = re.compile(r"(?m)^([ \t]*\d*)([-+=.])")

    def escape(self, text: str) -> str:
        escaped = self._special.sub(r"\\\1", clean(text))
        return self._line_start.sub(r"\1\\\2", escaped).replace("@", "@\u200b")

    def _bold(self, text: str) -> str:
        return f"**{text}**" if text else ""

    def _code(self, text: str) -> str:
        return "`" + text.replace("`", "'").replace("@", "@\u200b") + "`" if text else ""

    def _code_block(self, text: str) -> str:
        inside = fences.broken(text).replace("@", "@\u200b")
        return f"{fences.FENCE}\n{inside}\n{fences.FENCE}"

    def _link(self, text: str, url: str) -> str:
        return f"[{text}]({url})"

    def _closed(self, text: str, room: int) -> str:
        return fences.closed(text, room)
