"""`python -m relay.checking FILE`: keeps a configuration for the supervisor's children if it is good.

A process of its own, so that what it takes to read a configuration does not stay in the supervisor's memory.
"""

import sys

from relay import config, lastgood, wiring
from relay.errors import ConfigError, RelayError

CANNOT = 2


def main(path: str) -> int:
    try:
        text = config.text_of(path)
        wiring.load_text(text, path)
    except ConfigError as error:
        print(error, file=sys.stderr)
        _tell(path, error)
        return CANNOT
    lastgood.keep(text)
    return 0


def _tell(path: str, error: ConfigError) -> None:
    """Through the routes of the configuration that stays, if that is known and can still be read."""
    if lastgood.text() is None:
        return
    from relay.refusals import tell_refused
    from relay.store import Store

    try:
        settings = wiring.load_last_good(path)
        with Store.open(settings.store.reveal()) as store:
            tell_refused(store, settings, error)
    except RelayError as why:
        print(f"and nobody could be told: {why}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
