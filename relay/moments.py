"""Times as people write them: "2026-11-23 21:15" in a timezone of theirs, or with an offset."""

from datetime import UTC, datetime, tzinfo


def parse(text: str, timezone: tzinfo) -> datetime:
    """Aware, in UTC; without an offset the text is meant in `timezone`. A date alone is its first instant.
    Else ValueError."""
    try:
        found = datetime.fromisoformat(text.strip())
        local = found if found.tzinfo else found.replace(tzinfo=timezone)
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        problem = f'"{text}" is not a time; write "2026-11-23 21:15" or 2026-11-23T21:15:00Z'
        raise ValueError(problem) from None
