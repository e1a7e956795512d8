"""Globs and regular expressions over strangers' text, run by RE2 so that none of them can take for ever.

A glob stands for a whole string: `*` is any run of characters, "/" and line ends included, `?` one
character, `[abc]`, `[a-z]` one of a set, `[!abc]` one outside it. An unclosed `[` means itself.
Syntax of regular expressions: https://github.com/google/re2/wiki/Syntax
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import re2  # elsewhere where it is used: a configuration without patterns does without its 4 MB

SET_SIZE = 1000  # patterns tried by one automaton
SET_MEMORY = 64 * 1024 * 1024  # bytes an automaton may grow to; used only when texts need it


class PatternError(ValueError):
    """A pattern that cannot be compiled; the text is RE2's own."""


class Regex:
    """A compiled expression; `found_in` searches, so anchors are the writer's to set."""

    __slots__ = ("_compiled", "source")

    def __init__(self, source: str) -> None:
        import re2

        self.source = source
        try:
            self._compiled = re2.compile(encode(source), _options())
        except re2.error as error:
            raise PatternError(_message(error)) from error

    def found_in(self, text: str) -> bool:
        return self._compiled.search(encode(text)) is not None


class PatternSet:
    """Tries many expressions at once; the time hardly depends on how many there are.

    An expression that compiles as a Regex fits into an automaton, whose memory is the larger. For texts of
    `only_ascii` the automata may take bytes for characters, which keeps them small; then an expression that
    names a character beyond Latin 1 by its number raises PatternError. `together`: how many share
    an automaton; where many of them have gaps (`.*`), several smaller automata are quicker to grow than one.
    """

    def __init__(self, sources: Sequence[str], *, only_ascii: bool = False, together: int = SET_SIZE) -> None:
        starts = range(0, len(sources), together)
        self._sets = [
            part for at in starts for part in _automata(sources[at : at + together], at, only_ascii)
        ]

    def candidates(self, text: str) -> Iterator[int]:
        """Positions of all sources found in the text; now and then others too, never one less."""
        encoded = encode(text)
        for first, size, automaton in self._sets:
            found = automaton.Match(encoded)
            # The last expression of each automaton matches everything, so no answer means no memory.
            yield from (first + at for at in (found or range(size)) if at < size)


def _automata(sources: Sequence[str], first: int, only_ascii: bool) -> list[tuple[int, int, "re2.Set"]]:
    """(position of the first, how many, automaton); halved until each fits into its memory."""
    import re2

    options = _options(SET_MEMORY)
    if only_ascii:
        options.encoding = re2.Options.Encoding.LATIN1
    automaton = re2.Set.SearchSet(options)
    try:
        for source in (*sources, ""):
            automaton.Add(encode(source))
        automaton.Compile()
    except re2.error as error:
        half = len(sources) // 2
        if not half:
            raise PatternError(_message(error)) from error
        return _automata(sources[:half], first, only_ascii) + _automata(
            sources[half:], first + half, only_ascii
        )
    return [(first, len(sources), automaton)]


def is_plain(glob: str) -> bool:
    """Whether the glob stands for one string only: itself."""
    return not any(character in glob for character in "*?[")


def glob_source(glob: str) -> str:
    """The glob as an anchored RE2 expression."""
    return rf"(?s)\A{''.join(_pieces(glob))}\z"


def _pieces(glob: str) -> Iterator[str]:
    import re2

    at = 0
    while at < len(glob):
        character, end = glob[at], _class_end(glob, at)
        if end:
            yield _character_class(glob[at + 1 : end])
        else:
            yield {"*": ".*", "?": "."}.get(character) or re2.escape(character)
        at = max(end, at) + 1


def _class_end(glob: str, at: int) -> int:
    """Where the `]` of a set that opens here is, or 0. A `]` right after the opening belongs to the set."""
    if glob[at] != "[":
        return 0
    body = at + 2 if glob[at + 1 : at + 2] == "!" else at + 1
    return max(glob.find("]", body + 1), 0)


def _character_class(body: str) -> str:
    negated = body.startswith("!") and len(body) > 1
    escaped = "".join(f"\\{c}" if c in "\\[]^" else c for c in body.removeprefix("!" if negated else ""))
    return f"[{'^' if negated else ''}{escaped}]"


def encode(text: str) -> bytes:
    """UTF-8; half a surrogate pair, which JSON can smuggle in, becomes a question mark."""
    return text.encode("utf-8", "replace")


def _options(memory: int | None = None) -> "re2.Options":
    import re2

    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    if memory:
        options.max_mem = memory
    return options


def _message(error: Exception) -> str:
    text = error.args[0]
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
