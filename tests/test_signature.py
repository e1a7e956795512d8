"""Signatures: CircleCI's own test vectors, malformed headers, several secrets, Standard Webhooks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.secret import Secret
from relay.signature import sign, sign_standard, standard_key, verify, verify_standard

BODY = b'{"type":"ping"}'
SECRET = Secret("hunter123")
GOOD = sign(BODY, SECRET)
HEX = GOOD.removeprefix("v1=")

VECTORS = [
    ("hello world", "secret", "734cc62f32841568f45715aeb9f4d7891324e6d948e4c6c60c0621cdac48623a"),
    ("lalala", "another-secret", "daa220016c8f29a8b214fbfc3671aeec2145cfb1e6790184ffb38b6d0425fa00"),
    (
        "an-important-request-payload",
        "hunter123",
        "9be2242094a9a8c00c64306f382a7f9d691de910b4a266f67bd314ef18ac49fa",
    ),
    ("foo", "secret", "773ba44693c7553d6ee20f61ea5d2757a9a4f4a44d2841ae4e95b52e4cd62db4"),
]


@pytest.mark.parametrize(("body", "secret", "digest"), VECTORS, ids=[body for body, _, _ in VECTORS])
def test_known_signatures_are_made_and_accepted(body: str, secret: str, digest: str) -> None:
    assert sign(body.encode(), Secret(secret)) == f"v1={digest}"
    assert verify(body.encode(), f"v1={digest}", [Secret(secret)])


@pytest.mark.parametrize(
    "header",
    [
        f"v1={HEX},v2=0011",
        f"v2=0011, v1={HEX}",
        f" v1={HEX} , v3=",
        f"v1={'0' * 64},v1={HEX}",
    ],
    ids=["other version after", "space after the comma", "spaces all over", "two of version 1"],
)
def test_a_list_with_a_right_v1_is_accepted(header: str) -> None:
    assert verify(BODY, header, [SECRET])


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        ",",
        "=",
        "v1",
        "v1=",
        HEX,
        f"v2={HEX}",
        f"V1={HEX}",
        f"v1={HEX}=",
        f"v1=={HEX}",
        f"v1={HEX.upper()}",
        f"v1={HEX[:-1]}",
        f"v1={'0' * 64}",
        "v1=é\udcff\x00",
        "v1=" + "a" * 100_000,
    ],
)
def test_anything_else_is_refused_without_an_error(header: str | None) -> None:
    assert verify(BODY, header, [SECRET]) is False


def test_any_of_several_secrets_may_match() -> None:
    assert verify(BODY, GOOD, [Secret("new"), SECRET])


def test_no_secret_verifies_nothing() -> None:
    assert verify(BODY, GOOD, []) is False


def test_an_empty_secret_verifies_nothing() -> None:
    assert verify(BODY, sign(BODY, Secret("")), [Secret("")]) is False


def test_one_changed_byte_is_refused() -> None:
    assert verify(BODY + b" ", GOOD, [SECRET]) is False


def test_the_raw_bytes_count_whatever_they_are() -> None:
    body = b"\xff\xfe\x00 not text"

    assert verify(body, sign(body, SECRET), [SECRET])


def test_a_secret_of_any_characters_can_sign() -> None:
    secret = Secret("pässwörd \udcff")

    assert verify(BODY, sign(BODY, secret), [secret])


@given(body=st.binary(), header=st.text(), secret=st.text())
def test_no_header_makes_it_raise(body: bytes, header: str, secret: str) -> None:
    assert verify(body, header, [Secret(secret)]) is False


def standard_headers(secret: Secret, timestamp: int = 1_700_000_000) -> dict[str, str]:
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(timestamp),
        "webhook-signature": "v1,AAAA " + sign_standard("msg_1", timestamp, BODY, secret),
    }


def test_the_published_example_of_standard_webhooks_is_signed_as_published() -> None:
    secret = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")  # public, from the standard's documentation

    signature = sign_standard("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}', secret)

    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("text", ["plain text", "whsec_c2VjcmV0IGtleQ=="], ids=["plain", "whsec"])
def test_a_standard_message_is_verified(text: str) -> None:
    secret = Secret(text)

    assert verify_standard(standard_headers(secret), BODY, [Secret("old"), secret], 1_700_000_100)


def test_a_standard_message_of_another_secret_is_refused() -> None:
    assert not verify_standard(standard_headers(Secret("theirs")), BODY, [Secret("ours")], 1_700_000_000)


def test_a_standard_message_that_is_too_old_is_refused() -> None:
    assert not verify_standard(standard_headers(SECRET), BODY, [SECRET], 1_700_000_301)


@pytest.mark.parametrize("stamp", ["", "now", "-5", "1" * 5_000, "٣"])
def test_a_standard_message_without_a_usable_time_is_refused(stamp: str) -> None:
    headers = {**standard_headers(SECRET), "webhook-timestamp": stamp}

    assert not verify_standard(headers, BODY, [SECRET], 1_700_000_000)


def test_a_standard_message_without_headers_is_refused() -> None:
    assert not verify_standard({}, BODY, [SECRET], 0)


def test_a_secret_that_claims_base64_and_is_not_is_an_error() -> None:
    with pytest.raises(ValueError, match="what follows whsec_ is not base64"):
        standard_key(Secret("whsec_***"))
