"""Signs and verifies bodies: CircleCI's webhooks coming in, Standard Webhooks going out.

CircleCI: `circleci-signature: v1=<hex>[,v2=…]`, HMAC-SHA256 over the raw body with the secret as UTF-8.
Standard Webhooks (https://www.standardwebhooks.com): `webhook-signature: v1,<base64>[ v1,…]`, HMAC-SHA256
over `<id>.<timestamp>.<body>`.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping, Sequence

from relay.secret import Secret

STANDARD_PREFIX = "whsec_"
STANDARD_TOLERANCE_S = 300  # how far a timestamp may be from now, as the standard's libraries have it


def sign(body: bytes, secret: Secret) -> str:
    """The value CircleCI would put in `circleci-signature`."""
    return f"v1={_hmac(_key(secret), body).hex()}"


def verify(body: bytes, header: str | None, secrets: Sequence[Secret]) -> bool:
    """Whether one of the secrets signed these raw bytes. Never raises; empty secrets sign nothing."""
    expected = [sign(body, secret).encode() for secret in secrets if secret]
    return _any_equal(
        expected, (f"v1={given}".encode("utf-8", "replace") for given in _first_version(header))
    )


def _first_version(header: str | None) -> Iterator[str]:
    """The v1 values of a comma list. Other versions are never trusted."""
    for part in (header or "").split(","):
        version, _, given = part.strip().partition("=")
        if version == "v1":
            yield given


def sign_standard(message_id: str, timestamp: int, body: bytes, secret: Secret) -> str:
    """The value of `webhook-signature`; `timestamp` is in seconds. ValueError: see `standard_key`."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(_hmac(standard_key(secret), signed)).decode()


def verify_standard(
    headers: Mapping[str, str],
    body: bytes,
    secrets: Sequence[Secret],
    now_s: float,
    tolerance_s: float = STANDARD_TOLERANCE_S,
) -> bool:
    """Whether a Standard Webhooks message is authentic and not a replay of an old one. Never raises.

    `headers` are keyed in lower case: webhook-id, webhook-timestamp, webhook-signature.
    """
    stamp = headers.get("webhook-timestamp", "")
    if not (stamp.isascii() and stamp.isdigit() and abs(int(stamp[:15]) - now_s) <= tolerance_s):
        return False
    name = headers.get("webhook-id", "")
    try:
        expected = [sign_standard(name, int(stamp), body, secret).encode() for secret in secrets if secret]
    except ValueError:
        return False
    given = headers.get("webhook-signature", "").split()
    return _any_equal(expected, (part.encode("utf-8", "replace") for part in given))


def standard_key(secret: Secret) -> bytes:
    """The key of `whsec_<base64>`, or the text itself. ValueError when what follows whsec_ is not base64."""
    text = secret.reveal()
    if not text.startswith(STANDARD_PREFIX):
        return _key(secret)
    try:
        return base64.b64decode(text.removeprefix(STANDARD_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("what follows whsec_ is not base64") from error


def _key(secret: Secret) -> bytes:
    return secret.reveal().encode("utf-8", "surrogatepass")


def _hmac(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, body, hashlib.sha256)


def _any_equal(expected: Sequence[bytes], given: Iterable[bytes]) -> bool:
    """Compares every pair in constant time, with no early end that would tell which one matched."""
    matches = [hmac.compare_digest(ours, theirs) for theirs in given for ours in expected]
    return any(matches)
