"""Text that was written for a terminal, made plain."""

import re

# Escape sequences: CSI … letter, OSC … BEL or ST, and two-character ones. Each run of characters ends at the
# next escape at the latest, so the time grows with the text and not faster.
_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[ -/]*[0-~]")


def plain(log: str) -> str:
    """Without terminal escapes, and with \\n at line ends."""
    sound = log.encode("utf-8", "replace").decode("utf-8", "replace")  # half a surrogate pair is a mark
    return _ANSI.sub("", sound).replace("\r\n", "\n")
