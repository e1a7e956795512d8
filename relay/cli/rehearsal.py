"""Messages as they would go out, without a place in the queue: for `explain --payload` and `send-test`."""

from datetime import datetime
from email.message import EmailMessage
from typing import Any

from relay import pipeline
from relay.cli.output import json_text, masked, plain, visible_lines
from relay.model import Event
from relay.pipeline import Relay
from relay.planning import NewDelivery
from relay.store import Claim, Step, StoredDelivery, as_stored

NOBODY = "nobody"  # the worker of a claim that is none


def claim_of(delivery: StoredDelivery) -> Claim:
    """A first attempt at it."""
    return Claim(
        id=0,
        step=Step.DELIVER,
        ref=delivery.id,
        destination=delivery.destination,
        lane=delivery.lane,
        attempt=1,
        worker=NOBODY,
        lost=False,
        grouped=False,
    )


def payload_of(new: NewDelivery, event: Event, relay: Relay, now: datetime) -> Any:
    """What the notifier would send: a text, or plain values for JSON."""
    delivery = as_stored(new, event, now)
    notifier = pipeline.notifier_of(delivery, relay)
    message = pipeline.render(delivery, notifier, relay, now)
    payload = notifier.payload(message, pipeline.outgoing(claim_of(delivery), delivery, relay, now))
    sent = _mail_text(payload) if isinstance(payload, EmailMessage) else plain(payload)
    return masked(sent, relay.config.masker)


def shown(payload: Any) -> str:
    """The payload for reading."""
    return visible_lines(payload) if isinstance(payload, str) else json_text(payload)


def _mail_text(mail: EmailMessage) -> str:
    """Headers and the text part, decoded."""
    headers = "\n".join(f"{name}: {value}" for name, value in mail.items() if name != "Content-Type")
    body = mail.get_body(("plain",))
    text = body.get_content() if body else ""
    return f"{headers}\n\n{text}".rstrip("\n")
