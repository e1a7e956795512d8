"""Things done through an API: one file per kind of action, whose name is the type in the configuration."""

import importlib
import pkgutil
from collections.abc import Mapping
from types import ModuleType

from relay.actions.base import Action

NOT_A_TYPE = {"base"}


def types() -> Mapping[str, type[Action]]:
    """Every type of action by its name, found by looking at the files."""
    found = (module for module in pkgutil.iter_modules(__path__) if not module.ispkg)
    names = sorted(module.name for module in found if module.name not in NOT_A_TYPE)
    return {name: _action_in(importlib.import_module(f"{__name__}.{name}")) for name in names}


def _action_in(module: ModuleType) -> type[Action]:
    return next(
        found
        for found in vars(module).values()
        if isinstance(found, type) and issubclass(found, Action) and found.__module__ == module.__name__
    )
