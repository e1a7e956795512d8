"""Opens a webhook's body: which kind of thing is inside, and where.

    {"type": …, "id": …, …}       modern, ping and types not known yet
    {"payload": {build}}          classic
    {"payload": {no build_num}}   look-alike, written by a script
    {"payload": "{build}"}        look-alike
    payload=%7Bbuild%7D           look-alike, form-encoded
    {build}                       look-alike, flat

Only the fields named in `Head` are looked at, so that it costs little on the accept path.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from relay.errors import PayloadError
from relay.model import Generation
from relay.payloads import jsontext, lookalikes
from relay.payloads.record import line, number

BOM = b"\xef\xbb\xbf"
FORM = "application/x-www-form-urlencoded"
MOST_FORM_FIELDS = 100


class UnsupportedType(PayloadError):
    """A content type that is neither JSON nor a form: answered with 415."""


class Head(msgspec.Struct):
    """The fields by which a build is known. Each may be of any type."""

    build_num: Any = None
    build_url: Any = None
    vcs_url: Any = None
    username: Any = None
    reponame: Any = None
    outcome: Any = None
    status: Any = None
    CircleBuildNumber: Any = None
    CircleBuildURL: Any = None
    Organization: Any = None
    Repository: Any = None
    RepositoryURL: Any = None
    IsFailed: Any = None
    IsWaitingApproval: Any = None


class _Top(Head):
    type: Any = None
    id: Any = None
    payload: Head | str | int | float | bool | list[Any] | msgspec.UnsetType | None = msgspec.UNSET


_TOP = msgspec.json.Decoder(_Top)
_HEAD = msgspec.json.Decoder(Head)


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """What a body holds, as far as it was read."""

    generation: Generation
    head: Head
    text: bytes  # JSON of an object
    is_wrapped: bool = False  # the build is that object's `payload`
    type: str | None = None  # modern events only, as is `id`
    id: str | None = None

    def read(self) -> dict[str, Any]:
        """The whole build or event."""
        value = jsontext.read(self.text)
        inside = value.get("payload") if self.is_wrapped else value
        return inside if isinstance(inside, dict) else {}


def open_body(body: bytes, content_type: str | None) -> Opened:
    """The build or event in a body, or PayloadError saying why there is none."""
    media = (content_type or "").partition(";")[0].strip().lower()
    if media == FORM and not body.lstrip().startswith(b"{"):
        return _open_text(_form_payload(body))
    if media not in ("application/json", "", FORM, "text/json") and not media.endswith("+json"):
        raise UnsupportedType("unsupported content type: wanted application/json or a form with `payload`")
    return _open_json(body.removeprefix(BOM))


def fields_of(head: Head) -> dict[str, Any]:
    """What is there of the few fields read so far."""
    return {name: value for name in Head.__struct_fields__ if (value := getattr(head, name)) is not None}


def _form_payload(body: bytes) -> str:
    try:
        fields = dict(parse_qsl(body.decode("utf-8", "replace"), max_num_fields=MOST_FORM_FIELDS))
    except ValueError as error:
        raise PayloadError(f"not a form: more than {MOST_FORM_FIELDS} fields") from error
    if "payload" not in fields:
        raise PayloadError("no build: the form has no `payload` field")
    return fields["payload"]


def _open_json(body: bytes) -> Opened:
    text, top = _decode(_TOP, body, "the body")
    kind, name = line(top.type), line(top.id)
    if kind and name:
        return Opened(generation=Generation.MODERN, head=top, text=text, type=kind, id=name)
    if isinstance(top.payload, Head):
        return _open_payload(text, top.payload)
    if isinstance(top.payload, str):
        return _open_text(top.payload)
    if _is_build(top):
        return Opened(generation=Generation.LOOKALIKE, head=top, text=text)
    raise PayloadError(_what_is_missing(top, kind))


def _open_payload(text: bytes, head: Head) -> Opened:
    _demand_build(head)
    is_real = number(head.build_num) is not None
    generation = Generation.CLASSIC if is_real else Generation.LOOKALIKE
    return Opened(generation=generation, head=head, text=text, is_wrapped=True)


def _open_text(payload: str) -> Opened:
    """A build as JSON in a string: how other CI services send theirs."""
    text, head = _decode(_HEAD, payload.encode("utf-8", "ignore").removeprefix(BOM), "`payload`")
    _demand_build(head)
    return Opened(generation=Generation.LOOKALIKE, head=head, text=text)


def _decode(decoder: Any, text: bytes, what: str) -> tuple[bytes, Any]:
    """The fields a decoder names, and the text they came from: the same, or mended if it had to be."""
    if not text.strip():
        raise PayloadError(f"not JSON: {what} is empty")
    try:
        return text, decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        mended = jsontext.mend(text)
    try:
        return mended, decoder.decode(mended)
    except msgspec.ValidationError as error:
        raise PayloadError(f"no build: {what} is {jsontext.kind_of(mended)}, wanted an object") from error


def _is_build(head: Head) -> bool:
    return number(head.build_num) is not None or lookalikes.is_build(fields_of(head))


def _demand_build(head: Head) -> None:
    if not _is_build(head):
        raise PayloadError(
            "no build: `payload` has neither `build_num` nor `build_url`, "
            "nor an `outcome` or `status` with a `vcs_url` or `reponame`"
        )


def _what_is_missing(top: _Top, kind: str | None) -> str:
    if kind:
        return "no event: the body has a `type` but no `id`"
    if top.payload is not msgspec.UNSET:
        return (
            f"no build: `payload` is {jsontext.kind_of(msgspec.json.encode(top.payload))}, wanted an object"
        )
    return 'no build: the body has neither `payload` nor `type`; wanted {"payload": {build}} or an event'
