"""Decides whether a webhook comes from who it should: by signature, by URL token, or by nothing at all.

What is configured decides what is wanted:

    secrets      url_tokens   modern event            classic build
    ──────────   ──────────   ─────────────────────   ─────────────────────────
    yes          no           signature               signature
    no           yes          token                   token
    yes          yes          signature               token or signature
    no           no           anything, so the relay must be private (see `refusal_to_start`)

A wrong signature or a wrong token is refused even where the other proof would do.
"""

import hmac
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address

from relay.model import Generation
from relay.secret import Secret
from relay.signature import verify


class Proof(StrEnum):
    """What a webhook showed for itself."""

    SIGNATURE = "signature"
    TOKEN = "token"  # noqa: S105 - a word, not a token
    NONE_WANTED = "none wanted"


class Reason(StrEnum):
    """Why a webhook is refused; a label of the metrics."""

    WRONG_TOKEN = "wrong_token"  # noqa: S105
    NO_TOKEN = "no_token"  # noqa: S105
    WRONG_SIGNATURE = "wrong_signature"
    NO_SIGNATURE = "no_signature"


SENTENCES = {
    Reason.WRONG_TOKEN: "the token in the URL is not one of circleci.hooks.url_tokens",
    Reason.NO_TOKEN: (
        "no token in the URL; post to /hooks/circleci/<token> with one of circleci.hooks.url_tokens"
    ),
    Reason.WRONG_SIGNATURE: "the circleci-signature header does not fit the body under any configured secret",
    Reason.NO_SIGNATURE: (
        "no circleci-signature header; set the webhook's secret token in CircleCI to one of "
        "circleci.hooks.secrets. Classic webhooks cannot be signed: configure circleci.hooks.url_tokens "
        "and post them to /hooks/circleci/<token>"
    ),
}


class Refused(Exception):
    """A webhook that did not prove where it comes from. The text is safe to answer with."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(SENTENCES[reason])
        self.reason = reason


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """The configured secrets and URL tokens. Empty ones prove nothing and are left out."""

    secrets: tuple[Secret, ...] = ()
    url_tokens: tuple[Secret, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "secrets", tuple(secret for secret in self.secrets if secret))
        object.__setattr__(self, "url_tokens", tuple(token for token in self.url_tokens if token))


def prove(access: Access, body: bytes, signature: str | None, token: bytes | None) -> Proof:
    """What the webhook proves before its body is looked into, or Refused."""
    has_token = _has_token(access, token)
    if access.secrets:
        return _prove_signed(access, body, signature, has_token)
    if access.url_tokens and not has_token:
        raise Refused(Reason.NO_TOKEN)
    return Proof.TOKEN if has_token else Proof.NONE_WANTED


def demand(access: Access, proof: Proof, generation: Generation) -> None:
    """Refused when the proof is not enough for what the body turned out to be."""
    if proof is Proof.TOKEN and access.secrets and generation is Generation.MODERN:
        raise Refused(Reason.NO_SIGNATURE)


def _prove_signed(access: Access, body: bytes, signature: str | None, has_token: bool) -> Proof:
    if signature is None:
        if has_token:
            return Proof.TOKEN
        raise Refused(Reason.NO_SIGNATURE)
    if verify(body, signature, access.secrets):
        return Proof.SIGNATURE
    raise Refused(Reason.WRONG_SIGNATURE)


def _has_token(access: Access, token: bytes | None) -> bool:
    """Whether the URL carries a valid token; Refused when it carries a wrong one."""
    if not access.url_tokens or not token:
        return False
    same = [hmac.compare_digest(token, known.reveal().encode()) for known in access.url_tokens]
    if any(same):
        return True
    raise Refused(Reason.WRONG_TOKEN)


def must_be_private(access: Access) -> bool:
    """Whether nothing is configured that keeps strangers out."""
    return not (access.secrets or access.url_tokens)


def is_loopback(bind: str) -> bool:
    """Whether `host:port` or `unix:path` can be reached from this machine only."""
    host = bind.rpartition(":")[0].strip("[]").lower()
    if bind.startswith("unix:") or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def refusal_to_start(access: Access, bind: str, insecure: bool) -> str | None:
    """Why the relay must not serve like this, or None."""
    if insecure or not must_be_private(access) or is_loopback(bind):
        return None
    return (
        f"anybody who reaches {bind} could post webhooks: set circleci.hooks.secrets (signed webhooks) "
        "or circleci.hooks.url_tokens (classic ones), bind to 127.0.0.1, or set server.insecure: true"
    )
