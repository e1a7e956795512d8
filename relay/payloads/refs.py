"""Branches, tags and commits as git and CircleCI write them."""

_TAG = "refs/tags/"
_BRANCHES = ("refs/heads/", "refs/remotes/origin/", "remotes/origin/")
_PULL = "refs/pull/"
_HEX = set("0123456789abcdef")
SHORTEST_SHA, LONGEST_SHA, SHORT_SHA = 4, 64, 7


def branch(*refs: str | None) -> str | None:
    """The first that names a branch: `main`, `refs/heads/main`, `remotes/origin/main`, `refs/pull/7/head`."""
    return next((found for ref in refs if ref and (found := _branch(ref))), None)


def head(*refs: str | None) -> str | None:
    """As `branch`, for references where a bare name could as well be a tag's."""
    return branch(*(ref for ref in refs if ref and ref.startswith("refs/")))


def tag(*refs: str | None) -> str | None:
    """The tag of the first full reference to one."""
    return next((ref.removeprefix(_TAG) for ref in refs if ref and ref.startswith(_TAG)), None)


def sha(text: str | None) -> str | None:
    """A commit's hash in lower case; what is not one is missing."""
    found = (text or "").lower()
    return found if SHORTEST_SHA <= len(found) <= LONGEST_SHA and set(found) <= _HEX else None


def short(text: str | None) -> str | None:
    return text[:SHORT_SHA] if text else None


def _branch(ref: str) -> str | None:
    if ref.startswith(_TAG):
        return None
    if ref.startswith(_PULL):
        return "pull/" + ref.removeprefix(_PULL).partition("/")[0]
    prefix = next((known for known in _BRANCHES if ref.startswith(known)), "")
    return ref.removeprefix(prefix) or None
