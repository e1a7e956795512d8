"""Things done through an API: one file per kind of action, whose name is the type in the configuration."""

import sys
from collections.abc import Mapping

from relay.actions.base import Action
from relay.named import Named

NOT_A_TYPE = {"base"}


def types() -> Mapping[str, type[Action]]:
    """Every type of action by its name; one is imported when it is asked for, most with CircleCI's client."""
    return Named(sys.modules[__name__], Action, NOT_A_TYPE)
