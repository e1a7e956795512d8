"""Things done through an API: one file per kind of action, whose name is the type in the configuration."""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from types import ModuleType

from relay.actions.base import Action

NOT_A_TYPE = {"base"}


def types() -> Mapping[str, type[Action]]:
    """Every type of action by its name, found by looking at the files."""
    return _Types()


class _Types(Mapping[str, type[Action]]):
    """Imports a type when it is asked for: most need CircleCI's client, which takes memory."""

    def __init__(self) -> None:
        found = (module for module in pkgutil.iter_modules(__path__) if not module.ispkg)
        self._names = sorted(module.name for module in found if module.name not in NOT_A_TYPE)

    def __getitem__(self, name: str) -> type[Action]:
        if name not in self._names:
            raise KeyError(name)
        return _action_in(importlib.import_module(f"{__name__}.{name}"))

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _action_in(module: ModuleType) -> type[Action]:
    return next(
        found
        for found in vars(module).values()
        if isinstance(found, type) and issubclass(found, Action) and found.__module__ == module.__name__
    )
