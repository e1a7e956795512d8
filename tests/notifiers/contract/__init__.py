"""What each service takes, shows and refuses, as its own documentation tells: a file for each type."""

import importlib
import importlib.util
from collections.abc import Sequence

from tests.notifiers.contract.contract import Contract


def contracts_of(name: str) -> Sequence[Contract]:
    """The ways in which this type of notifier is used; none when nobody has written them down."""
    module = f"{__name__}.{name}"
    if importlib.util.find_spec(module) is None:
        return ()
    found: Sequence[Contract] = importlib.import_module(module).CONTRACTS
    return found
