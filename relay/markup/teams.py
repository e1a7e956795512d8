"""The part of Markdown that Adaptive Cards in Microsoft Teams show."""

import re

from relay.markup.markdown import Markdown, MarkdownText
from relay.markup.text import clean

_GAP = "\u200b"  # without width; parts characters that would mean something together


class TeamsText(MarkdownText):
    """Text that this markup made."""

    __slots__ = ()


class Teams(Markdown):
    """The part of Markdown that Adaptive Cards in Microsoft Teams show.

    Bold, italics, lists and links; there is no code, and what the web takes for code the telephones do not:
    so code is shown as text.
    https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-format
    """

    name = "teams"
    marked = TeamsText
    _special = re.compile(r"([\\`*_\[\]])")
    _parted = re.compile(r"<|~(?=~)|&(?=[#\w])|\{(?=\{)|:(?=//)")  # tags, entities, {{DATE(…)}}, addresses
    _line_start = re.compile(r"(?m)^([ \t]*)(?=[-+=>|:~]|#+(?:[ \t]|$)|\d+[.)])")

    def escape(self, text: str) -> str:
        escaped = self._special.sub(r"\\\1", clean(text))
        return self._line_start.sub(rf"\1{_GAP}", self._parted.sub(rf"\g<0>{_GAP}", escaped))

    def _code(self, text: str) -> str:
        return self.escape(text)

    def _code_block(self, text: str) -> str:
        return self.escape(text)

    def _closed(self, text: str, room: int) -> str:
        return text

    def plain(self, text: str) -> str:
        """Marked text without its escapes, for places that show text as it is."""
        return re.sub(r"\\([\\`*_\[\]])", r"\1", text)
