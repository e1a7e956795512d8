"""`python -m relay.checking FILE`: keeps a configuration for the supervisor's children if it is good.

A process of its own, so that what it takes to read a configuration does not stay in the supervisor's memory.
"""

import sys

from relay import config, lastgood, wiring
from relay.errors import ConfigError

CANNOT = 2


def main(path: str) -> int:
    try:
        text = config.text_of(path)
        wiring.load_text(text, path)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return CANNOT
    lastgood.keep(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
