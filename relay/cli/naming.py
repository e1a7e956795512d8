"""Finds what the command line names, and suggests what was probably meant."""

from relay.cli.output import Mistake, visible
from relay.config import Config
from relay.config.suggestions import unknown
from relay.notifiers.base import Notifier
from relay.pipeline import Relay


def find_notifier(name: str, relay: Relay) -> Notifier:
    """Mistake with a suggestion when the configuration has none of this name."""
    try:
        return relay.notifiers[name]
    except KeyError:
        problem = unknown(f"no notifier is called {name}", name, relay.notifiers)
        raise Mistake(visible(problem)) from None


def hint_at_target(name: str | None, settings: Config) -> str | None:
    """What to say when nothing was found for a target that the configuration does not know."""
    if name is None or name in settings.notifiers:
        return None
    return visible(unknown(f"nothing for {name}, and no notifier is called so", name, settings.notifiers))
