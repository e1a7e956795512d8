"""Turns events into a Message in the markup of the service it is for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, Protocol

from relay.errors import TemplateError
from relay.markup import MARKUPS, Json, Markup, clean, cut_list, first_of, one_line, safe_url
from relay.model import Account, Button, Event, Message, Reason
from relay.render import accounting, files, uses, wording
from relay.render.sections import Collector, Section, Wording, from_file, from_wording, texts_of
from relay.sandbox import Environment, compile_template, environment, names_of, template_problems

__all__ = ["Renderer", "TemplateSpec", "shipped_messages"]

shipped_messages = files.shipped_messages

STANDARD = "standard"
TITLE_LIMIT = 300  # characters, marks and escapes included
FOOTER_LIMIT = 300
BODY_LIMIT = 2900  # fits a section of Slack (3000) and a message of Telegram (4096)
LINE_LIMIT = 500  # one event among several
PROBLEM_LIMIT = 300
MOST_LINES = 100


class ServiceWording(Wording, Protocol):
    """What the configuration says for one service."""

    @property
    def blocks_file(self) -> str | None: ...


class TemplateSpec(Wording, Protocol):
    """What the configuration says under `templates.<name>`."""

    @property
    def services(self) -> Mapping[str, ServiceWording]: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class _Template:
    """A template compiled for one service."""

    markup: Markup
    sections: Mapping[str, Section]
    override: Section | None


class Renderer:
    """Holds the templates of one configuration, compiled when first needed. Safe to share by threads."""

    def __init__(
        self,
        folders: Sequence[Path],
        templates: Mapping[str, TemplateSpec] | None = None,
        public_url: str | None = None,
    ) -> None:
        self._folders = tuple(folders)
        self._specs = templates or {}
        self._public_url = public_url.rstrip("/") if public_url else None
        self._compiled: dict[tuple[str, str, str], _Template] = {}

    def render(
        self,
        markup: str,
        service: str,
        template: str,
        events: Sequence[Event],
        reason: Reason,
        now: datetime,
        timezone: tzinfo,
        *,
        limit: int = BODY_LIMIT,
        account: Account | None = None,
    ) -> Message:
        """The message about one or more events; plain and with its `problem` when the template fails.

        With an account it tells of that, whatever the events.
        """
        if account is not None:
            events = [place.event for place in account.places]
        speaker = wording.loudest(events)
        try:
            compiled = self._template(markup, service, template)
            names = self._names(compiled.markup, events, speaker, reason, now, timezone)
            if account is not None:
                names |= _of_account(names, account)
            message = _message(compiled, names, speaker, limit)
            return _overridden(compiled, names, message)
        except TemplateError as error:
            headline = (
                accounting.headline(account, reason, now) if account else wording.group_headline(events)
            )
            return _plain(MARKUPS[markup], template, headline, speaker, str(error))

    def names_used(self, service: str, template: str) -> frozenset[str]:
        """The names this template uses in messages for this service, as far as reading it tells."""
        spec = self._specs.get(template)
        own = spec.services.get(service) if spec else None
        named = own.blocks_file if own else None
        try:
            sources = files.read(self._folders, f"{template}.j2")
            standard = files.read(self._folders, f"{STANDARD}.j2")
            overrides = files.read(self._folders, named or f"{template}.{service}.json.j2")
        except TemplateError:
            return frozenset()
        wordings = [each for each in (spec, own) if each is not None]
        found = uses.names_in([*reversed((*sources, *standard))], wordings, self._folders)
        return found.union(*map(uses.names_in_text, overrides[:1]))

    def problems(self, markup: str = "plain") -> tuple[str, ...]:
        """Everything wrong with the templates that can be known before there is an event."""
        return tuple(self._problems(markup))

    def _problems(self, markup: str) -> Iterator[str]:
        within = environment(MARKUPS[markup], self._folders)
        for name, spec in self._specs.items():
            for place, text in texts_of(spec):
                yield from (f"{name}.{place}: {each}" for each in template_problems(text, within))
        for path in self._files():
            yield from (f"{path.name}: {each}" for each in _file_problems(path, within))

    def _files(self) -> Iterator[Path]:
        for folder in self._folders:
            yield from sorted(folder.glob("*.j2"))

    def _template(self, markup: str, service: str, template: str) -> _Template:
        key = (markup, service, template)
        if key not in self._compiled:
            self._compiled[key] = self._compile(MARKUPS[markup], service, template)
        return self._compiled[key]

    def _compile(self, markup: Markup, service: str, template: str) -> _Template:
        within = environment(markup, self._folders)
        spec = self._specs.get(template)
        sources = files.read(self._folders, f"{template}.j2")
        if spec is None and not sources:
            raise TemplateError(f"there is no template {template}")
        standard = files.read(self._folders, f"{STANDARD}.j2")
        layers = [from_file(source, within) for source in reversed((*sources, *standard))]
        if spec is not None:
            own = spec.services.get(service)
            layers += [from_wording(each, markup, within) for each in (spec, own) if each is not None]
        sections = {name: section for layer in layers for name, section in layer.items()}
        return _Template(markup=markup, sections=sections, override=self._override(markup, service, template))

    def _override(self, markup: Markup, service: str, template: str) -> Section | None:
        """The template of the service's own JSON, when there is one."""
        spec = self._specs.get(template)
        own = spec.services.get(service) if spec else None
        named = own.blocks_file if own else None
        sources = files.read(self._folders, named or f"{template}.{service}.json.j2")
        if named and not sources:
            raise TemplateError(f"there is no template file {named}")
        return compile_template(sources[0], environment(Json(markup), self._folders)) if sources else None

    def _names(
        self,
        markup: Markup,
        events: Sequence[Event],
        speaker: Event,
        reason: Reason,
        now: datetime,
        timezone: tzinfo,
    ) -> dict[str, Any]:
        """Everything a template may use."""
        collector = Collector(markup)
        each = [{"id": event.id, **names_of(event), **wording.words_of(event)} for event in events]
        return {
            **each[events.index(speaker)],
            "count": len(events),
            "events": each,
            "group_what": wording.group_what(events),
            "summary_text": wording.summary_text(events),
            "place": "",
            "tally": "",
            "since_text": accounting.since_text(reason.since, now),
            "reason": reason,
            "relay_url": f"{self._public_url}/events/{speaker.id}" if self._public_url else None,
            "now": now,
            "timezone": timezone,
            "message": None,
            "fact": collector.fact,
            "button": collector.button,
        }


def _of_account(names: Mapping[str, Any], account: Account) -> dict[str, Any]:
    """The names that mean something else, or anything, when the message is an account."""
    told = zip(names["events"], account.places, strict=True)
    return {
        "account": account,
        "count": account.count,
        "summary_text": accounting.counts_text(account.counts),
        "events": [
            {**each, "place": accounting.place_text(place), "tally": accounting.tally_text(place)}
            for each, place in told
        ],
    }


def _file_problems(path: Path, within: Environment) -> tuple[str, ...]:
    try:
        return template_problems(files.text_of(path), within)
    except TemplateError as error:
        return (str(error),)


def _message(template: _Template, names: dict[str, Any], speaker: Event, limit: int) -> Message:
    """What the sections say; for several events the title is the summary and the body a list."""
    collector: Collector = names["fact"].__self__
    is_group = names["count"] > 1 or "account" in names
    say, markup = template.sections, template.markup
    title = one_line(say["summary" if is_group else "title"](names))
    say["buttons"](names)
    if not is_group:
        say["facts"](names)
    return Message(
        title=markup.cut(title, TITLE_LIMIT),
        body=_body(template, names, limit),
        facts=tuple(collector.facts),
        buttons=tuple(collector.buttons),
        footer=markup.cut(one_line(say["footer"](names)), FOOTER_LIMIT),
        url=speaker.url,
        level=names["level"],
        fallback=_fallback(names),
    )


def _body(template: _Template, names: Mapping[str, Any], limit: int) -> str:
    """The text, or for several events a list of them; last how many messages were kept back before it."""
    markup = template.markup
    missed = markup.escape(wording.missed_text(names["reason"], names["now"], names["timezone"]))
    room = limit - len(missed) - 1 if missed else limit
    if "account" in names:
        told = _account(template, names, room)
    elif names["count"] > 1:
        told = _lines(template, names, room)
    else:
        told = markup.cut(_tidy(template.sections["body"](names)), room)
    return "\n".join(filter(None, (told, missed)))


def _fallback(names: Mapping[str, Any]) -> str:
    if "account" in names:
        return clean(accounting.headline(names["account"], names["reason"], names["now"]))
    if names["count"] > 1:
        return clean(f"{names['count']} results for {names['group_what']}: {names['summary_text']}")
    return one_line(clean(f"{names['emoji']} {names['what']} {names['change_text']} {names['where']}"))


def _tidy(text: str) -> str:
    """Without blank lines at the ends and blanks at line ends."""
    return "\n".join(line.rstrip() for line in text.strip().split("\n"))


def _lines(template: _Template, names: Mapping[str, Any], limit: int) -> str:
    """One line for each event; those in the middle are only counted when there are too many."""
    line, markup = template.sections["line"], template.markup
    lines = [markup.cut(one_line(line({**names, **each})), LINE_LIMIT) for each in names["events"]]
    return "\n".join(cut_list(lines, limit, at_most=MOST_LINES))


def _account(template: _Template, names: Mapping[str, Any], limit: int) -> str:
    """Why there is an account when that is unusual, then one line for each branch, the worst ones first."""
    account: Account = names["account"]
    line, markup = template.sections["line"], template.markup
    why = markup.escape(accounting.budget_text(names["reason"], account, names["now"]))
    lines = [markup.cut(one_line(line({**names, **each})), LINE_LIMIT) for each in names["events"]]
    return "\n".join(filter(None, (why, *first_of(lines, limit - len(why) - 1, account.branches))))


def _overridden(template: _Template, names: dict[str, Any], message: Message) -> Message:
    """The message with the service's own JSON, when there is a template for it."""
    if template.override is None:
        return message
    text = template.override({**names, "message": _marked(template.markup, message)})
    try:
        return replace(message, override=json.loads(text))
    except ValueError as error:
        return replace(message, problem=f"the template did not give JSON: {error}"[:PROBLEM_LIMIT])


def _marked(markup: Markup, message: Message) -> dict[str, Any]:
    """The rendered parts for use in another template, which must not escape them again."""
    return {
        "title": markup.marked(message.title),
        "body": markup.marked(message.body),
        "footer": markup.marked(message.footer),
        "facts": [{"name": markup.marked(f.name), "value": markup.marked(f.value)} for f in message.facts],
        "buttons": [{"text": b.text, "url": b.url} for b in message.buttons],
        "url": message.url,
        "level": message.level,
    }


def _plain(markup: Markup, template: str, title: str, speaker: Event, problem: str) -> Message:
    """A message made without any template, which says so."""
    emoji = wording.words_of(speaker)["emoji"]
    said = f"The template {template} could not be used: {problem}"[:PROBLEM_LIMIT]
    return Message(
        title=markup.cut(one_line(markup.escape(f"{emoji} {title}")), TITLE_LIMIT),
        body=markup.escape(said),
        buttons=_open_button(speaker.url),
        url=speaker.url,
        level=wording.level_of(speaker),
        fallback=one_line(clean(f"{emoji} {title}")),
        problem=said,
    )


def _open_button(url: str | None) -> tuple[Button, ...]:
    target = safe_url(url)
    return (Button(text="Open in CircleCI", url=target),) if target else ()
