"""Slack's mrkdwn."""

import re

from relay.markup import fences
from relay.markup.plain import Markup
from relay.markup.text import clean


class SlackText(str):
    """Text that Slack's markup made."""

    __slots__ = ()


class Slack(Markup):
    """Slack's mrkdwn: only & < > are special, and they are what pings and links are made of.

    https://docs.slack.dev/messaging/formatting-message-text
    """

    name = "slack"
    marked = SlackText
    whole = re.compile(r"&(?:amp|lt|gt);|<[^<>]*>|```|`[^`\n]*`")
    token = re.compile(r"&(?:amp|lt|gt);|<[^<>]*>|```|`[^`\n]*`|[^&<`]+|[&<`]")

    def escape(self, text: str) -> str:
        return _slack_entities(fences.broken(clean(text)))

    def _bold(self, text: str) -> str:
        return f"*{text}*" if text else ""

    def _code(self, text: str) -> str:
        return f"`{_slack_entities(text.replace('`', chr(39)))}`" if text else ""

    def _code_block(self, text: str) -> str:
        return f"{fences.FENCE}\n{_slack_entities(fences.broken(text))}\n{fences.FENCE}"

    def _link(self, text: str, url: str) -> str:
        return f"<{_slack_entities(url)}|{text}>"

    def _closed(self, text: str, room: int) -> str:
        return fences.closed(text, room)


def _slack_entities(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
