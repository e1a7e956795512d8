"""What the web processes need of the configuration, read by a process of its own.

The libraries that read and check a configuration take more memory than all that the endpoint does; they
go when that process ends. `python -m relay.web.settings FILE` is that process.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from relay import lastgood
from relay.errors import RelayError
from relay.secret import Masker, Secret
from relay.web.access import Access

if TYPE_CHECKING:
    from relay.config import Config

PATIENCE_S = 60.0
CANNOT = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class WebSettings:
    store: Secret  # a database URL
    access: Access
    masker: Masker


def read(path: str) -> WebSettings:
    """As the supervisor found good last, else as the file says now. RelayError names every fault."""
    command = [sys.executable, "-m", __name__, path]
    try:
        ended = subprocess.run(  # noqa: S603 - our own command
            command,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            pass_fds=lastgood.numbers(),
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RelayError(f"the configuration could not be read: {type(error).__name__}") from error
    if not ended.stdout:  # the exit status may be lost: gunicorn collects those of all children
        raise RelayError(ended.stderr.strip() or "the configuration could not be read")
    return _unpacked(ended.stdout)


def access_of(settings: "Config") -> Access:
    """What proves that a webhook is CircleCI's."""
    hooks = settings.circleci.hooks
    return Access(secrets=hooks.secrets, url_tokens=hooks.url_tokens)


def _packed(settings: "Config") -> str:
    """For the pipe between two processes of ours, and nowhere else: the secrets are in it."""
    hooks = settings.circleci.hooks
    return json.dumps(
        {
            "store": settings.store.reveal(),
            "secrets": [secret.reveal() for secret in hooks.secrets],
            "url_tokens": [token.reveal() for token in hooks.url_tokens],
            "masked": settings.masker.reveal(),
        }
    )


def _unpacked(text: str) -> WebSettings:
    told = json.loads(text)
    return WebSettings(
        store=Secret(told["store"]),
        access=Access(
            secrets=tuple(map(Secret, told["secrets"])), url_tokens=tuple(map(Secret, told["url_tokens"]))
        ),
        masker=Masker(told["masked"]),
    )


def main(path: str) -> int:
    from relay import wiring

    try:
        print(_packed(wiring.load_last_good(path)))
    except RelayError as error:
        print(error, file=sys.stderr)
        return CANNOT
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
