"""Times as people type them: an instant, or how far back."""

from datetime import UTC, datetime, timedelta, tzinfo

from relay import durations, moments
from relay.cli.output import Mistake, visible


def moment(text: str, timezone: tzinfo, option: str) -> datetime:
    """An aware UTC datetime; without an offset the text is meant in the configuration's timezone."""
    try:
        return moments.parse(text, timezone)
    except ValueError as error:
        raise Mistake(visible(f"{option}: {error}")) from None


def since(text: str, now: datetime, timezone: tzinfo) -> datetime:
    """How far back: `7d` before now, or an instant. A bare number is refused: nobody can tell its unit."""
    try:
        if not text.strip().replace(".", "").isdigit():
            return now - timedelta(seconds=durations.parse(text))
        raise ValueError(text)  # noqa: TRY301 - the same answer as for any other unreadable text
    except OverflowError:
        return datetime(1970, 1, 1, tzinfo=UTC)
    except ValueError:
        pass
    try:
        return moments.parse(text, timezone)
    except ValueError:
        raise Mistake(visible(f'--since: "{text}" is no time; write 7d, 12h or 2026-11-16')) from None
