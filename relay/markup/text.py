"""What a stranger wrote, made harmless to show: control characters, white space, links."""

import re
import unicodedata
from collections.abc import Sequence
from urllib.parse import quote, urlsplit

ELLIPSIS = "…"
MORE = "… and {n} more"
LINK_SCHEMES = {"http", "https", "mailto"}
URL_KEPT = "/:?#[]@!$&'*+,;=%~-._"  # whatever else a URL holds is percent-encoded
MARKS_LOOKED_BACK = 16  # combining characters a cut steps over to keep a letter whole

# C0 but tab and newline, DEL, C1; marks that reorder text; line separators; surrogates left alone by JSON
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_BLANKS = {"\r": " ", "\u2028": " ", "\u2029": " ", "\x7f": "\u2421"}


def clean(text: str) -> str:
    """The text without what could drive a terminal, reorder a line or break UTF-8."""
    if not _UNSAFE.search(text):
        return text
    return _UNSAFE.sub(lambda found: _harmless(found.group()), text.replace("\r\n", "\n"))


def _harmless(character: str) -> str:
    if character in _BLANKS:
        return _BLANKS[character]
    code = ord(character)
    return chr(0x2400 + code) if code < 0x20 else "\ufffd"


def one_line(text: str) -> str:
    """The text with each run of white space as one blank."""
    return " ".join(text.split())


def safe_url(url: object) -> str | None:
    """A link that may be shown: http, https or mailto, nothing that could end it early; else None."""
    if not isinstance(url, str) or not url:
        return None
    encoded = quote(url.strip(), safe=URL_KEPT, errors="replace")
    try:
        parts = urlsplit(encoded)
    except ValueError:
        return None
    if parts.scheme not in LINK_SCHEMES:
        return None
    is_whole = parts.path if parts.scheme == "mailto" else parts.netloc and "@" not in parts.netloc
    return encoded if is_whole else None


def letter_end(text: str, end: int) -> int:
    """The last place at or before `end` that is not inside a letter with its marks."""
    for _ in range(MARKS_LOOKED_BACK):
        if end <= 0 or not _continues(text, end):
            break
        end -= 1
    return max(end, 0)


def _continues(text: str, at: int) -> bool:
    joiner = "\u200d"
    follows = text[at]
    if follows.isascii():
        return False
    return follows == joiner or text[at - 1] == joiner or unicodedata.category(follows) in ("Mn", "Me", "Sk")


def first_of(items: Sequence[str], limit: int, count: int, more: str = MORE) -> tuple[str, ...]:
    """The first items that fit into `limit` characters as lines; the rest of all `count` is counted."""
    if len(items) == count and sum(map(len, items)) + len(items) - 1 <= limit:
        return tuple(items)
    room = limit - len(more.format(n=count))
    head: list[str] = []
    for item in items:
        room -= len(item) + 1
        if room < 0:
            break
        head.append(item)
    return (*head, more.format(n=count - len(head)))


def cut_list(
    items: Sequence[str], limit: int, more: str = MORE, *, at_most: int | None = None
) -> tuple[str, ...]:
    """The items that fit into `limit` characters as lines; what does not fit is left out of the middle."""
    most = len(items) if at_most is None else at_most
    if len(items) <= most and sum(map(len, items)) + len(items) - 1 <= limit:
        return tuple(items)
    tail = tuple(items[-1:]) if most > 1 and len(items[-1]) < limit // 4 else ()
    room = limit - len(more.format(n=len(items))) - sum(len(item) + 1 for item in tail)
    head: list[str] = []
    for item in items[: min(most, len(items)) - len(tail)]:
        room -= len(item) + 1
        if room < 0:
            break
        head.append(item)
    return (*head, more.format(n=len(items) - len(head) - len(tail)), *tail)
