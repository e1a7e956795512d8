"""What PagerDuty's answers mean."""

from relay.errors import DeliveryError
from relay.markup import clean, one_line
from relay.model import Answer
from relay.transport import Reply, failure, judge

# https://developer.pagerduty.com/docs/events-api-v2/overview
PAUSE = 60.0  # seconds; PagerDuty does not tell how long to wait
LONGEST_REASON = 300  # characters
NO_REASON = "the event is not valid"


def judge_event(reply: Reply) -> Answer:
    """202 is accepted. A refused key is the end of it; whatever else is wrong is this event's."""
    if reply.status == 400:
        said = _said(reply)
        is_key = "routing_key" in said or "routing key" in said.lower()
        remedy = " (check `routing_key`)" if is_key else ""
        raise failure(reply, f"PagerDuty says {said}{remedy}", permanent=True, is_dead=is_key)
    if reply.status == 429:
        error = failure(reply)
        raise DeliveryError(
            str(error),
            retry_after=PAUSE if error.retry_after is None else error.retry_after,
            status=reply.status,
            excerpt=reply.excerpt,
        )
    return judge(reply)


def _said(reply: Reply) -> str:
    """`Event object is invalid: Length of 'routing_key' is incorrect`."""
    body = reply.json()
    if not isinstance(body, dict):
        return NO_REASON
    errors = body.get("errors")
    texts = [body.get("message"), *(errors[:3] if isinstance(errors, list) else ())]
    return one_line(clean(": ".join(str(text) for text in texts if text)))[:LONGEST_REASON] or NO_REASON
