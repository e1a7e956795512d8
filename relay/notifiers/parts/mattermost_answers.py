"""What Mattermost's answers mean, and what to do about them."""

from collections.abc import Mapping
from dataclasses import replace

from relay.errors import DeliveryError
from relay.model import Answer
from relay.transport import Reply, failure, judge

# The ids of errors, from the server's i18n/en.json. With these nothing gets through until somebody does
# what it says; so it is with every 401, 403 and 404.
REMEDIES: Mapping[str, str] = {
    "api.context.invalid_token.error": "check `token`",
    "api.context.permissions.app_error": "add the bot to the team and to the channel",
    "api.context.session_expired.app_error": "check `token`",
    "api.post.create_post.can_not_post_to_deleted.error": "the channel is archived",
    "app.channel.get.existing.app_error": "the channel is gone; check `channel`",
    "web.incoming_webhook.channel.app_error": "the webhook's channel is gone",
    "web.incoming_webhook.channel_locked.app_error": "the webhook is locked to another channel",
    "web.incoming_webhook.disabled.app_error": "an administrator turned incoming webhooks off",
    "web.incoming_webhook.invalid.app_error": "the webhook is gone; make a new one",
    "web.incoming_webhook.permissions.app_error": "the webhook's owner may not post in the channel",
    "web.incoming_webhook.user.app_error": "the webhook's owner is gone",
}
TOKEN_IDS = {"api.context.invalid_token.error", "api.context.session_expired.app_error"}
PERSON_REMEDY = "check `mattermost` of the person under `people`"
# A 403 or 404 says so as well: the message cannot be edited, or answered, any more.
GONE = {
    "api.post.create_post.root_id.app_error",
    "api.post.update_post.find.app_error",
    "api.post.update_post.permissions_details.app_error",
    "api.post.update_post.permissions_time_limit.app_error",
}
GONE_STATUS = {403, 404}


def judge_api(reply: Reply, *, has_card: bool = False, is_direct: bool = False) -> Answer:
    """The ids of what was made as receipt. No status: the card is gone."""
    said, code = reply.json(), _error_id(reply)
    if code and has_card and (code in GONE or reply.status in GONE_STATUS):
        return Answer()
    if code:
        raise _refusal(reply, code, is_direct)
    answer = judge(reply)
    if not isinstance(said, dict) or not said.get("id"):
        raise DeliveryError("Mattermost's answer has no id", status=reply.status, excerpt=reply.excerpt)
    return replace(answer, receipt={name: str(said[name]) for name in ("id", "channel_id") if said.get(name)})


def judge_webhook(reply: Reply) -> Answer:
    """Like the API in telling errors, while all is well it says ok."""
    code = _error_id(reply)
    if code:
        raise _refusal(reply, code)
    return judge(reply)


def _error_id(reply: Reply) -> str:
    """Such as api.context.permissions.app_error; empty when all is well, or nobody of Mattermost answered."""
    said = reply.json()
    code = said.get("id") if reply.status >= 400 and isinstance(said, dict) else None
    return code[:100] if isinstance(code, str) else ""


def _refusal(reply: Reply, code: str, is_direct: bool = False) -> DeliveryError:
    """One person who cannot be reached does not shut the place."""
    if is_direct and code not in TOKEN_IDS:
        remedy = f" ({PERSON_REMEDY})" if reply.status == 404 else ""
        return failure(reply, f"Mattermost says {code}{remedy}", is_dead=False)
    remedy = f" ({REMEDIES[code]})" if code in REMEDIES else ""
    return failure(reply, f"Mattermost says {code}{remedy}", is_dead=True if code in REMEDIES else None)
