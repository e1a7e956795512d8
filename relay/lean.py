"""Keeps out of long-running processes what a library would load there and nobody would use."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module

TAKEN_ALONG = {
    # For coloured tracebacks, which we do not print, for greenlets, of which only the web side has any, and
    # for Twisted, which nobody uses who does not happen to have it installed.
    "structlog": ("rich", "greenlet", "twisted"),  # 8 MB
    # To guess the encoding of answers; we take all for UTF-8.
    "requests": ("charset_normalizer",),  # 3 MB
}


def load(*libraries: str) -> None:
    """Import them without what they take along. Whoever needs that can import it afterwards."""
    for library in libraries:
        with ExitStack() as refused, warnings.catch_warnings(action="ignore"):  # requests says what it misses
            for other in TAKEN_ALONG[library]:
                refused.enter_context(_refused(other))
            import_module(library)


@contextmanager
def _refused(name: str) -> Iterator[None]:
    """Inside, the module cannot be imported, unless it has been."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]  # None is how Python refuses an import
    try:
        yield
    finally:
        del sys.modules[name]
