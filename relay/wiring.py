"""The one place where parts are put together: a configuration file becomes a Relay."""

import os
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

from relay import config, notifiers
from relay.config import Config
from relay.notifiers.base import Notifier
from relay.people import PersonSpec
from relay.pipeline import Relay
from relay.planning import TargetSpec
from relay.render import Renderer, shipped_messages
from relay.routing import Router
from relay.store import Limit
from relay.transport import Transport

LOGINS = ("github", "gitlab", "bitbucket")


def load_config(path: str, environ: Mapping[str, str] | None = None) -> Config:
    """The checked configuration, with the notifiers that there are. ConfigError names every fault."""
    return config.load(path, notifiers.types(), {}, os.environ if environ is None else environ)


def build(settings: Config) -> Relay:
    """Everything that the steps need, from a checked configuration."""
    speakers = notifiers_of(settings)
    return Relay(
        config=settings,
        router=Router(settings.routes),
        targets={name: _target(name, notifier) for name, notifier in speakers.items()},
        notifiers=speakers,
        people={key: _person(key, person) for key, person in settings.people.items()},
        renderer=renderer_of(settings),
        transport=Transport(),
        timezone=ZoneInfo(settings.defaults.timezone),
        limits={each.destination(): _limit(each) for each in speakers.values()},
    )


def notifiers_of(settings: Config) -> Mapping[str, Notifier]:
    """By name; one that does not say how long a try may take gets the default."""
    default = settings.defaults.delivery.timeout
    found = {name: each for name, each in settings.notifiers.items() if isinstance(each, Notifier)}
    return {
        name: each if each.timeout else each.model_copy(update={"timeout": default})
        for name, each in found.items()
    }


def renderer_of(settings: Config) -> Renderer:
    """Templates: the user's `messages/` beside the configuration first, then the shipped ones."""
    own = Path(settings.source).resolve().parent / "messages"
    return Renderer(
        folders=(own, shipped_messages()),
        templates=settings.templates,
        public_url=settings.server.public_url,
    )


def _target(name: str, notifier: Notifier) -> TargetSpec:
    return TargetSpec(name=name, kind="notify", destination=notifier.destination())


def _limit(notifier: Notifier) -> Limit:
    return Limit(in_flight=notifier.in_flight, rate=notifier.rate, burst=notifier.burst)


def _person(key: str, person: config.Person) -> PersonSpec:
    ids = person.model_dump(exclude_none=True, exclude={"emails", "members", *LOGINS})
    logins = person.model_dump(exclude_none=True, include=set(LOGINS))
    return PersonSpec(
        key=key, emails=person.emails, members=person.members, ids={**ids, **logins}, logins=logins
    )
