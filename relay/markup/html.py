"""HTML, for mail and for chat services that take a part of it; and plain text made of our own HTML."""

import html
import re
from html.parser import HTMLParser

from relay.markup.plain import Markup
from relay.markup.text import clean, letter_end


class HtmlText(str):
    """Text that the HTML markup made."""

    __slots__ = ()


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

    def _code_block(self, text: str) -> str:
        return f"<pre>{html.escape(text)}</pre>"

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
                return kept if is_whole else kept + piece[: letter_end(piece, max(room - size - tail, 0))]
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
