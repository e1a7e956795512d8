"""Mattermost's Markdown."""

import re

from relay.markup.markdown import Markdown, MarkdownText

ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "[": "&#91;", "]": "&#93;"}


class MattermostText(MarkdownText):
    """Text that this markup made."""

    __slots__ = ()


class Mattermost(Markdown):
    """Mattermost's Markdown.

    The web client knows fewer escapes than CommonMark (github.com/mattermost/marked), and none before a
    letter or within the text of a link; character references mean the same to it, the server and the phones.
    The server makes mentions of Slack's `<!channel>`, even in code.
    """

    name = "mattermost"
    marked = MattermostText
    whole = re.compile(r"\\[^\n]|&#?[a-z0-9]+;|\[(?:\\.|[^\]\\\n])*\]\([^)\n]*\)|```|`[^`\n]*`")
    token = re.compile(
        r"\\[^\n]|&#?[a-z0-9]+;|\[(?:\\.|[^\]\\\n])*\]\([^)\n]*\)|```|`[^`\n]*`|[^\\\[`&]+|[\\\[`&]"
    )
    _special = re.compile(r"(\\(?![A-Za-z0-9])|[`*_#|~])")
    _line_start = re.compile(r"(?m)^([ \t]*\d*)([-+.)])")
    _underline = re.compile(r"(?m)^([ \t]*)=")
    _references = str.maketrans(ENTITIES)

    def escape(self, text: str) -> str:
        escaped = super().escape(text).translate(self._references)
        return self._underline.sub("\\1\u200b=", escaped)

    def _link(self, text: str, url: str) -> str:
        """Without what would end the bold around it, or looks like a mention."""
        return super()._link(text, url.replace("*", "%2A").replace("@", "%40"))

    def _code(self, text: str) -> str:
        return super()._code(text.replace("<!", "<\u200b!"))

    def _code_block(self, text: str) -> str:
        return super()._code_block(text.replace("<!", "<\u200b!"))
