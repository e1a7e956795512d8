"""A web side of its own for tests: `python -m tests.web.served DATABASE_URL` prints its address."""

import sys
from datetime import UTC, datetime

from relay.store import Store
from relay.store.group_commit import GroupCommit
from relay.web.app import Services, create_app
from relay.web.metrics import Board
from relay.web.server import Running, ServerSettings, body_patience, serve
from tests.web.conftest import BOTH

BODY_TIME_S = 1.0
WORKERS = 2


def main(database: str) -> None:
    board = Board()
    settings = ServerSettings(bind="127.0.0.1:0", workers=WORKERS, ready=lambda at: print(at, flush=True))
    serve(settings, lambda number: _run(database, board, number))


def _run(database: str, board: Board, number: int) -> Running:
    store = Store.open(database)
    writer = GroupCommit(store)
    services = Services(
        access=BOTH,
        submit=writer.submit,
        store=store,
        now=lambda: datetime.now(UTC),
        board=board,
        number=number,
        patience=body_patience(BODY_TIME_S),
    )
    return Running(app=create_app(services), close=writer.close)


if __name__ == "__main__":
    main(sys.argv[1])
