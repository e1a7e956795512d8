"""What Telegram's answers mean, and what to do about them."""

from collections.abc import Mapping
from typing import Any

from relay.errors import DeliveryError
from relay.markup import clean, one_line
from relay.model import Answer
from relay.transport import Reply, failure, judge

# The API has no codes, only words: https://github.com/TelegramBotAPI/errors
GONE = (
    "message to edit not found",
    "message can't be edited",
    "message_id_invalid",
    "message identifier is not specified",
)
SAME = "message is not modified"
REMEDIES: Mapping[str, str] = {
    "chat not found": "check `chat_id`, and let the bot into the chat",
    "peer_id_invalid": "check `chat_id`",
    "message thread not found": "check `message_thread_id`",
    "topic_deleted": "the topic is gone; check `message_thread_id`",
    "topic_closed": "open the topic again, or check `message_thread_id`",
    "bot was blocked": "the person has to unblock the bot",
    "bot was kicked": "add the bot to the chat again",
    "bot is not a member": "add the bot to the chat",
    "can't initiate conversation": "the person has to write to the bot first",
    "user is deactivated": "the account is gone",
    "group chat was deleted": "the group is gone",
    "not enough rights": "let the bot send messages there",
    "have no rights": "let the bot send messages there",
    "chat_write_forbidden": "let the bot send messages there",
}
WRONG_TOKEN = {401, 404}  # whatever the chat


def judge_sent(reply: Reply, *, is_direct: bool = False) -> Answer:
    """The receipt names the message and its chat. That one person blocks the bot does not shut it for all."""
    result = _result(reply, is_direct=is_direct)
    chat = result.get("chat")
    ids = {
        "message_id": result.get("message_id"),
        "chat_id": chat.get("id") if isinstance(chat, dict) else None,
    }
    receipt = {name: str(value) for name, value in ids.items() if value is not None}
    return Answer(status=reply.status, excerpt=reply.excerpt, receipt=receipt)


def judge_edit(reply: Reply, *, is_direct: bool = False) -> Answer:
    """Without a receipt when the message is gone or can no longer be edited."""
    words = _description(reply).lower()
    if any(each in words for each in GONE):
        return Answer(status=reply.status, excerpt=reply.excerpt)
    if SAME not in words:
        _result(reply, is_direct=is_direct)
    return Answer(status=reply.status, excerpt=reply.excerpt, receipt={"edited": "yes"})


def _result(reply: Reply, *, is_direct: bool = False) -> dict[str, Any]:
    """What a good answer holds. Raises for the others."""
    said = reply.json()
    if not isinstance(said, dict):
        judge(reply)
        raise DeliveryError("Telegram's answer is not JSON", status=reply.status, excerpt=reply.excerpt)
    if said.get("ok") is True:
        result = said.get("result")
        return result if isinstance(result, dict) else {}
    raise _refusal(reply, said, is_direct=is_direct)


def _refusal(reply: Reply, said: Mapping[str, Any], *, is_direct: bool) -> DeliveryError:
    words = _description(reply) or "no reason"
    remedy = _remedy(reply.status, words.lower(), _new_chat(said))
    told = f"Telegram says {words}" + (f" ({remedy})" if remedy else "")
    if reply.status in WRONG_TOKEN:
        return failure(reply, told, is_dead=True)
    is_shut = remedy is not None or reply.status == 403
    return failure(reply, told, is_dead=is_shut and not is_direct)


def _remedy(status: int, words: str, new_chat: int | None) -> str | None:
    if status in WRONG_TOKEN:
        return "check `token`"
    if new_chat is not None:
        return f"set `chat_id` to {new_chat}"
    return next((remedy for said, remedy in REMEDIES.items() if said in words), None)


def _description(reply: Reply) -> str:
    said = reply.json()
    words = said.get("description") if isinstance(said, dict) else None
    return one_line(clean(words))[:200] if isinstance(words, str) else ""


def _new_chat(said: Mapping[str, Any]) -> int | None:
    """A group that became a supergroup has another number."""
    parameters = said.get("parameters")
    new = parameters.get("migrate_to_chat_id") if isinstance(parameters, dict) else None
    return new if isinstance(new, int) else None
