"""The part of HTML that cards in Google Chat show."""

import html

from relay.markup.html import Html, HtmlText
from relay.markup.text import clean

GREY = "#5f6368"
_GAP = "\u200b"  # without width; keeps an address from becoming a link


class GoogleChatText(HtmlText):
    """Text that this markup made."""

    __slots__ = ()


class GoogleChat(Html):
    """The part of HTML that cards in Google Chat show: bold, colours, links, line breaks. Code is grey.

    https://developers.google.com/workspace/chat/format-messages#card-formatting
    """

    name = "googlechat"
    marked = GoogleChatText

    def escape(self, text: str) -> str:
        return html.escape(clean(text).replace("://", f":{_GAP}//"), quote=False)

    def _code(self, text: str) -> str:
        return self.grey(html.escape(text, quote=False)) if text else ""

    def _code_block(self, text: str) -> str:
        return self._code(text)

    def grey(self, text: str) -> str:
        """Marked text in grey."""
        return f'<font color="{GREY}">{text}</font>'
