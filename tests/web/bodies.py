"""Small webhooks of each generation, for tests of the accept path."""

import json
from typing import Any

from relay.secret import Secret
from relay.signature import sign

SECRET = Secret("a secret")
TOKEN = Secret("a-token")
JSON = "application/json"


def modern(id: str = "event-1", type: str = "workflow-completed", **more: Any) -> bytes:
    return json.dumps({"id": id, "type": type, "project": {"slug": "gh/acme/api"}, **more}).encode()


def ping(id: str = "ping-1") -> bytes:
    return modern(id, "ping")


def classic(number: int = 1, outcome: str = "failed", **more: Any) -> bytes:
    build = {
        "build_num": number,
        "outcome": outcome,
        "vcs_url": "https://github.com/acme/api",
        "username": "acme",
        "reponame": "api",
        **more,
    }
    return json.dumps({"payload": build}).encode()


def signed(body: bytes, secret: Secret = SECRET) -> dict[str, str]:
    return {"Content-Type": JSON, "Circleci-Signature": sign(body, secret)}


UNSIGNED = {"Content-Type": JSON}
