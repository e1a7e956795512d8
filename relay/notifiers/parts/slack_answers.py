"""What Slack's answers mean, and what to do about them."""

from collections.abc import Mapping
from dataclasses import replace

from relay.errors import DeliveryError
from relay.model import Answer
from relay.transport import Reply, failure, judge

# https://docs.slack.dev/reference/methods/chat.postMessage lists the errors; those below may pass.
TEMPORARY = {
    "fatal_error",
    "internal_error",
    "message_limit_exceeded",
    "org_login_required",
    "ratelimited",
    "rate_limited",
    "request_timeout",
    "service_unavailable",
    "team_added_to_org",
}
# With these nothing gets through until somebody does what it says: for the token, and for the channel.
TOKEN_REMEDIES: Mapping[str, str] = {
    "access_denied": "the app may not post in this workspace",
    "account_inactive": "the token's user or workspace is gone",
    "ekm_access_denied": "an administrator suspended posting",
    "invalid_auth": "check `token`",
    "missing_scope": "give the app the scope chat:write",
    "no_permission": "give the app the scope chat:write",
    "not_allowed_token_type": "`token` has to be a bot token, xoxb-…",
    "not_authed": "check `token`",
    "team_access_not_granted": "install the app in this workspace",
    "token_expired": "renew `token`",
    "token_revoked": "renew `token`",
}
CHANNEL_REMEDIES: Mapping[str, str] = {
    "channel_is_frozen": "the channel is frozen",
    "channel_not_found": "check `channel`; a private one has to invite the app",
    "is_archived": "the channel is archived",
    "not_in_channel": "invite the app to the channel",
    "restricted_action": "the channel's settings keep the app from posting",
    "restricted_action_read_only_channel": "the channel is read-only",
}
PERSON_REMEDY = "check `slack` of the person under `people`"
DIRECT_CODES = {"channel_not_found", "user_not_found", "messages_tab_disabled", "cannot_dm_bot"}
# https://docs.slack.dev/reference/methods/chat.update: the message cannot be edited, or answered, any more.
GONE = {
    "cannot_reply_to_message",
    "cant_update_message",
    "edit_window_closed",
    "message_not_found",
    "thread_not_found",
}
# https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors
NEW_WEBHOOK = "make a new webhook"
WEBHOOK_REMEDIES: Mapping[str, str] = {
    "action_prohibited": "an administrator restricts what may be posted",
    "channel_is_archived": "the channel is archived",
    "channel_not_found": "the channel is gone",
    "invalid_token": NEW_WEBHOOK,
    "no_active_hooks": NEW_WEBHOOK,
    "no_service": NEW_WEBHOOK,
    "no_service_id": NEW_WEBHOOK,
    "no_team": "the workspace is gone",
    "posting_to_general_channel_denied": "an administrator restricts posting to this channel",
    "team_disabled": "the workspace is gone",
}


def judge_api(reply: Reply, *, has_card: bool = False, is_direct: bool = False) -> Answer:
    """Slack tells most errors with HTTP 200 and `ok: false`. No status: the card is gone."""
    answer = judge(reply)
    said = reply.json()
    if not isinstance(said, dict):
        raise DeliveryError("Slack's answer is not JSON", status=reply.status, excerpt=reply.excerpt)
    if said.get("ok") is not True:
        code = str(said.get("error") or "no reason given")
        if has_card and code in GONE:
            return Answer()
        raise _refusal(reply, code, is_direct)
    return replace(answer, receipt={name: str(said[name]) for name in ("ts", "channel") if said.get(name)})


def judge_webhook(reply: Reply) -> Answer:
    """Incoming webhooks tell errors by status and a word."""
    if remedy := WEBHOOK_REMEDIES.get(reply.excerpt):
        raise failure(reply, f"Slack says {reply.excerpt} ({remedy})", is_dead=True)
    return judge(reply)


def _refusal(reply: Reply, code: str, is_direct: bool) -> DeliveryError:
    """One person who cannot be reached does not shut the place."""
    remedies = TOKEN_REMEDIES if is_direct else {**TOKEN_REMEDIES, **CHANNEL_REMEDIES}
    remedy = PERSON_REMEDY if is_direct and code in DIRECT_CODES else remedies.get(code)
    reason = f"Slack says {code[:100]}" + (f" ({remedy})" if remedy else "")
    return failure(reply, reason, permanent=code not in TEMPORARY, is_dead=code in remedies)
