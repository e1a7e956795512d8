"""The part of Markdown that Adaptive Cards in Microsoft Teams show."""

from relay.markup.markdown import Markdown, MarkdownText


class TeamsText(MarkdownText):
    """Text that this markup made."""

    __slots__ = ()


class Teams(Markdown):
    """The part of Markdown that Adaptive Cards in Microsoft Teams show."""

    name = "teams"
    marked = TeamsText
