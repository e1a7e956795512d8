"""What Zulip's answers mean, and what to do about them."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from relay.errors import DeliveryError
from relay.markup import clean, one_line
from relay.model import Answer
from relay.transport import Reply, failure, judge

# https://zulip.com/api/rest-error-handling and the answers of the methods used
OF_TOKEN = {"UNAUTHORIZED", "INVALID_API_KEY", "USER_DEACTIVATED", "REALM_DEACTIVATED"}
REMEDIES: Mapping[str, str] = {
    "UNAUTHORIZED": "check `email` and `token`",
    "INVALID_API_KEY": "check `email` and `token`",
    "USER_DEACTIVATED": "the bot is deactivated",
    "REALM_DEACTIVATED": "the organization is deactivated",
    "STREAM_DOES_NOT_EXIST": "check `channel`; a private one has to have the bot as a subscriber",
}
WRONG_PLACE = {401, 404, 410}  # whatever the channel
SHUT = re.compile(r"not authorized to send|permission to post", re.IGNORECASE)
SHUT_REMEDY = "let the bot post in the channel"


def judge_sent(reply: Reply, *, is_direct: bool = False) -> Answer:
    """The receipt names the message."""
    said = _said(reply)
    if said.get("result") != "success":
        raise _refusal(reply, said, is_direct=is_direct)
    receipt = {"id": str(said["id"])} if isinstance(said.get("id"), int) else {}
    return Answer(status=reply.status, excerpt=reply.excerpt, receipt=receipt)


def judge_edit(reply: Reply, *, is_direct: bool = False) -> Answer:
    """Without a receipt when the message is gone or can no longer be edited: Zulip answers 400 to both."""
    if reply.status == 400:
        return Answer(status=reply.status, excerpt=reply.excerpt)
    return replace(judge_sent(reply, is_direct=is_direct), receipt={"edited": "yes"})


def _said(reply: Reply) -> Mapping[str, Any]:
    said = reply.json()
    if isinstance(said, dict):
        return said
    judge(reply)
    raise DeliveryError("Zulip's answer is not JSON", status=reply.status, excerpt=reply.excerpt)


def _refusal(reply: Reply, said: Mapping[str, Any], *, is_direct: bool) -> DeliveryError:
    code = str(said.get("code") or "")
    words = one_line(clean(str(said.get("msg") or code or "no reason")))[:200]
    remedy = REMEDIES.get(code) or (SHUT_REMEDY if SHUT.search(words) else None)
    told = f"Zulip says {words}" + (f" ({remedy})" if remedy else "")
    if code in OF_TOKEN or reply.status in WRONG_PLACE:
        return failure(reply, told, is_dead=True)
    is_shut = remedy is not None or reply.status == 403
    return failure(reply, told, is_dead=is_shut and not is_direct)
