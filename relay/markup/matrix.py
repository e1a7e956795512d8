"""The part of HTML that Matrix clients show."""

from relay.markup.html import Html, HtmlText


class MatrixText(HtmlText):
    """Text that this markup made."""

    __slots__ = ()


class Matrix(Html):
    """The part of HTML that Matrix clients show."""

    name = "matrix"
    marked = MatrixText
