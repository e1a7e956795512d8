"""The part of HTML that Matrix clients show."""

import re

from relay.markup.html import Html, HtmlText

BREAK = "\u200b"


class MatrixText(HtmlText):
    """Text that this markup made."""

    __slots__ = ()


class Matrix(Html):
    """The part of HTML that Matrix clients show; they make links of what looks like an address.

    https://spec.matrix.org/latest/client-server-api/#mroommessage-msgtypes
    """

    name = "matrix"
    marked = MatrixText
    _live = re.compile(r"((?i:@(?=room))|:(?=//)|(?i:\bwww)(?=\.))")

    def escape(self, text: str) -> str:
        return self._live.sub(rf"\1{BREAK}", super().escape(text))
