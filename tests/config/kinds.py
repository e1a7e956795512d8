"""Small notifier and action types, so that these tests depend on no real service."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from relay.secret import Secret


class Kind(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    template: str | None = None
    style: Literal["post", "update", "thread"] = "post"
    fallback: str | None = None


class Console(Kind):
    """Prints messages."""


class Slack(Kind):
    """Posts to Slack."""

    webhook: Secret = Field(description="The address of an incoming webhook.")

    @field_validator("webhook")
    @classmethod
    def _is_address(cls, value: Secret) -> Secret:
        if not value.reveal().startswith("https://"):
            raise ValueError("wanted an address that begins with https://")
        return value


class Email(Kind):
    """Sends mail."""

    sender: Annotated[str, Field(alias="from")]
    to: tuple[str, ...]
    port: int = 25
    headers: Mapping[str, str] = Field(default_factory=dict)


class Again(BaseModel):
    """Runs it again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: int = Field(default=1, description="How often.")


ACTIONS: Mapping[str, type[BaseModel]] = {"again": Again}
NOTIFIERS: Mapping[str, type[BaseModel]] = {"console": Console, "email": Email, "slack": Slack}
ENVIRON = {
    "SLACK_WEBHOOK_URL": "https://hooks.example.com/s3cret-hook",
    "EMPTY": "",
    "WRONG": "hunter2-opens-doors",
}
