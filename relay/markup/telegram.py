"""The part of HTML that Telegram takes."""

import html
import re

from relay.markup.html import Html, HtmlText
from relay.markup.text import clean

_GAP = "\u200b"  # without width; keeps what follows from being read together with what is before


class TelegramText(HtmlText):
    """Text that this markup made."""

    __slots__ = ()


class Telegram(Html):
    """The part of HTML that Telegram takes. https://core.telegram.org/bots/api#html-style

    Outside code Telegram makes mentions, commands and links of its own out of `@name`, `/word`, `host.tld`.
    """

    name = "telegram"
    marked = TelegramText
    _awake = re.compile(r"@|(?<=:)//|(?<![\w/])/(?=\w)|(?<=\w)\.(?=[^\W\d_])|(?<=\d)\.(?=\d+\.\d+\.\d)")

    def escape(self, text: str) -> str:
        return html.escape(self._awake.sub(rf"\g<0>{_GAP}", clean(text)), quote=False)

    def _code(self, text: str) -> str:
        return f"<code>{html.escape(text, quote=False)}</code>" if text else ""

    def _code_block(self, text: str) -> str:
        return f"<pre>{html.escape(text, quote=False)}</pre>"
