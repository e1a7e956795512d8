"""What is odd in a configuration and yet no reason to refuse it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from relay.config.faults import Page
from relay.config.file import File
from relay.config.names import named_routes
from relay.config.retry import FLAKY
from relay.config.retry_conditions import may_match_genuine
from relay.config.templates import STANDARD, TemplateSpec, Wording
from relay.errors import Fault
from relay.model import EventKind
from relay.planning import DIRECT
from relay.policy import Mode

NO_TOKEN = "there is no circleci.token"  # noqa: S105 - words
UNHEARD = "nobody hears of its alarms; add a route with match: { event: relay }"
FETCHED_ROOTS = frozenset({"artifacts", "failed_jobs", "failed_tests", "failure", "log"})
FAILURE = "failure"  # a word that people also write in messages


def warnings_about(file: File, page: Page) -> tuple[Fault, ...]:
    """Things to have a second look at."""
    return (
        *_unused_notifiers(file, page),
        *_unused_actions(file, page),
        *_unused_templates(file, page),
        *_missing_token(file, page),
        *_wide_rules(file, page),
        *_idle_retry(file, page),
        *_unheard_watches(file, page),
    )


def _unused_notifiers(file: File, page: Page) -> Iterator[Fault]:
    listed = [name for place in named_routes(file.routes) for name in place.route.notify or ()]
    used = {name.removeprefix("+") for name in (*listed, *file.unmatched.notify, *_fallbacks(file))}
    if any(name.startswith(DIRECT) for name in used):
        return  # any other may be there to reach people
    for name in file.notifiers:
        if name not in used:
            yield page.fault(("notifiers", name), "no route notifies it", at_key=True)


def _fallbacks(file: File) -> Iterator[str]:
    for options in file.notifiers.values():
        written = options.get("fallback") or ()
        yield from (written,) if isinstance(written, str) else written


def _unheard_watches(file: File, page: Page) -> Iterator[Fault]:
    """An alarm is an event of the relay's own, which only reaches routes that ask for them."""
    if any(_asks_for_own(place.route.match) for place in named_routes(file.routes)):
        return
    for name in file.watch:
        yield page.fault(("watch", name), UNHEARD, at_key=True)


def _asks_for_own(match: Mapping[str, Any]) -> bool:
    """By the words in it, as far as that goes: `event: relay`, or a pattern that may mean it."""
    wanted = match.get("event", [])
    written = wanted if isinstance(wanted, list) else [wanted]
    if any(each == EventKind.RELAY or not str(each).isalpha() for each in written):
        return True
    blocks = (each for key in ("any", "all") for each in match.get(key, ()))
    return any(_asks_for_own(each) for each in blocks if isinstance(each, Mapping))


def _unused_actions(file: File, page: Page) -> Iterator[Fault]:
    used = {name.removeprefix("+") for place in named_routes(file.routes) for name in place.route.act or ()}
    for name in file.actions:
        if name not in used:
            yield page.fault(("actions", name), "no route does it", at_key=True)


def _idle_retry(file: File, page: Page) -> Iterator[Fault]:
    """A policy that has nothing to go by, or that nothing carries out."""
    if "retry" not in file.model_fields_set:
        return
    if not file.circleci.token:
        yield page.fault(
            ("retry",), f"needs the logs of failed steps from CircleCI, and {NO_TOKEN}", at_key=True
        )
    carried_out = any(options.get("policy") == FLAKY for options in file.actions.values())
    if file.retry.mode is Mode.ON and not carried_out:
        problem = (
            "nothing carries it out; add an action { type: retry, policy: flaky } and a route that does it"
        )
        yield page.fault(("retry", "mode"), problem)


def _wide_rules(file: File, page: Page) -> Iterator[Fault]:
    """Rules that would run again what is really broken."""
    for index, rule in enumerate(file.retry.rules or ()):
        if rule.do.retry and may_match_genuine(rule.when):
            problem = "may match what is really broken; say which class, signature, tests or history"
            yield page.fault(("retry", "rules", index), problem)


def _missing_token(file: File, page: Page) -> Iterator[Fault]:
    """What stays empty, or fails each time, because CircleCI is never asked."""
    if file.circleci.token:
        return
    for name, options in file.actions.items():
        if options.get("type") != "http":
            yield page.fault(("actions", name), f"asks CircleCI, and {NO_TOKEN}", at_key=True)
    for place in named_routes(file.routes):
        for key, names in (
            ("match", _in_match(place.route.match)),
            ("when", _in_text(place.route.when or "")),
        ):
            for name in sorted(names):
                yield page.fault((*place.path, key), f"needs {name} from CircleCI, and {NO_TOKEN}")
    for name, template in file.templates.items():
        for field in sorted(_in_template(template)):
            yield page.fault(("templates", name), f"needs {field} from CircleCI, and {NO_TOKEN}", at_key=True)


def _in_match(match: object) -> frozenset[str]:
    if isinstance(match, Mapping):
        keys = FETCHED_ROOTS & {str(key).partition(".")[0] for key in match}
        return keys.union(*map(_in_match, match.values()))
    return frozenset[str]().union(*map(_in_match, match)) if isinstance(match, list) else frozenset()


def _in_template(template: Wording) -> frozenset[str]:
    texts = [template.title, template.body, *(template.facts or {}).values()]
    texts += [text for button in template.buttons or () for text in (button.text, button.url)]
    services = template.services.values() if isinstance(template, TemplateSpec) else ()
    named = (_in_text(text) for text in texts if text)
    return frozenset[str]().union(*named, *map(_in_template, services))


def _in_text(text: str) -> frozenset[str]:
    """By the words in it: nothing is refused for this, so a word too many does no harm."""
    words = FETCHED_ROOTS & frozenset(re.findall(r"[a-z_]+", text))
    return words if re.search(rf"\b{FAILURE}\s*[.|\[]", text) else words - {FAILURE}


def _unused_templates(file: File, page: Page) -> Iterator[Fault]:
    by_routes = {place.route.template for place in named_routes(file.routes)}
    by_notifiers = {str(options.get("template")) for options in file.notifiers.values()}
    used = by_routes | by_notifiers | {file.defaults.template, STANDARD}
    for name in file.templates:
        if name not in used:
            yield page.fault(("templates", name), "nothing uses this template", at_key=True)
