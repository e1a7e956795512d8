"""Some of CircleCI's answers hold secrets of chat and cloud services: they are shown only when asked for."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import click

from relay.secret import MASK

_SECRET = re.compile(
    "token|secret|passw|private_key|api_?key|keypair|credential|webhook_url|pusher", re.IGNORECASE
)
_TELLING = re.compile(r"(?=.*[0-9]).{12,}|.{24,}")  # a segment of an address that may be a token

secrets_option = click.option(
    "--secrets", "with_secrets", is_flag=True, help="With --json: print the secrets in it, too."
)


def discreet(answer: Any, with_secrets: bool = False) -> Any:
    """The answer with the values of keys that sound secret as ***; flags and empty values stay."""
    if with_secrets:
        return answer
    if isinstance(answer, Mapping):
        return {key: _value(key, value) for key, value in answer.items()}
    if isinstance(answer, (list, tuple)):
        return [discreet(each) for each in answer]
    return answer


def _value(key: str, value: Any) -> Any:
    if value and not isinstance(value, bool) and _SECRET.search(key):
        return MASK
    return discreet(value)


def discreet_address(url: str | None) -> str:
    """The address of a webhook for people: without its query and what may be a token in its path."""
    split = urlsplit(url or "")
    path = "/".join(MASK if _TELLING.fullmatch(part) else part for part in split.path.split("/"))
    host = split.netloc.rpartition("@")[2]
    return f"{split.scheme}://{host}{path}{'?***' if split.query else ''}" if url else ""
