"""Calls an address of one's own, such as one that takes down a preview."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from relay.actions.base import Action, Doing, Tools, noted
from relay.actions.parts.addresses import compile_address
from relay.actions.parts.options import Template
from relay.markup import PLAIN, Json
from relay.model import Answer, Event
from relay.sandbox import AsIs, compile_template, environment, names_of
from relay.secret import Secret

JSON = "application/json"
DIGEST = 12  # hexadecimal digits: enough to tell destinations apart
KEY = "Idempotency-Key"  # the delivery's id, the same on every attempt


class Http(Action):
    """Calls an address. What an event tells goes into it percent-encoded."""

    needs_circleci: ClassVar[bool] = False
    longest: ClassVar[float] = 10.0
    rate: ClassVar[float | None] = None

    type: Literal["http"] = "http"
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = Field(
        default="POST", description="The method of the request."
    )
    url: Secret = Field(description="A template; https, unless `allow_private`.")
    headers: Mapping[str, Secret] = Field(default_factory=dict, description="Headers to send.")
    body: Template | None = Field(
        default=None,
        description="A template. Values go into it as inside JSON texts, unless `headers` name another"
        " Content-Type.",
    )
    allow_private: bool = Field(default=False, description="Lets `url` be http or lead to a private address.")

    @model_validator(mode="after")
    def _can_be_asked(self) -> "Http":
        text = self.url.reveal()
        compile_address(text)
        if not self.allow_private and not text.startswith("https://"):
            raise ValueError("url has to begin with https:// (or http:// with allow_private: true)")
        if "{" in text.split("/")[2]:
            raise ValueError("the host of url cannot come from an event")
        return self

    def texts(self) -> Iterable[str]:
        return (self.url.reveal(), *((self.body,) if self.body else ()))

    def destination(self) -> str:
        origin = urlsplit(self.url.reveal().partition("{")[0])
        digest = hashlib.sha256(f"{origin.scheme}://{origin.netloc}".encode()).hexdigest()[:DIGEST]
        return f"{self.type}:{digest}"

    def would(self, event: Event) -> str:
        return f"would call {self._where()} with {self.method}"

    def act(self, doing: Doing, tools: Tools) -> Answer:
        answer = tools.transport.post(
            compile_address(self.url.reveal())(doing.event),
            body=self._content(doing.event),
            headers=self._all_headers(doing),
            timeout=self.seconds,
            allow_private=self.allow_private,
            secrets=(self.url,),
            method=self.method,
        )
        text = f"{self.method} {self._where()} answered {answer.status}"
        tools.note(noted(doing.name, self.type, text))
        said = f"{text}: {answer.excerpt}" if answer.excerpt else text
        return Answer(status=answer.status, excerpt=said)

    def _where(self) -> str:
        """Its host: the rest may hold secrets."""
        return urlsplit(self.url.reveal().partition("{")[0]).hostname or ""

    def _content(self, event: Event) -> bytes | None:
        if self.body is None:
            return None
        within = environment(Json(PLAIN) if self._is_json() else AsIs())
        return compile_template(self.body, within)(names_of(event)).encode("utf-8", "replace")

    def _is_json(self) -> bool:
        kinds = [value.reveal() for name, value in self.headers.items() if name.lower() == "content-type"]
        return not kinds or kinds[0].lower().startswith(JSON)

    def _all_headers(self, doing: Doing) -> dict[str, str | Secret]:
        names = {name.lower() for name in self.headers}
        ours = {KEY: doing.delivery_id, **({"Content-Type": JSON} if self.body is not None else {})}
        return {**{name: value for name, value in ours.items() if name.lower() not in names}, **self.headers}
