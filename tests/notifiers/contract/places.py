"""Real servers for the contract suite: a notifier set up to speak to one, and what it got there."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from typing import Any

from relay import notifiers
from relay.model import Answer, Message
from relay.notifiers.base import Notifier, Outgoing
from relay.transport import Transport
from tests.factories import NOON
from tests.fakes.mail import MailServer
from tests.fakes.sink import Request, Sink
from tests.notifiers.contract.contract import SECRET, Contract, Refusal


@dataclass(frozen=True, kw_only=True)
class Place:
    """A notifier and the server it speaks to."""

    notifier: Notifier
    transport: Transport
    taken: Callable[[], Sequence[Request]]  # everything it was told

    def send(self, message: Message, outgoing: Outgoing) -> Answer:
        return self.notifier.send(message, outgoing, self.transport)


def make(name: str, contract: Contract, url: str, **more: Any) -> Notifier:
    return notifiers.types()[name].model_validate({"type": name, **contract.options(url), **more})


def idle(name: str, contract: Contract, **more: Any) -> Notifier:
    """One that is not going to send anything."""
    url = f"smtp://ci:{SECRET}@127.0.0.1:9" if contract.over == "mail" else "http://127.0.0.1:9"
    return make(name, contract, url, **more)


@contextmanager
def open_place(name: str, contract: Contract, refusal: Refusal | None = None, **more: Any) -> Iterator[Place]:
    """With a refusal the server answers nothing else. `more`: further options of the notifier."""
    opened = {"http": _http, "mail": _mail, "screen": _screen}[contract.over]
    with opened(name, contract, refusal, more) as place:
        try:
            yield place
        finally:
            place.transport.close()


@contextmanager
def _http(name: str, contract: Contract, refusal: Refusal | None, more: Mapping[str, Any]) -> Iterator[Place]:
    with Sink(default=refusal.play if refusal else contract.answer) as sink:
        yield Place(
            notifier=make(name, contract, sink.url, **more),
            transport=Transport(clock=lambda: NOON),
            taken=lambda: [each for each in sink.requests if each.body],
        )


@contextmanager
def _mail(name: str, contract: Contract, refusal: Refusal | None, more: Mapping[str, Any]) -> Iterator[Place]:
    with MailServer(at_data=refusal.said if refusal else "250 OK", login=("ci", SECRET)) as server:

        def taken() -> Sequence[Request]:
            return [
                Request(method="MAIL", path=",".join(mail.recipients), body=mail.content)
                for mail in server.mails
            ]

        url = f"smtp://ci:{SECRET}@127.0.0.1:{server.port}"
        yield Place(notifier=make(name, contract, url, **more), transport=Transport(), taken=taken)


@contextmanager
def _screen(
    name: str, contract: Contract, _refusal: Refusal | None, more: Mapping[str, Any]
) -> Iterator[Place]:
    screen = StringIO()

    def taken() -> Sequence[Request]:
        return [Request(method="SHOW", path="", body=screen.getvalue().encode())]

    yield Place(notifier=make(name, contract, "", **more), transport=Transport(stream=screen), taken=taken)
