"""Zulip's Markdown."""

import re

from relay.markup.markdown import Markdown, MarkdownText
from relay.markup.text import clean


class ZulipText(MarkdownText):
    """Text that this markup made."""

    __slots__ = ()


class Zulip(Markdown):
    """Zulip's Markdown. It knows no backslashes (github.com/zulip/zulip/issues/18202), but HTML's entities.

    https://zulip.com/help/format-your-message-using-markdown
    """

    name = "zulip"
    marked = ZulipText
    whole = re.compile(r"&#\d+;|\[[^\]\[\n]*\]\([^)\n]*\)|```|`[^`\n]*`")
    token = re.compile(r"&#\d+;|\[[^\]\[\n]*\]\([^)\n]*\)|```|`[^`\n]*`|[^&\[`]+|[&\[`]")
    _special = re.compile(
        r"[&@#*`\[\]()<>~|$!\\]"  # mentions, channels, emphasis, links, quotes, formulas, avatars
        r"|:(?=\S)"  # emoji and addresses
        r"|(?<=\w)\.(?=\w)"  # addresses without a scheme
    )
    _in_url = str.maketrans({"@": "%40", "*": "%2A", "$": "%24"})  # looked for before links are
    _line_start = re.compile(r"(?m)^([ \t]*(?:\d+(?=\.))?)([-+=./])")

    def escape(self, text: str) -> str:
        escaped = self._special.sub(lambda found: _entity(found.group()), clean(text))
        return self._line_start.sub(lambda found: found[1] + _entity(found[2]), escaped)

    def _link(self, text: str, url: str) -> str:
        return f"[{text}]({url.translate(self._in_url)})"


def _entity(character: str) -> str:
    return f"&#{ord(character)};"
