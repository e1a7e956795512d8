"""A worker that claims and then hangs, for tests to kill: `python -m tests.claiming URL plan|deliver`.

It prints how much it has claimed.
"""

import sys
import time

from relay.ids import new_id
from relay.store import Store

LEASE_S = 3600.0
ROOM = 100


def main(url: str, step: str) -> None:
    with Store.open(url) as store:
        presence = store.enlist(new_id(), store.now())
        with store.turn() as turn:
            claim = turn.claim_plans if step == "plan" else turn.claim
            claims = claim(store.now(), presence.worker, LEASE_S, ROOM)
        print(len(claims), flush=True)
        time.sleep(3600)


if __name__ == "__main__":
    main(*sys.argv[1:])
