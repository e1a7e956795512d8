"""How wide text is, as far as one can say without the font: after Helvetica, as most sans-serifs."""

import unicodedata

from docs.drawing.shapes import Look

MONO = 0.602  # of the size
CODE = 0.88  # code within a line is smaller than the text around it
BOLD = 1.06
WIDE = 1.3  # emoji, and the scripts of East Asia
OTHERS = 0.56
_BY_WIDTH = {
    0.20: "ijl'",
    0.27: " !,./:;I[\\]ft|",
    0.34: '()-`r{}"*',
    0.50: "Jckszvxy",
    0.56: "#$0123456789?L_abdeghnopqu",
    0.60: "+<=>~FTZ^",
    0.67: "&ABEKPSVXY",
    0.73: "CDHNRUw",
    0.78: "GOQ",
    0.84: "m",
    0.86: "M%",
    0.95: "W@",
}
WIDTHS = {character: width for width, characters in _BY_WIDTH.items() for character in characters}


def width(text: str, look: Look, size: float) -> float:
    """In pixels."""
    if look.code or look.mono:
        return sum(map(_cells, text)) * MONO * size * (CODE if look.code else 1.0)
    return sum(map(_share, text)) * size * (BOLD if look.bold else 1.0)


def _share(character: str) -> float:
    return WIDTHS.get(character) or (WIDE if _is_wide(character) else OTHERS)


def _cells(character: str) -> int:
    return 2 if _is_wide(character) else 1


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in ("W", "F")
