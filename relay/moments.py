"""Times as people write them: "2026-11-23 21:15" in a timezone of theirs, or with an offset."""

from datetime import UTC, datetime, tzinfo


def parse(text: str, timezone: tzinfo) -> datetime:
    """Aware, in UTC; without an offset the text is meant in `timezone`. A date alone is its first instant.
    Else ValueError."""
    try:
        return in_utc(datetime.fromisoformat(text.strip()), timezone)
    except (ValueError, OverflowError):
        problem = f'"{text}" is not a time; write "2026-11-23 21:15" or 2026-11-23T21:15:00Z'
        raise ValueError(problem) from None


def in_utc(found: datetime, timezone: tzinfo) -> datetime:
    """The same instant in UTC; one without an offset is meant in the timezone. May raise OverflowError."""
    return (found if found.tzinfo else found.replace(tzinfo=timezone)).astimezone(UTC)
