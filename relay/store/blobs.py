"""How values are packed into columns, and what text from strangers is made into before it is a key."""

import hashlib
import zlib
from typing import Any

import msgspec

from relay.model import Event

LEVEL = 1  # 10 KB of JSON become 1.5 KB in 24 microseconds; higher levels pay little
LONGEST_KEY = 240  # characters; PostgreSQL refuses index entries over about 2,700 bytes
LONGEST_TEXT = 500  # characters kept of a field people search by
LONGEST_ERROR = 2000
BIGGEST_NUMBER = 2**63 - 1


def pack(body: bytes) -> bytes:
    return zlib.compress(body, LEVEL)


def unpack(blob: bytes) -> bytes:
    return zlib.decompress(blob)


def pack_json(value: Any) -> bytes:
    """Packed JSON of anything made of dataclasses, mappings and plain values."""
    try:
        return pack(msgspec.json.encode(value, enc_hook=str))
    except UnicodeEncodeError:
        return pack(msgspec.json.encode(_scrubbed(msgspec.to_builtins(value, enc_hook=str))))


def unpack_json(blob: bytes | None) -> Any:
    return None if blob is None else msgspec.json.decode(unpack(blob))


def unpack_event(blob: bytes) -> Event:
    return _EVENT.decode(unpack(blob))


def clean(text: str | None, longest: int = LONGEST_TEXT) -> str | None:
    """Text every database takes: no NUL, no half of a surrogate pair, no more than `longest` characters."""
    if text is None:
        return None
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")[:longest]


def key_of(text: str) -> str:
    """The text itself while it is fit to be a key, else a short name that is the same for the same text."""
    if len(text) <= LONGEST_KEY and text.isascii() and "\0" not in text:
        return text
    if len(text) <= LONGEST_KEY // 4 and clean(text) == text:
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"sha256:{digest}"


def optional_key(text: str | None) -> str | None:
    return None if text is None else key_of(text)


def whole(number: int | None) -> int | None:
    """A number both databases can hold, or None."""
    return number if number is not None and abs(number) <= BIGGEST_NUMBER else None


def _scrubbed(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_scrubbed(key): _scrubbed(inner) for key, inner in value.items()}
    return [_scrubbed(inner) for inner in value] if isinstance(value, list | tuple) else value


_EVENT = msgspec.json.Decoder(Event)
