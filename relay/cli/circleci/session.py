"""An open client of CircleCI: where its address and token come from, and how its answers are shown."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from relay.circleci.answers import Ending
from relay.circleci.auth import AuthForm
from relay.circleci.connection import CLOUD, Connection
from relay.circleci.facade import CircleCI
from relay.circleci.http import Http
from relay.circleci.started import Version
from relay.circleci.v1 import V1
from relay.circleci.v1_1 import V11
from relay.cli.output import visible
from relay.errors import ConfigError
from relay.secret import Masker, Secret

if TYPE_CHECKING:  # it takes long to import, and is needed only where there is a configuration
    from relay.config import Config

TOKEN = "CIRCLECI_TOKEN"  # noqa: S105 - the name of a variable


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """What every command works with. `settings` is None without a (sound) configuration file."""

    circle: CircleCI
    version: Version
    as_json: bool
    mask: Masker
    now: datetime
    settings: "Config | None"

    @property
    def has_token(self) -> bool:
        return bool(self.circle.http.connection.token)

    @property
    def classic(self) -> V1 | V11:
        """v1 where that was asked for, else v1.1."""
        return self.circle.v1 if self.version is Version.V1 else self.circle.v1_1


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What the command line says about the connection."""

    config: str
    config_was_named: bool
    url: str | None
    auth: AuthForm
    version: Version
    as_json: bool


@contextmanager
def session(asked: Asked, environ: Mapping[str, str], now: datetime) -> Iterator[Session]:
    """Opens a client and closes it at the end."""
    settings = _settings(asked)
    connection = connection_of(settings, asked, environ)
    circle = CircleCI(Http(connection, on_ending=_tell_ending))
    try:
        yield Session(
            circle=circle,
            version=asked.version,
            as_json=asked.as_json,
            mask=Masker([connection.token.reveal()] if connection.token else []),
            now=now,
            settings=settings,
        )
    finally:
        circle.close()


def connection_of(settings: "Config | None", asked: Asked, environ: Mapping[str, str]) -> Connection:
    """The environment's token goes where the command line says, the configuration's only to its own URL."""
    configured = _configured(settings) if settings else Connection(base_url=CLOUD)
    chosen = replace(configured, base_url=asked.url or configured.base_url, auth=asked.auth)
    token = Secret(environ.get(TOKEN, "").strip())
    own = settings.circleci.token if settings else None
    if not token and own and chosen.root != configured.root:
        _warn(f"the token of {asked.config} is for {configured.root} and not sent elsewhere; set {TOKEN}")
        own = None
    return replace(chosen, token=token or own or None)


def _configured(settings: "Config") -> Connection:
    from relay import wiring

    return wiring.connection_of(settings)


def _settings(asked: Asked) -> "Config | None":
    """None where there is no file; a broken one that nobody named is only worth a warning."""
    if not asked.config_was_named and not Path(asked.config).exists():
        return None
    from relay import wiring

    try:
        return wiring.load_config(asked.config)
    except ConfigError:
        if asked.config_was_named:
            raise
        _warn(f"{asked.config} has faults and is not used; `relay check` names them")
        return None


def _warn(text: str) -> None:
    click.echo(visible(f"warning: {text}"), err=True)


def _tell_ending(ending: Ending) -> None:
    click.echo(visible(f"note: {ending}"), err=True)
