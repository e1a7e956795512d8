"""Escapes and cuts text, per service, so that what a stranger wrote stays text wherever it is shown.

Each markup has its own type of marked text: a `str` made by the markup itself (a link, bold text) passes
unescaped, everything else is escaped when it is put out.
"""

import html
import json
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from html.parser import HTMLParser
from typing import Any
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


class PlainText(str):
    """Text that the plain markup made."""

    __slots__ = ()


class HtmlText(str):
    """Text that the HTML markup made."""

    __slots__ = ()


class SlackText(str):
    """Text that Slack's markup made."""

    __slots__ = ()


class MarkdownText(str):
    """Text that the Markdown markup made."""

    __slots__ = ()


class JsonText(str):
    """The inside of a JSON string, or a whole JSON value."""

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

    def link(self, value: object, url: object) -> str:
        """The value as a link, or without one when the URL is not safe to show."""
        text, target = one_line(self.text(value)), safe_url(url)
        return self.marked(self._link(text, target) if target and text else text)

    def functions(self) -> Mapping[str, Callable[..., str]]:
        """What templates may call."""
        return {"bold": self.bold, "code": self.code, "link": self.link}

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
                return text[:end] if self.whole.fullmatch(found.group()) else text[: _letter_end(text, room)]
            end = found.end()
        return text[:end]

    def _closed(self, text: str, room: int) -> str:
        return text

    def _bold(self, text: str) -> str:
        return text

    def _code(self, text: str) -> str:
        return text

    def _link(self, text: str, url: str) -> str:
        return f"{text} ({url})"


def _letter_end(text: str, end: int) -> int:
    """The last place at or before `end` that is not inside a letter with its marks."""
    for _ in range(MARKS_LOOKED_BACK):
        if end <= 0 or not _continues(text, end):
            break
        end -= 1
    return max(end, 0)


def _continues(text: str, at: int) -> bool:
    joiner = "\u200d"
    follows = text[at]
    return follows == joiner or text[at - 1] == joiner or unicodedata.category(follows) in ("Mn", "Me", "Sk")


class Html(Markup):
    """HTML, with the few elements that mail programs and chat services share."""

    name = "html"
    marked = HtmlText
    whole = re.compile(r"&[A-Za-z0-9#]+;|<[^<>]*>")
    token = re.compile(r"&[A-Za-z0-9#]+;|<[^<>]*>|[^&<]+|[&<]")

    def escape(self, text: str) -> str:
        return html.escape(clean(text), quote=True)

    def _bold(self, text: str) -> str:
        return f"<b>{text}</b>"

    def _code(self, text: str) -> str:
        return f"<code>{html.escape(text)}</code>"

    def _link(self, text: str, url: str) -> str:
        return f'<a href="{html.escape(url)}">{text}</a>'

    def _fitting(self, text: str, room: int) -> str:
        """Leaves room for the end tags of what a cut leaves open."""
        kept, size, tail = "", 0, 0
        for found in self.token.finditer(text):
            piece = found.group()
            tail_after = tail + _end_tag_size(piece)
            if size + len(piece) + max(tail_after, 0) > room:
                is_whole = self.whole.fullmatch(piece)
                return kept if is_whole else kept + piece[: _letter_end(piece, max(room - size - tail, 0))]
            kept, size, tail = kept + piece, size + len(piece), tail_after
        return kept

    def _closed(self, text: str, room: int) -> str:
        return text + "".join(f"</{name}>" for name in reversed(_open_tags(text)))


def _end_tag_size(piece: str) -> int:
    """How much longer the end tags become by this piece; shorter when it is one."""
    found = re.match(r"<(/?)([a-zA-Z0-9]+)", piece)
    if not found or piece.lower().startswith("<br"):
        return 0
    size = len(found[2]) + len("</>")
    return -size if found[1] else size


def _open_tags(text: str) -> list[str]:
    opened: list[str] = []
    for slash, name in re.findall(r"<(/?)([a-zA-Z0-9]+)[^<>]*>", text):
        if slash and opened:
            opened.pop()
        elif not slash and name.lower() != "br":
            opened.append(name)
    return opened


class Slack(Markup):
    """Slack's mrkdwn: only & < > are special, and they are what pings and links are made of.

    https://docs.slack.dev/messaging/formatting-message-text
    """

    name = "slack"
    marked = SlackText
    whole = re.compile(r"&(?:amp|lt|gt);|<[^<>]*>|```|`[^`\n]*`")
    token = re.compile(r"&(?:amp|lt|gt);|<[^<>]*>|```|`[^`\n]*`|[^&<`]+|[&<`]")

    def escape(self, text: str) -> str:
        return _slack_entities(_break_fences(clean(text)))

    def _bold(self, text: str) -> str:
        return f"*{text}*" if text else ""

    def _code(self, text: str) -> str:
        return f"`{_slack_entities(text.replace('`', chr(39)))}`" if text else ""

    def _link(self, text: str, url: str) -> str:
        return f"<{_slack_entities(url)}|{text}>"

    def _closed(self, text: str, room: int) -> str:
        return _fence_closed(text, room)


def _slack_entities(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _break_fences(text: str) -> str:
    return text.replace("```", "`\u200b`\u200b`") if "```" in text else text


def _fence_closed(text: str, room: int) -> str:
    """The text with an open code fence ended, within the room."""
    end = "\n```"
    if text.count("```") % 2 == 0:
        return text
    return text[: max(room - len(end), 0)].rstrip("`") + end


class Markdown(Markup):
    """The Markdown that Discord, Mattermost, GitHub and Teams have in common."""

    name = "markdown"
    marked = MarkdownText
    whole = re.compile(r"\\[^\n]|\[(?:\\.|[^\]\\\n])*\]\([^)\n]*\)|```|`[^`\n]*`")
    token = re.compile(r"\\[^\n]|\[(?:\\.|[^\]\\\n])*\]\([^)\n]*\)|```|`[^`\n]*`|[^\\\[`]+|[\\\[`]")
    _special = re.compile(r"([\\`*_{}\[\]()<>#|~!&])")
    _line_start = re.compile(r"(?m)^([ \t]*\d*)([-+=.])")

    def escape(self, text: str) -> str:
        escaped = self._special.sub(r"\\\1", clean(text))
        return self._line_start.sub(r"\1\\\2", escaped).replace("@", "@\u200b")

    def _bold(self, text: str) -> str:
        return f"**{text}**" if text else ""

    def _code(self, text: str) -> str:
        return "`" + text.replace("`", "'").replace("@", "@\u200b") + "`" if text else ""

    def _link(self, text: str, url: str) -> str:
        return f"[{text}]({url})"

    def _closed(self, text: str, room: int) -> str:
        return _fence_closed(text, room)


class Json(Markup):
    """The inside of JSON strings in a template of a service's own message format."""

    name = "json"
    marked = JsonText

    def __init__(self, inner: Markup) -> None:
        self._inner = inner

    def escape(self, text: str) -> str:
        return _json_inside(self._inner.escape(text))

    def text(self, value: object) -> str:
        if isinstance(value, JsonText):
            return value
        return JsonText(_json_inside(self._inner.text(value)))

    def bold(self, value: object) -> str:
        return JsonText(_json_inside(self._inner.bold(value)))

    def code(self, value: object) -> str:
        return JsonText(_json_inside(self._inner.code(value)))

    def link(self, value: object, url: object) -> str:
        return JsonText(_json_inside(self._inner.link(value, url)))

    def json(self, value: Any) -> str:
        return JsonText(json.dumps(self._escaped(value), ensure_ascii=False, default=str))

    def _escaped(self, value: Any) -> Any:
        """The value with each text in it escaped for the service."""
        if isinstance(value, str):
            return str(self._inner.text(value))
        if isinstance(value, Mapping):
            return {clean(str(key)): self._escaped(item) for key, item in value.items()}
        return [self._escaped(item) for item in value] if isinstance(value, (list, tuple)) else value


def _json_inside(text: str) -> str:
    return json.dumps(str(text), ensure_ascii=False)[1:-1]


PLAIN = Markup()
MARKUPS: Mapping[str, Markup] = {each.name: each for each in (PLAIN, Html(), Slack(), Markdown())}


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


def html_to_plain(text: str) -> str:
    """What our own HTML says without its tags; links as `text (url)`."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return "".join(reader.said)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[str] = []
        self._url: str | None = None

    def handle_data(self, data: str) -> None:
        self.said.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self._url = dict(attrs).get("href")
        elif tag == "br":
            self.said.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._url:
            self.said.append(f" ({self._url})")
            self._url = None
