"""Discord's Markdown."""

from relay.markup.markdown import Markdown, MarkdownText


class DiscordText(MarkdownText):
    """Text that this markup made."""

    __slots__ = ()


class Discord(Markdown):
    """Discord's Markdown, in which a backslash takes the meaning from any mark.

    https://support.discord.com/hc/en-us/articles/210298617
    """

    name = "discord"
    marked = DiscordText

    def cut(self, text: str, limit: int) -> str:
        """At most `limit` UTF-16 units, so that it is short enough however Discord counts."""
        fitting = text.encode("utf-16-le", "replace")[: 2 * max(limit, 0)].decode("utf-16-le", "ignore")
        return text if len(fitting) == len(text) else super().cut(text, len(fitting))

    def _link(self, text: str, url: str) -> str:
        """Without what would end the bold around it."""
        return super()._link(text, url.replace("*", "%2A"))
