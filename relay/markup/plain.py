"""Plain text, and what all markups have in common: escaping, cutting, the functions of templates.

Each markup has its own type of marked text: a `str` made by the markup itself (a link, bold text) passes
unescaped, everything else is escaped when it is put out.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from relay.markup.text import ELLIPSIS, clean, letter_end, one_line, safe_url


class PlainText(str):
    """Text that the plain markup made."""

    __slots__ = ()


class Markup:
    """Plain text, for terminals and logs; the other markups change what they need to."""

    name = "plain"
    marked: type[str] = PlainText
    token = re.compile(r"[\s\S]+")  # a part that may be cut anywhere, or one that is kept or left whole
    whole = re.compile(r"(?!)")  # the parts that are kept or left whole

    def escape(self, text: str) -> str:
        """The text such that the service shows it as it is."""
        return clean(text)

    def text(self, value: object) -> str:
        """Marked text as it is, None as nothing, anything else escaped."""
        if isinstance(value, self.marked):
            return value
        return "" if value is None else self.marked(self.escape(str(value)))

    def bold(self, value: object) -> str:
        return self.marked(self._bold(one_line(self.text(value))))

    def code(self, value: object) -> str:
        """The value as code, on one line."""
        return self.marked(self._code(one_line(clean("" if value is None else str(value)))))

    def code_block(self, value: object) -> str:
        """The value as lines of code."""
        text = clean("" if value is None else str(value)).strip("\n")
        return self.marked(self._code_block(text) if text.strip() else "")

    def link(self, value: object, url: object) -> str:
        """The value as a link, or without one when the URL is not safe to show."""
        text, target = one_line(self.text(value)), safe_url(url)
        return self.marked(self._link(text, target) if target and text else text)

    def functions(self) -> Mapping[str, Callable[..., str]]:
        """What templates may call."""
        return {
            "bold": self.bold,
            "code": self.code,
            "code_block": self.code_block,
            "link": self.link,
        }

    def json(self, value: Any) -> str:
        """The value as JSON; it is escaped like any text when put out."""
        return json.dumps(value, ensure_ascii=False, default=str)

    def cut(self, text: str, limit: int) -> str:
        """At most `limit` characters, never ending inside an escape, a link or a letter."""
        if len(text) <= limit:
            return text
        kept = self._fitting(text, limit - len(ELLIPSIS))
        return self._closed(kept.rstrip(), limit - len(ELLIPSIS)) + ELLIPSIS if limit > 0 else ""

    def _fitting(self, text: str, room: int) -> str:
        end = 0
        for found in self.token.finditer(text):
            if found.end() > room:
                is_whole = self.whole.fullmatch(found.group())
                return text[:end] if is_whole else text[: max(end, letter_end(text, room))]
            end = found.end()
        return text[:end]

    def _closed(self, text: str, room: int) -> str:
        return text

    def _bold(self, text: str) -> str:
        return text

    def _code(self, text: str) -> str:
        return text

    def _code_block(self, text: str) -> str:
        return "\n".join(f"    {line}" for line in text.split("\n"))

    def _link(self, text: str, url: str) -> str:
        return f"{text} ({url})"
