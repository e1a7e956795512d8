"""A pipe between a parent and its children: when the parent is gone, however it died, each child stops."""

import os
import signal
import threading

VARIABLE = "RELAY_LIFELINE"


class Lifeline:
    """The parent's side. Pass `fd` to children with `pass_fds` and `environment()` in their environment."""

    def __init__(self) -> None:
        self.fd, self._kept_open = os.pipe()
        os.set_inheritable(self.fd, True)

    def environment(self) -> dict[str, str]:
        return {VARIABLE: str(self.fd)}


def follow() -> None:
    """In a child: send this process SIGTERM once the parent is gone. Does nothing without a lifeline."""
    number = os.environ.pop(VARIABLE, "")
    if number.isdigit():
        threading.Thread(target=_stop_at_end, args=(int(number),), name="lifeline", daemon=True).start()


def _stop_at_end(fd: int) -> None:
    os.read(fd, 1)
    os.kill(os.getpid(), signal.SIGTERM)
