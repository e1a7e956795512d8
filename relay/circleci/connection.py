"""How to reach CircleCI: address, token, certificates, proxies, patience."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from relay.circleci.auth import AuthForm
from relay.errors import UsageError
from relay.secret import Secret

CLOUD = "https://circleci.com"
MEGABYTE = 1024 * 1024
_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9a-fA-F:]+\])(:[0-9]{1,5})?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Connection:
    """Settings of a client. Without a token only what is public can be read.

    `base_url` is the host's address; a path like /api/v1.1 at its end is left out. `proxies` maps a scheme
    to a proxy's address, beside what the environment says. Times are seconds.
    """

    base_url: str = CLOUD
    token: Secret | None = None
    auth: AuthForm = AuthForm.HEADER
    ca_bundle: str | None = None  # a file or folder of certificates, for CircleCI Server
    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)  # may hold passwords
    artifact_hosts: tuple[str, ...] = ()  # more hosts the token may go to: "host" or "host:port"
    connect_timeout: float = 5.0
    read_timeout: float = 15.0  # between two bytes
    deadline: float = 30.0  # a whole call with its repeats and waits
    download_deadline: float = 900.0  # a whole file
    largest_answer: int = 32 * MEGABYTE

    @property
    def root(self) -> str:
        """The base URL without slash and API path. Raises UsageError."""
        split = urlsplit(self.base_url.strip())
        if not _HOST.fullmatch(split.netloc) or split.scheme not in {"http", "https"}:
            raise UsageError("the base URL of CircleCI must look like https://circleci.com")
        path = split.path.partition("/api")[0].rstrip("/")
        return f"{split.scheme}://{split.netloc}{path}"
