"""What Discord's answers mean, and what to do about them."""

from collections.abc import Mapping
from dataclasses import replace

from relay.errors import DeliveryError
from relay.markup import one_line
from relay.model import Answer
from relay.transport import Reply, failure, judge

# https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
REMEDIES: Mapping[int, str] = {  # nothing gets through until somebody does what it says
    10003: "the channel or thread is gone; check `thread_id`",
    10015: "the webhook is gone; make a new one",
    50027: "copy the webhook's address again",
    220001: "a forum channel needs `thread_name` or `thread_id`",
    220003: "leave `thread_name` out; only forum channels take it",
}
REFUSED = {20009, 50006, 50035, 200000, 200001, 240000}  # for what the message says
GONE = {
    10003,  # the thread was deleted
    10008,  # the message was deleted
    30046,  # edited too often
    50005,  # written by another webhook
    50083,  # the thread is archived
    160005,  # the thread is locked
}


def judge_api(reply: Reply, *, has_card: bool = False) -> Answer:
    """The message's id as receipt. No status: the card is gone."""
    said = reply.json()
    said = said if isinstance(said, dict) else {}
    code = said.get("code")
    if 400 <= reply.status < 500 and isinstance(code, int) and code:
        if has_card and code in GONE:
            return Answer()
        raise _refusal(reply, code, str(said.get("message") or "no reason given"))
    answer = judge(reply)
    if not said.get("id"):
        raise DeliveryError("Discord's answer is not a message", status=reply.status, excerpt=reply.excerpt)
    return replace(answer, receipt={name: str(said[name]) for name in ("id", "channel_id") if said.get(name)})


def _refusal(reply: Reply, code: int, words: str) -> DeliveryError:
    reason = f"Discord says {code} {one_line(words)[:100]}"
    if code in REMEDIES:
        return failure(reply, f"{reason} ({REMEDIES[code]})", is_dead=True)
    return failure(reply, reason, is_dead=False if code in REFUSED else None)
