"""Lists of many pages as iterators that ask for a page only when it is needed."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from relay.circleci.errors import Unreadable

PAGE_SIZE = 30  # CircleCI's default
LARGEST_PAGE = 100
MOST_PAGES = 10_000  # of one list; CircleCI's have 20 to 100 items
STALE_PAGES = 3  # in a row without anything new: the list leads nowhere

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """One page of API v2. `next_token` is None on the last."""

    items: Sequence[Mapping[str, Any]]
    next_token: str | None


def by_offset(
    fetch: Callable[[int, int], Sequence[T]],
    key: Callable[[T], Hashable],
    *,
    limit: int | None = None,
    offset: int = 0,
) -> Iterator[T]:
    """Up to `limit` items (None: all) through `fetch(limit, offset)`, each once.

    New builds push older ones to later offsets while we read, so what was seen already is left out.
    """
    seen: set[Hashable] = set()
    stale = 0
    while (limit is None or len(seen) < limit) and stale < STALE_PAGES:
        size = PAGE_SIZE if limit is None else min(LARGEST_PAGE, limit - len(seen))
        page = fetch(size, offset)
        known = len(seen)
        for item in page[:size]:
            if key(item) not in seen:
                seen.add(key(item))
                yield item
        stale = 0 if len(seen) > known else stale + 1
        offset += len(page)
        if len(page) < size:
            return


def by_token(fetch: Callable[[str | None], Page]) -> Iterator[Mapping[str, Any]]:
    """All items through `fetch(page token)`. Raises Unreadable when the tokens lead nowhere."""
    token: str | None = None
    seen: set[str] = set()
    empty = 0
    while True:
        page = fetch(token)
        yield from page.items
        token = page.next_token
        empty = 0 if page.items else empty + 1
        if token is None:
            return
        if token in seen or empty >= STALE_PAGES or len(seen) >= MOST_PAGES:
            raise Unreadable("the list has no end: a page token came again, or empty pages, or too many")
        seen.add(token)
