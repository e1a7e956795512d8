"""Code fences, which Slack and the kinds of Markdown share."""

FENCE = "```"


def broken(text: str) -> str:
    """The text without anything that would begin or end a fence."""
    return text.replace(FENCE, "`\u200b`\u200b`") if FENCE in text else text


def closed(text: str, room: int) -> str:
    """The text with an open fence ended, within the room."""
    end = f"\n{FENCE}"
    if text.count(FENCE) % 2 == 0:
        return text
    return text[: max(room - len(end), 0)].rstrip("`") + end
