"""The randomised share: decisions taken against the odds, so that what is learnt stays unbiased."""

from hashlib import blake2b

_WHOLE = 2.0**64


def explore(key: str, share: float) -> bool:
    """Whether `key` (a root build, say) is one of the `share` (0 to 1) decided by lot (odds.md 7).

    The same key always gets the same answer, on every machine; a larger share holds all of a smaller one.
    """
    digest = blake2b(key.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) / _WHOLE < share
