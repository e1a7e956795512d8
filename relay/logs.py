"""Log lines: one JSON object each, or coloured text on a terminal; secrets masked; to standard error."""

import logging
import sys
from collections.abc import Callable
from typing import Any

import structlog

LEVELS = ("debug", "info", "warning", "error")

Line = structlog.typing.EventDict


def configure(level: str, mask: Callable[[str], str], *, as_json: bool | None = None) -> None:
    """Set up structlog for this process. Without a choice: text on a terminal, JSON elsewhere."""
    is_json = not sys.stderr.isatty() if as_json is None else as_json
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _masking(mask),
            structlog.processors.JSONRenderer() if is_json else _console(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,  # or a new configuration's secrets would not be masked
    )


def _console() -> structlog.dev.ConsoleRenderer:
    return structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )


def _masking(mask: Callable[[str], str]) -> Callable[[Any, str, Line], Line]:
    def masked(value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return [masked(item) for item in value]
        return mask(value) if isinstance(value, str) else value

    def process(_logger: Any, _method: str, line: Line) -> Line:
        return {key: masked(value) for key, value in line.items() if value is not None}

    return process
