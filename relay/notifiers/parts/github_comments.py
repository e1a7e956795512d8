"""Finds the relay's own comment again among those of a pull request, by a mark that nobody sees."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from relay.errors import DeliveryError
from relay.notifiers.parts.github import GitHubNotifier, PullPlace
from relay.transport import Reply, Transport

PAGE = 10  # comments asked for at once: an answer of some 64 KB is read
MOST_PAGES = 40
NUMBER_DIGITS = 12  # hexadecimal
GONE = (403, 404, 410)  # deleted, or another's


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """What a comment begins with. digest: what it is about. number: of its pipeline, 0 if unknown."""

    digest: str
    number: int

    def __str__(self) -> str:
        number = min(max(self.number, 0), 16**NUMBER_DIGITS - 1)
        return f"<!-- relay:{self.digest}{number:0{NUMBER_DIGITS}x} -->"

    def number_in(self, body: Any) -> int | None:
        """The number in a comment about the same; None for other comments."""
        pattern = rf"<!-- relay:{self.digest}([0-9a-f]{{{NUMBER_DIGITS}}}) -->"
        found = re.match(pattern, body) if isinstance(body, str) else None
        return int(found[1], 16) if found else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A comment of ours, and the pipeline it tells of."""

    id: str
    number: int


def look_at(
    notifier: GitHubNotifier, place: PullPlace, id: str | None, mark: Mark, transport: Transport
) -> Found | None:
    """The comment on record, if it is still there and ours."""
    if not id or not id.isdigit():
        return None
    path = f"/repos/{place.repository}/issues/comments/{id}"
    try:
        answer = notifier.call("GET", path, transport, receipt_of=lambda reply: _one(reply, mark))
    except DeliveryError as error:
        if error.permanent and error.status in GONE:
            return None
        raise
    return _found_in(answer.receipt)


def find(notifier: GitHubNotifier, place: PullPlace, mark: Mark, transport: Transport) -> Found | None:
    """The oldest comment with the mark: a copy of it is younger.

    A page that is too long to read is gone through one comment at a time.
    """
    seen, size = 0, PAGE
    for _ in range(MOST_PAGES):
        query = f"?per_page={size}&page={seen // size + 1}"
        path = f"/repos/{place.repository}/issues/{place.number}/comments{query}"
        page = notifier.call("GET", path, transport, receipt_of=lambda reply: _page(reply, mark)).receipt
        read, is_cut = int(page["read"]), "cut" in page
        if "comment" in page or (not is_cut and read < size):
            return _found_in(page)
        seen += max(read, 1) if size == 1 else read
        size = PAGE if seen % PAGE == 0 and not (is_cut and size == PAGE) else 1
    return None


def _found_in(receipt: Mapping[str, str]) -> Found | None:
    return Found(id=receipt["comment"], number=int(receipt["number"])) if "comment" in receipt else None


def _one(reply: Reply, mark: Mark) -> dict[str, str]:
    return _ours([reply.json()], mark)


def _page(reply: Reply, mark: Mark) -> dict[str, str]:
    """What a page of comments holds: ours if it is there, how many were read, whether it was cut."""
    comments, is_whole = _comments_in(reply.body.decode("utf-8", "replace"))
    cut = {} if is_whole else {"cut": "yes"}
    return {"read": str(len(comments)), **cut, **_ours(comments, mark)}


def _ours(comments: list[Any], mark: Mark) -> dict[str, str]:
    """The first that bears the mark, as a receipt holds it."""
    for comment in comments:
        told = comment if isinstance(comment, dict) else {}
        number = mark.number_in(told.get("body"))
        if number is not None and isinstance(told.get("id"), int):
            return {"comment": str(told["id"]), "number": str(number)}
    return {}


def _comments_in(text: str) -> tuple[list[Any], bool]:
    """The items of a JSON list that are whole, and whether that is all of it."""
    items: list[Any] = []
    decoder, at = json.JSONDecoder(), 1
    if not text.startswith("["):
        return [], True
    while (rest := text[at:].lstrip(" \n\r\t,")) and not rest.startswith("]"):
        try:
            item, length = decoder.raw_decode(rest)
        except (ValueError, RecursionError):
            return items, False
        items.append(item)
        at = len(text) - len(rest) + length
    return items, bool(rest)
