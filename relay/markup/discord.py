"""Discord's Markdown."""

from relay.markup.markdown import Markdown, MarkdownText


class DiscordText(MarkdownText):
    """Text that this markup made."""

    __slots__ = ()


class Discord(Markdown):
    """Discord's Markdown."""

    name = "discord"
    marked = DiscordText
