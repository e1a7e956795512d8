"""The part of HTML that cards in Google Chat show."""

from relay.markup.html import Html, HtmlText


class GoogleChatText(HtmlText):
    """Text that this markup made."""

    __slots__ = ()


class GoogleChat(Html):
    """The part of HTML that cards in Google Chat show."""

    name = "googlechat"
    marked = GoogleChatText
