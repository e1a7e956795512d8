"""Zulip's Markdown."""

from relay.markup.markdown import Markdown, MarkdownText


class ZulipText(MarkdownText):
    """Text that this markup made."""

    __slots__ = ()


class Zulip(Markdown):
    """Zulip's Markdown."""

    name = "zulip"
    marked = ZulipText
