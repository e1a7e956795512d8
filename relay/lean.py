"""Keeps out of long-running processes what a library would load there and nobody would use."""

import sys
from importlib import import_module

TAKEN_ALONG = "rich"  # by structlog, for coloured tracebacks, which we do not print: 4 MB


def load_structlog() -> None:
    """Import structlog alone. Whoever needs rich can import it afterwards."""
    if TAKEN_ALONG in sys.modules:
        return
    sys.modules[TAKEN_ALONG] = None  # type: ignore[assignment]  # None is how Python refuses an import
    try:
        import_module("structlog")
    finally:
        del sys.modules[TAKEN_ALONG]
