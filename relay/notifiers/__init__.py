"""Ways to speak to people: one file per service. The file's name is the type in the configuration."""

import sys
from collections.abc import Mapping

from relay.named import Named
from relay.notifiers.base import Notifier

NOT_A_TYPE = {"base"}


def types() -> Mapping[str, type[Notifier]]:
    """Every type of notifier by its name; one is imported when it is asked for."""
    return Named(sys.modules[__name__], Notifier, NOT_A_TYPE)
