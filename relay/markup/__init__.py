"""Escapes and cuts text, per service, so that what a stranger wrote stays text wherever it is shown."""

from collections.abc import Mapping

from relay.markup.discord import Discord
from relay.markup.github import GitHub
from relay.markup.googlechat import GoogleChat
from relay.markup.html import Html, HtmlText, html_to_plain
from relay.markup.inside_json import Json, JsonText
from relay.markup.markdown import Markdown, MarkdownText
from relay.markup.matrix import Matrix
from relay.markup.mattermost import Mattermost
from relay.markup.plain import Markup, PlainText
from relay.markup.slack import Slack, SlackText
from relay.markup.teams import Teams
from relay.markup.telegram import Telegram
from relay.markup.text import ELLIPSIS, MORE, clean, cut_list, first_of, one_line, safe_url
from relay.markup.zulip import Zulip

__all__ = [
    "ELLIPSIS",
    "MARKUPS",
    "MORE",
    "PLAIN",
    "HtmlText",
    "Json",
    "JsonText",
    "Markdown",
    "MarkdownText",
    "Markup",
    "PlainText",
    "Slack",
    "SlackText",
    "clean",
    "cut_list",
    "first_of",
    "html_to_plain",
    "one_line",
    "safe_url",
]

PLAIN = Markup()
MARKUPS: Mapping[str, Markup] = {
    each.name: each
    for each in (
        PLAIN,
        Html(),
        Slack(),
        Markdown(),
        Discord(),
        GitHub(),
        GoogleChat(),
        Matrix(),
        Mattermost(),
        Teams(),
        Telegram(),
        Zulip(),
    )
}
