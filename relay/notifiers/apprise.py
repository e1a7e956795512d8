"""Every other service, through the Apprise library (https://github.com/caronc/apprise): plain text only.

The library is an optional extra and loaded on first use. It tells neither HTTP answers nor message ids, so
there is no editing, no threading and no Retry-After.
"""

import re
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from relay.errors import DeliveryError
from relay.markup import PLAIN
from relay.model import Answer, Level, Message
from relay.notifiers.base import Notifier, Outgoing
from relay.secret import Masker, Secret
from relay.transport import Transport
from relay.transport.answers import DEAD, REASONS, excerpt

if TYPE_CHECKING:
    import apprise

MISSING: Final = "the library is missing: pip install 'relay[apprise]'"
TITLE = 250  # characters; the services behind differ, and Apprise cuts to what each takes
BODY = 3500
MOST_MENTIONS = 20
SECRET_PART = 6  # a part of an address as long as this is taken for a secret

TYPES: Mapping[Level, str] = {
    Level.GOOD: "success",
    Level.BAD: "failure",
    Level.WARNING: "warning",
    Level.INFO: "info",
}
# What pings, links or calls in one service or another: @channel, @**all**, <!here>, <users/all>, [x](http://…)
_LIVELY = re.compile(r"(?<!\w)@(?=[\w*])|<(?=[!@#\w])|\](?=\()")
_HTTP_STATUS = re.compile(r"error=(\d{3})\b")


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, (str, Secret)) else value


_SCHEMA = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
Secrets = Annotated[tuple[Secret, ...], BeforeValidator(_listed), WithJsonSchema(_SCHEMA)]


class Apprise(Notifier):
    """Sends plain text to one of Apprise's services."""

    markup: ClassVar[str] = "plain"
    rate: ClassVar[float | None] = 1.0
    burst: ClassVar[int] = 3
    in_flight: ClassVar[int | None] = 2

    type: Literal["apprise"] = "apprise"
    url: Secrets = Field(
        description="Apprise's address of the service, or a list. A list is one delivery: it is not repeated "
        "when some of them took it."
    )

    @model_validator(mode="after")
    def _can_be_sent(self) -> "Apprise":
        if find_spec("apprise") is None:
            raise ValueError(MISSING)
        if not self.url:
            raise ValueError("url is empty")
        for number, url in enumerate(self.url, 1):
            if _service(url) is None:
                raise ValueError(f"url number {number} is none that Apprise understands")
        return self

    def destination(self) -> str:
        return self._destination_of(*self.url)

    def remarks(self) -> tuple[str, ...]:
        schemes = (url.reveal().partition("://")[0] for url in self.url)
        return (", ".join(dict.fromkeys(schemes)),)

    def payload(self, message: Message, outgoing: Outgoing) -> dict[str, str]:
        """What Apprise is told. Never without a format: it would let strangers' mark-up through."""
        body = "\n\n".join(part for part in _parts(message, outgoing) if part) or message.title
        return {
            "title": PLAIN.cut(_inert(message.title), TITLE),
            "body": PLAIN.cut(_inert(body), BODY),
            "notify_type": TYPES[message.level],
            "body_format": "text",
        }

    def send(self, message: Message, outgoing: Outgoing, transport: Transport) -> Answer:
        """Apprise connects by itself, so the transport is left aside; it gives up after `timeout`."""
        if find_spec("apprise") is None:
            raise DeliveryError(MISSING, permanent=True)
        import apprise

        services = apprise.Apprise(asset=_asset())
        for service in filter(None, map(_service, self.url)):
            services.add(service)
        result = services.notify(**self.payload(message, outgoing), timeout=self.seconds)  # type: ignore[arg-type]  # its types want enums where it takes words too
        return _answer(result, Masker(_secrets_in(self.url)))


def _asset() -> "apprise.AppriseAsset":
    """No limit of its own for each service: that of the whole attempt is enough."""
    import apprise

    return apprise.AppriseAsset(service_timeout=0, http_redirects=False, app_id="relay", app_desc="relay")


def _service(url: Secret) -> "apprise.NotifyBase | None":
    """What sends there, cutting what is too long unless the address says otherwise; None for nonsense."""
    import apprise

    service = apprise.Apprise.instantiate(url.reveal(), asset=_asset(), suppress_exceptions=True)
    if service is not None and "overflow=" not in url.reveal():
        service.overflow_mode = apprise.OverflowMode.TRUNCATE
    return service


def _inert(text: str) -> str:
    """The text with an invisible blank where a service behind Apprise might read more than text."""
    return _LIVELY.sub("\\g<0>\u200b", text)


def _parts(message: Message, outgoing: Outgoing) -> Iterator[str]:
    yield message.body
    yield "\n".join(f"{fact.name}: {fact.value}" for fact in message.facts)
    yield "\n".join(f"{button.text}: {button.url}" for button in message.buttons)
    names = ", ".join(person.key for person in outgoing.mentions[:MOST_MENTIONS])
    yield f"For {names}" if names else ""
    yield message.footer


def _answer(result: "apprise.AppriseResult", mask: Masker) -> Answer:
    """Done when one took it, as another try would tell that one twice."""
    failed = [(each.name, _log_of(each)) for each in result.results if not each]
    said = mask(excerpt("; ".join(f"{name}: {log}" for name, log in failed)))
    if result or result.success_count:
        return Answer(excerpt=said)
    statuses = {_status_in(log) for _, log in failed}
    is_dead = bool(statuses) and all(status in DEAD for status in statuses)
    status = next(iter(statuses)) if len(statuses) == 1 else None
    raise DeliveryError(_words(said, status), is_dead=is_dead, status=status, excerpt=said)


def _words(said: str, status: int | None) -> str:
    reason = REASONS.get(status or 0)
    return f"Apprise: {said or 'not sent'}" + (f" ({reason})" if reason else "")


def _log_of(result: "apprise.NotifyResult") -> str:
    """What Apprise wrote while it tried."""
    return " ".join(entry.message for entry in result.logs()) or "no reason given"


def _status_in(log: str) -> int | None:
    found = _HTTP_STATUS.search(log)
    return int(found[1]) if found else None


def _secrets_in(urls: tuple[Secret, ...]) -> Iterator[str]:
    """Whatever of an address an error may repeat."""
    for url in urls:
        text = url.reveal()
        yield text
        yield from (part for part in re.split(r"[/:@?&=#,]+", text) if len(part) >= SECRET_PART)
