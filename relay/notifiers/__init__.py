"""Ways to speak to people: one file per service. The file's name is the type in the configuration."""

import importlib
import pkgutil
from collections.abc import Mapping
from types import ModuleType

from relay.notifiers.base import Notifier

NOT_A_TYPE = {"base"}


def types() -> Mapping[str, type[Notifier]]:
    """Every type of notifier by its name, found by looking at the files."""
    found = (module for module in pkgutil.iter_modules(__path__) if not module.ispkg)
    names = sorted(module.name for module in found if module.name not in NOT_A_TYPE)
    return {name: _notifier_in(importlib.import_module(f"{__name__}.{name}")) for name in names}


def _notifier_in(module: ModuleType) -> type[Notifier]:
    return next(
        found
        for found in vars(module).values()
        if isinstance(found, type) and issubclass(found, Notifier) and found.__module__ == module.__name__
    )
