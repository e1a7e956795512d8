"""What is measured: a bare Flask application and the relay's web side, each under the same gunicorn.

`python -m benchmarks.subjects bare` or `… relay DATABASE_URL` prints the address it serves at.
"""

from datetime import UTC, datetime

import click
from flask import Flask

from benchmarks.load import SECRET
from relay.secret import Secret
from relay.store import Store
from relay.store.group_commit import GroupCommit
from relay.web.access import Access
from relay.web.app import Services, create_app
from relay.web.metrics import Board
from relay.web.server import Running, ServerSettings, body_patience, serve

SETTINGS = ServerSettings(bind="127.0.0.1:0", ready=lambda address: print(address, flush=True))


@click.group()
def main() -> None:
    """Serve one of the subjects until told to stop."""


@main.command()
def bare() -> None:
    """The least a Flask application can do: answer 202 and look at nothing."""
    serve(SETTINGS, lambda number: Running(app=_bare_app()))


def _bare_app() -> Flask:
    app = Flask("bare")

    @app.post("/hooks/circleci")
    def hook() -> tuple[str, int]:
        return "", 202

    return app


@main.command()
@click.argument("database")
def relay(database: str) -> None:
    """The relay's web side on a database that is up to date already."""
    board = Board()
    serve(SETTINGS, lambda number: _relay(database, board, number))


def _relay(database: str, board: Board, number: int) -> Running:
    store = Store.open(database)
    writer = GroupCommit(store)
    services = Services(
        access=Access(secrets=(Secret(SECRET),)),
        submit=writer.submit,
        store=store,
        now=lambda: datetime.now(UTC),
        board=board,
        number=number,
        patience=body_patience(),
    )
    return Running(app=create_app(services), close=writer.close)


if __name__ == "__main__":
    main()
