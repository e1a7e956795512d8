"""The part of the file about people: which git identity is which chat identity."""

from pydantic import Field

from relay.config.section import Section
from relay.config.values import Texts


class Person(Section):
    """One person, or with `members` a team."""

    emails: Texts = Field(
        default=(),
        description="E-mail addresses in commits; `*` is any text: `*+alice@users.noreply.github.com`.",
    )
    members: Texts = Field(default=(), description="Makes this a team: the names of its people.")
    github: str | None = Field(default=None, description="Login on GitHub.")
    gitlab: str | None = Field(default=None, description="Login on GitLab.")
    bitbucket: str | None = Field(default=None, description="Login on Bitbucket.")
    slack: str | None = Field(default=None, description="Slack member id, `U012ABCDE`.")
    slack_group: str | None = Field(default=None, description="Slack user group id, `S012ABCDE`, for a team.")
    discord: str | None = Field(default=None, description="Discord user id, in quotes.")
    discord_role: str | None = Field(default=None, description="Discord role id, in quotes, for a team.")
    mattermost: str | None = Field(
        default=None, description="User name in Mattermost; for a team, a group's name."
    )
    teams: str | None = Field(default=None, description="User principal name in Microsoft Teams.")
    googlechat: str | None = Field(default=None, description="User id in Google Chat, digits in quotes.")
    telegram: str | None = Field(
        default=None,
        description="User id in Telegram, in quotes; or `@name`, which can be mentioned but not written to.",
    )
    zulip: str | None = Field(default=None, description="Full name in Zulip, or `Full name|user id`.")
    matrix: str | None = Field(default=None, description="Matrix id, `@alice:example.com`, in quotes.")
