"""Who may post webhooks, as a table."""

import pytest

from relay.model import Generation
from relay.secret import Secret
from relay.signature import sign
from relay.web.access import Access, Proof, Reason, Refused, demand, is_loopback, prove, refusal_to_start

BODY = b'{"id": "event-1", "type": "workflow-completed"}'
SECRET, OLD_SECRET, TOKEN = Secret("a secret"), Secret("an old secret"), Secret("a-token")
SECRETS = Access(secrets=(SECRET, OLD_SECRET))
TOKENS = Access(url_tokens=(Secret("another-token"), TOKEN))
BOTH = Access(secrets=(SECRET,), url_tokens=(TOKEN,))
NOTHING = Access()

GOOD = sign(BODY, SECRET)
WRONG = "v1=" + "0" * 64
MODERN, CLASSIC, LOOKALIKE = Generation.MODERN, Generation.CLASSIC, Generation.LOOKALIKE


def verdict(access: Access, signature: str | None, token: bytes, generation: Generation) -> Proof | Reason:
    try:
        proof = prove(access, BODY, signature, token)
        demand(access, proof, generation)
    except Refused as error:
        return error.reason
    return proof


CASES = {
    "signed modern": (SECRETS, GOOD, b"", MODERN, Proof.SIGNATURE),
    "signed with the old secret": (SECRETS, sign(BODY, OLD_SECRET), b"", MODERN, Proof.SIGNATURE),
    "signed by a stranger": (SECRETS, sign(BODY, Secret("theirs")), b"", MODERN, Reason.WRONG_SIGNATURE),
    "wrong signature": (SECRETS, WRONG, b"", MODERN, Reason.WRONG_SIGNATURE),
    "empty signature": (SECRETS, "", b"", MODERN, Reason.WRONG_SIGNATURE),
    "malformed signature": (SECRETS, "v1==;,=é\udcff", b"", MODERN, Reason.WRONG_SIGNATURE),
    "signature of another version": (SECRETS, GOOD.replace("v1", "v2"), b"", MODERN, Reason.WRONG_SIGNATURE),
    "unsigned modern": (SECRETS, None, b"", MODERN, Reason.NO_SIGNATURE),
    "unsigned classic without tokens": (SECRETS, None, b"", CLASSIC, Reason.NO_SIGNATURE),
    "token where none is configured": (SECRETS, None, b"a-token", CLASSIC, Reason.NO_SIGNATURE),
    "signed classic": (SECRETS, GOOD, b"", CLASSIC, Proof.SIGNATURE),
    "modern with token": (TOKENS, None, b"a-token", MODERN, Proof.TOKEN),
    "classic with token": (TOKENS, None, b"a-token", CLASSIC, Proof.TOKEN),
    "look-alike with token": (TOKENS, None, b"a-token", LOOKALIKE, Proof.TOKEN),
    "signature we cannot check, with token": (TOKENS, WRONG, b"a-token", MODERN, Proof.TOKEN),
    "wrong token": (TOKENS, None, b"a-tokem", CLASSIC, Reason.WRONG_TOKEN),
    "token with more behind it": (TOKENS, None, b"a-token/", CLASSIC, Reason.WRONG_TOKEN),
    "token of bytes that are no text": (TOKENS, None, b"\xff\xfe", CLASSIC, Reason.WRONG_TOKEN),
    "no token": (TOKENS, None, b"", CLASSIC, Reason.NO_TOKEN),
    "both: signed modern": (BOTH, GOOD, b"", MODERN, Proof.SIGNATURE),
    "both: modern with token only": (BOTH, None, b"a-token", MODERN, Reason.NO_SIGNATURE),
    "both: classic with token": (BOTH, None, b"a-token", CLASSIC, Proof.TOKEN),
    "both: look-alike with token": (BOTH, None, b"a-token", LOOKALIKE, Proof.TOKEN),
    "both: signed classic": (BOTH, GOOD, b"", CLASSIC, Proof.SIGNATURE),
    "both: nothing": (BOTH, None, b"", CLASSIC, Reason.NO_SIGNATURE),
    "both: signed but wrong token": (BOTH, GOOD, b"wrong", MODERN, Reason.WRONG_TOKEN),
    "both: wrong signature but token": (BOTH, WRONG, b"a-token", CLASSIC, Reason.WRONG_SIGNATURE),
    "nothing configured": (NOTHING, None, b"", CLASSIC, Proof.NONE_WANTED),
    "nothing configured, signed": (NOTHING, WRONG, b"x", MODERN, Proof.NONE_WANTED),
}


@pytest.mark.parametrize(
    ("access", "signature", "token", "generation", "expected"), CASES.values(), ids=CASES.keys()
)
def test_what_is_configured_decides_who_comes_in(
    access: Access, signature: str | None, token: bytes, generation: Generation, expected: Proof | Reason
) -> None:
    assert verdict(access, signature, token, generation) is expected


def test_an_empty_secret_or_token_lets_nobody_in() -> None:
    access = Access(secrets=(Secret(""), SECRET), url_tokens=(Secret(""), TOKEN))

    assert access == BOTH


def test_the_refusal_of_an_unsigned_webhook_explains_url_tokens() -> None:
    with pytest.raises(Refused, match=r"configure circleci\.hooks\.url_tokens and post them to"):
        prove(SECRETS, BODY, None, b"")


@pytest.mark.parametrize(
    ("bind", "expected"),
    [
        ("127.0.0.1:8080", True),
        ("localhost:8080", True),
        ("[::1]:8080", True),
        ("unix:/run/relay.sock", True),
        ("0.0.0.0:8080", False),
        ("[::]:8080", False),
        (":8080", False),
        ("relay.example.com:80", False),
    ],
)
def test_loopback_is_what_only_this_machine_reaches(bind: str, expected: bool) -> None:
    assert is_loopback(bind) is expected


def test_an_open_relay_refuses_to_start() -> None:
    assert refusal_to_start(NOTHING, "0.0.0.0:8080", insecure=False) == (
        "anybody who reaches 0.0.0.0:8080 could post webhooks: set circleci.hooks.secrets (signed webhooks) "
        "or circleci.hooks.url_tokens (classic ones), bind to 127.0.0.1, or set server.insecure: true"
    )


@pytest.mark.parametrize(
    ("access", "bind", "insecure"),
    [(SECRETS, "0.0.0.0:80", False), (TOKENS, "0.0.0.0:80", False), (NOTHING, "0.0.0.0:80", True)],
    ids=["secrets", "tokens", "on purpose"],
)
def test_a_relay_that_asks_for_proof_or_was_told_not_to_may_start(
    access: Access, bind: str, insecure: bool
) -> None:
    assert refusal_to_start(access, bind, insecure) is None
