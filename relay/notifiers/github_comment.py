"""A comment on a GitHub pull request, kept up to date."""

import hmac
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from relay.errors import DeliveryError
from relay.markup import MARKUPS
from relay.model import Answer, Event, Message
from relay.notifiers.base import Outgoing
from relay.notifiers.parts.chat import links, title_link
from relay.notifiers.parts.github import GitHubNotifier, PullPlace, pull_requests_of
from relay.notifiers.parts.github_comments import GONE, Found, Mark, find, look_at
from relay.people import PersonSpec
from relay.transport import Reply, Transport

COMMENT = 65_536  # characters; GitHub tells when a comment has more
TITLE = 300
MOST_FACTS = 10
FIELD_TEXT = 300
LINKS = 5000
FOOTER = 600
MOST_MENTIONS = 20
DIGEST = 32  # hexadecimal digits of the mark

MARKUP = MARKUPS["github"]


class GitHubComment(GitHubNotifier):
    """Comments on the pull request of an event, on GitHub."""

    markup: ClassVar[str] = "github"
    gathers: ClassVar[bool] = False
    rate: ClassVar[float | None] = 500 / 3600  # an hour; 80 a minute. The page on rate limits tells both.
    burst: ClassVar[int] = 40
    body_limit: ClassVar[int] = 10_000
    needs: ClassVar[str] = "the permission to write pull requests"

    type: Literal["github_comment"] = "github_comment"
    style: Literal["post", "update"] = Field(
        default="update",
        description="`update` one comment for the whole pull request, or `post` a new one each time.",
    )
    marker: str = Field(
        default="relay",
        description="Tells this comment apart when several notifiers comment on the same pull request.",
    )

    @property
    def can_edit(self) -> bool:
        return True

    def mention(self, person: PersonSpec) -> str:
        login = person.logins.get("github")
        return f"@{login}" if login else ""

    def payload(self, message: Message, outgoing: Outgoing) -> dict[str, Any]:
        """The comment; nothing when there is no pull request."""
        place, event = self._pull_request(outgoing)
        if place is None:
            return {}
        own = message.override.get("body") if isinstance(message.override, dict) else message.override
        text = own if isinstance(own, str) else "\n\n".join(filter(None, self._parts(message, outgoing)))
        mark = str(self.mark(place, event))
        return {"body": f"{mark}\n{MARKUP.cut(text, COMMENT - len(mark) - 1)}"}

    def send(self, message: Message, outgoing: Outgoing, transport: Transport) -> Answer:
        place, event = self._pull_request(outgoing)
        if place is None:
            return Answer(excerpt="no pull request: nothing to comment on")
        mark, body = self.mark(place, event), self.payload(message, outgoing)
        found = self._known(place, mark, outgoing, transport) if self.style == "update" else None
        if found and found.number > mark.number > 0:
            said = f"nothing changed: the comment tells of pipeline #{found.number}, which is newer"
            return Answer(excerpt=said, receipt=outgoing.card)
        if found:
            try:
                return self._write("PATCH", f"comments/{found.id}", place, body, transport)
            except DeliveryError as error:
                if not (error.permanent and error.status in GONE):
                    raise
        return self._write("POST", f"{place.number}/comments", place, body, transport)

    def mark(self, place: PullPlace, event: Event) -> Mark:
        """Only who has the token can make the mark."""
        told = "\0".join((self.marker, event.project.slug, str(place)))
        digest = hmac.new(self.token.reveal().encode(), told.encode("utf-8", "replace"), "sha256")
        return Mark(digest=digest.hexdigest()[:DIGEST], number=event.pipeline.number or 0)

    def _pull_request(self, outgoing: Outgoing) -> tuple[PullPlace | None, Event]:
        """The first that an event tells of."""
        for event in outgoing.events:
            for place in pull_requests_of(event, self.web_host):
                return place, event
        return None, outgoing.events[0]

    def _known(self, place: PullPlace, mark: Mark, outgoing: Outgoing, transport: Transport) -> Found | None:
        """Our comment: the one on record, else the one that bears the mark."""
        card = outgoing.card
        noted = card.get("comment") if card.get("pull_request") == str(place) else None
        return look_at(self, place, noted, mark, transport) or find(self, place, mark, transport)

    def _write(
        self, method: str, path: str, place: PullPlace, body: Mapping[str, Any], transport: Transport
    ) -> Answer:
        def receipt_of(reply: Reply) -> dict[str, str]:
            return {**_id_in(reply), "pull_request": str(place)}

        where = f"/repos/{place.repository}/issues/{path}"
        return self.call(method, where, transport, json=body, receipt_of=receipt_of)

    def _parts(self, message: Message, outgoing: Outgoing) -> Iterator[str]:
        yield f"### {title_link(MARKUP, message, TITLE)}"
        yield message.body
        yield " · ".join(_fact(fact.name, fact.value) for fact in message.facts[:MOST_FACTS])
        yield links(MARKUP, message.buttons, LINKS)
        yield " ".join(filter(None, map(self.mention, outgoing.mentions[:MOST_MENTIONS])))
        yield f"<sub>{MARKUP.cut(message.footer, FOOTER)}</sub>" if message.footer else ""


def _fact(name: str, value: str) -> str:
    return f"{MARKUP.bold(MARKUP.marked(MARKUP.cut(name, FIELD_TEXT)))} {MARKUP.cut(value, FIELD_TEXT)}"


def _id_in(reply: Reply) -> dict[str, str]:
    """Read with care: the answer repeats the comment and may have been cut."""
    said = reply.json()
    found = said.get("id") if isinstance(said, dict) else None
    return {"comment": str(found)} if isinstance(found, int) else {}
