"""A configuration that was refused while an older one is in use: told through that one's routes."""

from datetime import datetime
from hashlib import sha256
from pathlib import PurePath

from relay.config import Config
from relay.errors import ConfigError, StoreError
from relay.model import Level
from relay.notices import Notice, What
from relay.store import Store
from relay.telling import tell

FAULTS_KEPT = 4000  # characters
FAULT_KEPT = 300


def tell_refused(store: Store, settings: Config, error: ConfigError) -> None:
    """Once an hour for the same faults. Whoever cannot reach the store has a log line about that already."""
    try:
        now = store.now()
        tell(store, refused(settings, error, now), now)
    except StoreError:
        return


def refused(settings: Config, error: ConfigError, now: datetime) -> Notice:
    """What is told. settings: the configuration that stays."""
    faults = settings.masker(str(error))
    first, *others = faults.splitlines() or ["no reason was given"]
    more = f" (and {len(others)} more)" if others else ""
    name = PurePath(settings.source).name
    return Notice(
        key=f"refused:{sha256(faults.encode()).hexdigest()[:16]}:{now:%Y-%m-%dT%H}",
        what=What.CONFIGURATION_REFUSED,
        level=Level.BAD,
        text=f"refused {name}, the old configuration stays: {first[:FAULT_KEPT]}{more}",
        about=name,
        more={"faults": faults[:FAULTS_KEPT]},
    )
