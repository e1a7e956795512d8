"""The one place where parts are put together: a configuration file becomes a Relay."""

import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import structlog

from relay import actions, config, lastgood, moments, notifiers
from relay.actions.base import Action
from relay.config import Config
from relay.enriching import Enricher, Needs, fetched_of, names_used
from relay.failures import Catalogue, OwnSignatures, Signature, with_own
from relay.failures.signature import usual_lr
from relay.notifiers.base import Notifier
from relay.notifiers.parts import budget as parts
from relay.people import PersonSpec
from relay.pipeline import Relay
from relay.planning import DIRECT, TargetSpec
from relay.quieting import HOLD, ONCE_PER, Budget, Silence, Terms, Trunk, make_silence
from relay.rejections import Rejections
from relay.render import Renderer, shipped_messages
from relay.retrying import judged_actions, retry_terms_of
from relay.routing import Decision, Router, RouteSpec
from relay.sandbox import compile_text
from relay.schedules import Schedule, parse_date, parse_days, parse_time
from relay.store import Limit
from relay.transport import Transport

if TYPE_CHECKING:
    from relay.circleci.answers import Ending
    from relay.circleci.connection import Connection
    from relay.circleci.facade import CircleCI

LOGINS = ("github", "gitlab", "bitbucket")


def load_config(path: str, environ: Mapping[str, str] | None = None) -> Config:
    """The checked configuration, with the notifiers and actions there are. ConfigError names every fault."""
    return load_text(config.text_of(path), path, environ)


def load_last_good(path: str) -> Config:
    """What the supervisor found good last; without a supervisor, what the file says now."""
    text = lastgood.text()
    return load_config(path) if text is None else load_text(text, path)


def load_text(text: str, path: str, environ: Mapping[str, str] | None = None) -> Config:
    """As `load_config`, of a text that the file holds or has held."""
    known = os.environ if environ is None else environ
    return config.load_text(text, path, notifiers.types(), actions.types(), known)


def build(settings: Config) -> Relay:
    """Everything that the steps need, from a checked configuration."""
    speakers, doers = notifiers_of(settings), actions_of(settings)
    renderer = renderer_of(settings)
    persons = {key: _person(key, person) for key, person in settings.people.items()}
    router = Router(settings.routes)
    rejections = Rejections()
    circleci = circleci_of(settings, rejections)
    needs = needs_of(settings, renderer) if circleci else None
    return Relay(
        config=settings,
        router=router,
        targets={
            **{name: _target(name, notifier, persons) for name, notifier in speakers.items()},
            **{name: _act_target(name, action) for name, action in doers.items()},
        },
        notifiers=speakers,
        actions=doers,
        people=persons,
        renderer=renderer,
        transport=Transport(),
        timezone=ZoneInfo(settings.defaults.timezone),
        limits=_limits(speakers, doers),
        circleci=circleci,
        enricher=Enricher(
            circleci,
            within=settings.circleci.enrich_within,
            catalogue=lambda: catalogue_of(settings),
            mask=settings.masker,
        )
        if circleci and needs and (needs.anything or settings.retry)
        else None,
        needs=needs,
        rejections=rejections,
        quiet=quiet_of(settings, router),
        retry=retry_terms_of(settings),
        judged_actions=judged_actions(doers),
    )


def notifiers_of(settings: Config) -> Mapping[str, Notifier]:
    """By name; one that does not say how long a try may take gets the default."""
    default = settings.defaults.delivery.timeout
    found = {name: each for name, each in settings.notifiers.items() if isinstance(each, Notifier)}
    return {
        name: each if each.timeout else each.model_copy(update={"timeout": default})
        for name, each in found.items()
    }


def actions_of(settings: Config) -> Mapping[str, Action]:
    """By name."""
    return {name: each for name, each in settings.actions.items() if isinstance(each, Action)}


def connection_of(settings: Config) -> "Connection":
    """How to reach the CircleCI of the configuration."""
    from relay.circleci.connection import Connection

    wanted = settings.circleci
    proxies = dict.fromkeys(("http", "https"), wanted.proxy.reveal()) if wanted.proxy else {}
    return Connection(base_url=wanted.url, token=wanted.token, ca_bundle=wanted.ca_bundle, proxies=proxies)


def circleci_of(settings: Config, rejections: Rejections) -> "CircleCI | None":
    """The client, or None without a token: then nothing is fetched, and actions say what they lack."""
    if not settings.circleci.token:
        return None
    from relay.circleci.facade import CircleCI
    from relay.circleci.http import Http

    return CircleCI(Http(connection_of(settings), on_ending=_warn, on_rejected=rejections.note))


def _warn(ending: "Ending") -> None:
    structlog.get_logger().warning("CircleCI will end an endpoint", ending=str(ending))


def quiet_of(settings: Config, router: Router) -> Terms:
    """The noise controls of the configuration, compiled."""
    zone, speakers = ZoneInfo(settings.defaults.timezone), notifiers_of(settings)
    return Terms(
        silences=silences_of(settings),
        apart=frozenset(name for name, each in speakers.items() if not each.gathers),
        budgets={name: _budget(each, each.budget) for name, each in speakers.items() if each.budget},
        schedules={name: _schedule(hours, zone) for name, hours in settings.schedules.items()},
        keys={text: compile_text(text) for text in _set_by(settings.routes, ONCE_PER)},
        trunk=_trunk(settings, zone),
        holding=frozenset(_holding(router)),
        dedupe=timedelta(seconds=settings.defaults.dedupe),
        zone=zone,
    )


@cache
def _catalogue(own: OwnSignatures) -> Catalogue:
    return with_own(own)


def catalogue_of(settings: Config) -> Catalogue:
    """The signatures by which failures are recognised, with the changes of the configuration."""
    classes = settings.signatures.classes
    return _catalogue(
        OwnSignatures(
            signatures=tuple(_signature(name, each) for name, _, each in settings.signatures.each()),
            off=frozenset(settings.signatures.off),
            passes=tuple((name, spec.passes) for name, spec in classes.items() if spec.passes is not None),
        )
    )


def _signature(failure_class: str, spec: config.SignatureSpec) -> Signature:
    return Signature(
        id=spec.id,
        failure_class=failure_class,
        lr=usual_lr(failure_class) if spec.lr is None else spec.lr,
        pattern=spec.re,
        excluded=spec.excluded,
    )


def silences_of(settings: Config) -> tuple[Silence, ...]:
    """Those that the configuration itself names."""
    zone = ZoneInfo(settings.defaults.timezone)
    return tuple(_silence(at, each, zone) for at, each in enumerate(settings.silences))


def _holding(router: Router) -> Iterator[str]:
    """Whom routes with `hold` notify; of direct messages only that there are some."""
    for decision in router.decisions():
        if decision.settings.get(HOLD):
            yield from (DIRECT if name.startswith(DIRECT) else name for name in decision.notify)


def _trunk(settings: Config, zone: ZoneInfo) -> Trunk | None:
    state, branches = settings.defaults.state, settings.defaults.trunk
    if not branches:
        return None
    return Trunk(branches=branches, key=state.key, ignore=state.ignore_status, zone=zone)


def _budget(notifier: Notifier, written: parts.Budget) -> Budget:
    has_cards = notifier.style == "thread" or (notifier.style == "update" and notifier.can_edit)
    return Budget(messages=written.messages, per=written.per, has_cards=has_cards)


def _schedule(hours: config.Hours, zone: ZoneInfo) -> Schedule:
    return Schedule(
        days=parse_days(hours.days),
        start=parse_time(hours.start),
        end=parse_time(hours.end),
        exceptions=frozenset(map(parse_date, hours.exceptions)),
        zone=ZoneInfo(hours.timezone) if hours.timezone else zone,
    )


def _set_by(routes: Iterable[RouteSpec], setting: str) -> Iterator[str]:
    """Every value that a route gives a setting."""
    for route in routes:
        if route.settings.get(setting):
            yield route.settings[setting]
        yield from _set_by(route.routes, setting)


def _silence(at: int, spec: config.SilenceSpec, zone: ZoneInfo) -> Silence:
    return make_silence(
        spec.match,
        name=f"silences[{at}]",
        starts_at=moments.parse(spec.since, zone) if spec.since else None,
        until=moments.parse(spec.until, zone) if spec.until else None,
        why=spec.why,
    )


def needs_of(settings: Config, renderer: Renderer) -> Needs:
    """Which events need what of CircleCI, by the rules and templates of the configuration."""
    speakers, doers = notifiers_of(settings), actions_of(settings)

    def of_target(name: str, terms: Mapping[str, Any]) -> frozenset[str]:
        if name in doers:
            return frozenset[str]().union(*map(names_used, doers[name].texts()))
        if name not in speakers:
            return frozenset()
        template = terms.get("template") or speakers[name].template or settings.defaults.template
        return fetched_of(renderer.names_used(speakers[name].type, template))

    unmatched = Decision(route="unmatched", notify=settings.unmatched.notify, settings={})
    return Needs.of_routes(settings.routes, unmatched, of_target)


def renderer_of(settings: Config) -> Renderer:
    """Templates: the user's `messages/` beside the configuration first, then the shipped ones."""
    own = Path(settings.source).resolve().parent / "messages"
    return Renderer(
        folders=(own, shipped_messages()),
        templates=settings.templates,
        public_url=settings.server.public_url,
    )


def _target(name: str, notifier: Notifier, persons: Mapping[str, PersonSpec]) -> TargetSpec:
    return TargetSpec(
        name=name,
        kind="notify",
        destination=notifier.destination(),
        conversation=notifier.conversation,
        sums_up=notifier.style == "update" and not notifier.can_edit,
        shadow=notifier.shadow,
        reaches=frozenset(key for key, person in persons.items() if notifier.address_of(person)),
    )


def _act_target(name: str, action: Action) -> TargetSpec:
    return TargetSpec(name=name, kind="act", destination=action.destination(), delay=action.delay)


def _limits(speakers: Mapping[str, Notifier], doers: Mapping[str, Action]) -> Mapping[str, Limit]:
    """By destination."""
    limits = {each.destination(): _limit(each) for each in speakers.values()}
    return limits | {each.destination(): _limit(each) for each in doers.values()}


def _limit(target: Notifier | Action) -> Limit:
    return Limit(in_flight=target.in_flight, rate=target.rate, burst=target.burst)


def _person(key: str, person: config.Person) -> PersonSpec:
    ids = person.model_dump(exclude_none=True, exclude={"emails", "members", *LOGINS})
    logins = person.model_dump(exclude_none=True, include=set(LOGINS))
    return PersonSpec(
        key=key, emails=person.emails, members=person.members, ids={**ids, **logins}, logins=logins
    )
