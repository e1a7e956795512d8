"""What a Matrix event says: plain text, the HTML that clients show, and whom it calls."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from relay.markup import MARKUPS, PLAIN, html_to_plain, one_line, safe_url
from relay.model import Fact, Message
from relay.notifiers.base import Outgoing
from relay.notifiers.parts.chat import COLOURS, LONGEST_URL, links, title_link

# https://spec.matrix.org/latest/client-server-api/#size-limits: 65,536 bytes with all that servers add
MOST_BYTES = 60_000
BODY_LIMITS = (10_000, 4000, 1000, 0)  # characters; the first with which a message fits
TITLE = 300
MOST_FACTS = 10
FIELD_TEXT = 300
LINKS = 5000
FOOTER = 600
MOST_MENTIONS = 20

MARKUP = MARKUPS["matrix"]


def content(message: Message, outgoing: Outgoing) -> dict[str, Any]:
    """The longest content that is not too long."""
    made: dict[str, Any] = {}
    for limit in BODY_LIMITS:
        made = _content(replace(message, body=MARKUP.cut(message.body, limit)), outgoing)
        if len(json.dumps(made, ensure_ascii=False).encode("utf-8", "replace")) <= MOST_BYTES:
            break
    return made


def _content(message: Message, outgoing: Outgoing) -> dict[str, Any]:
    made = {
        # Clients are silent about m.notice, mentions and all:
        # https://spec.matrix.org/latest/client-server-api/#default-override-rules, .m.rule.suppress_notices
        "msgtype": "m.notice" if outgoing.is_silent else "m.text",
        "body": _plain(message, outgoing),
        "format": "org.matrix.custom.html",
        "formatted_body": "".join(_html(message, outgoing)),
    }
    own = message.override if isinstance(message.override, dict) else {}
    return {**made, **own, "m.mentions": _mentions(called_in(outgoing))}


def _mentions(called: list[str]) -> dict[str, Any]:
    """Empty, it tells clients that nobody is meant, whatever the text looks like."""
    return {"user_ids": called} if called else {}


def called_in(outgoing: Outgoing) -> list[str]:
    ids = (person.ids.get("matrix") for person in outgoing.mentions[:MOST_MENTIONS])
    return list(dict.fromkeys(each for each in ids if each))


def edit(content: dict[str, Any], event: str, card: Mapping[str, str]) -> dict[str, Any]:
    """https://spec.matrix.org/latest/client-server-api/#event-replacements; pings whom it did not yet."""
    before = card.get("mentioned", "").split()
    called = content["m.mentions"].get("user_ids", [])
    return {
        "msgtype": content["msgtype"],
        "body": f"* {PLAIN.cut(str(content['body']).partition(chr(10))[0], TITLE)}",
        "m.new_content": content,
        "m.mentions": _mentions([each for each in called if each not in before]),
        "m.relates_to": {"rel_type": "m.replace", "event_id": event},
    }


def in_thread(root: str) -> dict[str, Any]:
    """https://spec.matrix.org/latest/client-server-api/#threading; older clients show an answer."""
    answer = {"is_falling_back": True, "m.in_reply_to": {"event_id": root}}
    return {"rel_type": "m.thread", "event_id": root, **answer}


def _plain(message: Message, outgoing: Outgoing) -> str:
    facts = ", ".join(f"{html_to_plain(fact.name)} {html_to_plain(fact.value)}" for fact in _facts(message))
    title = one_line(html_to_plain(MARKUP.cut(message.title, TITLE)))
    parts = (title, html_to_plain(message.body), facts, _url(message), " ".join(called_in(outgoing)))
    return re.sub("@(?=room)", "@\u200b", "\n".join(filter(None, parts)), flags=re.IGNORECASE)


def _html(message: Message, outgoing: Outgoing) -> Iterator[str]:
    title = MARKUP.bold(title_link(MARKUP, message, TITLE))
    yield f'<p><span data-mx-color="{COLOURS[message.level]}">▌</span>{title}</p>'
    if message.body:
        yield f"<p>{_with_breaks(message.body)}</p>"
    if message.facts:
        yield f"<p>{' · '.join(_fact(fact.name, fact.value) for fact in _facts(message))}</p>"
    if buttons := links(MARKUP, message.buttons, LINKS):
        yield f"<p>{buttons}</p>"
    if called := called_in(outgoing):
        yield f"<p>{' '.join(map(_pill, called))}</p>"
    if message.footer:
        yield f"<p><sub>{MARKUP.cut(message.footer, FOOTER)}</sub></p>"


def _url(message: Message) -> str:
    """Where the title leads; empty when that is not safe to show, or very long."""
    url = safe_url(message.url) or ""
    return url if len(url) <= LONGEST_URL else ""


def _facts(message: Message) -> Iterator[Fact]:
    for fact in message.facts[:MOST_FACTS]:
        name, value = MARKUP.cut(fact.name, FIELD_TEXT), MARKUP.cut(fact.value, FIELD_TEXT)
        yield replace(fact, name=name, value=value)


def _fact(name: str, value: str) -> str:
    return f"{MARKUP.bold(MARKUP.marked(name))} {value}"


def _pill(user: str) -> str:
    return MARKUP.link(user, f"https://matrix.to/#/{quote(user, safe='@:')}")


def _with_breaks(text: str) -> str:
    """Line ends as elements, but for those in blocks of code, which show as they are."""
    pieces = re.split(r"(<pre>.*?</pre>)", text, flags=re.DOTALL)
    return "".join(p if p.startswith("<pre>") else p.replace("\n", "<br>") for p in pieces)
