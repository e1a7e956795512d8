"""Classes that are found by the name of their file, and imported when somebody asks for them."""

import importlib
import pkgutil
from collections.abc import Collection, Iterator, Mapping
from types import ModuleType
from typing import TypeGuard, TypeVar

Found = TypeVar("Found")


class Named(Mapping[str, type[Found]]):
    """The one subclass of `base` in each module of a package, by the module's name.

    Looking at the names imports nothing: a process keeps only those in memory that it uses.
    """

    def __init__(self, package: ModuleType, base: type[Found], without: Collection[str]) -> None:
        found = (module for module in pkgutil.iter_modules(package.__path__) if not module.ispkg)
        self._names = sorted(module.name for module in found if module.name not in without)
        self._package = package.__name__
        self._base = base

    def __getitem__(self, name: str) -> type[Found]:
        if name not in self._names:
            raise KeyError(name)
        module = importlib.import_module(f"{self._package}.{name}")
        return next(each for each in vars(module).values() if self._is_found(each, module))

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def _is_found(self, each: object, module: ModuleType) -> TypeGuard[type[Found]]:
        return isinstance(each, type) and issubclass(each, self._base) and each.__module__ == module.__name__
