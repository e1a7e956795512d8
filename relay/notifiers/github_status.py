"""GitHub's commit statuses: the marks beside a commit, one for each context."""

import re
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from relay.errors import DeliveryError, TemplateError
from relay.markup import PLAIN, one_line, safe_url
from relay.model import Answer, Event, Message, Status
from relay.notifiers.base import Conversation, Outgoing
from relay.notifiers.parts.github import GitHubNotifier, repository_of
from relay.people import PersonSpec
from relay.sandbox import compile_text
from relay.transport import Transport

# https://docs.github.com/en/rest/commits/statuses
DESCRIPTION = 140
CONTEXT = 255
TARGET_URL = 2000
MOST_STATUSES = 20  # of one message; GitHub wants them one after the other

FULL_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
FOUR_BYTES = re.compile("[\U00010000-\U0010ffff\ufe0f]")  # GitHub refuses these, and so most emoji

STATES: Mapping[Status, str] = {
    Status.SUCCESS: "success",
    Status.FAILED: "failure",
    Status.TIMEDOUT: "failure",
    Status.NO_TESTS: "failure",
    Status.ERROR: "error",
    Status.INFRASTRUCTURE_FAIL: "error",
    Status.CANCELED: "error",
    Status.UNAUTHORIZED: "error",
    Status.NOT_RUN: "pending",
    Status.UNKNOWN: "pending",
}


class GitHubStatus(GitHubNotifier):
    """Sets the status of a commit on GitHub."""

    markup: ClassVar[str] = "plain"
    gathers: ClassVar[bool] = False
    rate: ClassVar[float | None] = 1.0  # 5000 an hour, and room for others with the same token
    burst: ClassVar[int] = 20
    needs: ClassVar[str] = "the permission to write commit statuses"

    type: Literal["github_status"] = "github_status"
    context: str = Field(
        default="ci/{{ workflow.name or job.name }}",
        description="What tells this status apart from others; a template. A later status replaces it.",
    )

    @model_validator(mode="after")
    def _has_a_context(self) -> "GitHubStatus":
        try:
            compile_text(self.context)
        except TemplateError as error:
            raise ValueError(f"context: {error}") from None
        return self

    @property
    def can_edit(self) -> bool:
        return True

    @property
    def conversation(self) -> Conversation:
        return Conversation.COMMIT

    def remarks(self) -> tuple[str, ...]:
        return (self.context,)

    def mention(self, person: PersonSpec) -> str:
        return ""

    def payload(self, message: Message, outgoing: Outgoing) -> list[dict[str, Any]]:
        """A status for each commit and context; of several events about one, the last."""
        found: dict[tuple[str, str], Event] = {}
        for event in outgoing.events:
            if not self._problem_with(event):
                found[self._path(event), self._context_of(event)] = event
        is_one = len(found) == 1
        last = list(found.items())[-MOST_STATUSES:]
        return [
            {"path": path, "context": context, **_content(event, message, is_one)}
            for (path, context), event in last
        ]

    def send(self, message: Message, outgoing: Outgoing, transport: Transport) -> Answer:
        statuses = self.payload(message, outgoing)
        if not statuses:
            raise DeliveryError(self._problem_with(outgoing.events[-1]) or "", permanent=True)
        answer = Answer()
        for status in statuses:
            content = {name: value for name, value in status.items() if name != "path"}
            answer = self.call("POST", status["path"], transport, json=content)
        return answer

    def _problem_with(self, event: Event) -> str | None:
        if not repository_of(event, self.web_host):
            return f"{_short(event.project.slug)[:100]} is not a project on {self.web_host}"
        sha = event.commit.sha
        return None if sha and FULL_SHA.fullmatch(sha) else "the event does not tell the whole commit's SHA"

    def _path(self, event: Event) -> str:
        return f"/repos/{repository_of(event, self.web_host)}/statuses/{event.commit.sha}"

    def _context_of(self, event: Event) -> str:
        try:
            text = self._contexts(event)
        except TemplateError as error:
            raise DeliveryError(f"context: {error}", permanent=True) from None
        return PLAIN.cut(_short(text), CONTEXT) or "ci"

    @cached_property
    def _contexts(self) -> Callable[[Event], str]:
        return compile_text(self.context)


def _content(event: Event, message: Message, is_one: bool) -> dict[str, Any]:
    """The message's title describes it; among several each says its own result."""
    words = message.title if is_one else event.status.value.replace("_", " ").capitalize()
    content: dict[str, Any] = {
        "state": STATES[event.status],
        "description": PLAIN.cut(_short(words), DESCRIPTION),
    }
    target = safe_url(event.url)
    if target and len(target) <= TARGET_URL:
        content["target_url"] = target
    return {**content, **message.override} if isinstance(message.override, dict) else content


def _short(text: str) -> str:
    return one_line(FOUR_BYTES.sub("", PLAIN.escape(text)))
