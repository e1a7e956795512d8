"""Mattermost's Markdown."""

from relay.markup.markdown import Markdown, MarkdownText


class MattermostText(MarkdownText):
    """Text that this markup made."""

    __slots__ = ()


class Mattermost(Markdown):
    """Mattermost's Markdown."""

    name = "mattermost"
    marked = MattermostText
