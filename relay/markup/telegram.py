"""The part of HTML that Telegram takes."""

from relay.markup.html import Html, HtmlText


class TelegramText(HtmlText):
    """Text that this markup made."""

    __slots__ = ()


class Telegram(Html):
    """The part of HTML that Telegram takes."""

    name = "telegram"
    marked = TelegramText
