"""Allow-lists, written as words."""


def listed(words: str) -> frozenset[str]:
    return frozenset(words.split())
