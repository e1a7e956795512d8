"""Puts the web application together."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime

from flask import Flask

from relay.store import Arrival
from relay.web.access import Access
from relay.web.body import BODY_LIMIT, Patience
from relay.web.health import Ledger, health
from relay.web.hooks import Hooks
from relay.web.metrics import Board

PAGE_BODY_LIMIT = 1024 * 1024  # of anything posted to pages and API


@dataclass(frozen=True, kw_only=True)
class Services:
    """What the web application needs of the world. One for each process."""

    access: Access
    submit: Callable[[Arrival], bool]  # returns once committed: True when new; see store/group_commit.py
    store: Ledger
    now: Callable[[], datetime]
    board: Board = field(default_factory=Board)
    number: int = 0  # of this web process, from 0
    body_limit: int = BODY_LIMIT
    patience: Patience = nullcontext  # bounds the time a body may take to arrive


def create_app(services: Services) -> Flask:
    """The Flask application, with the hook in front of it."""
    app = Flask("relay", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = PAGE_BODY_LIMIT
    app.register_blueprint(health(services.store, services.board, services.now))
    front = _hooks(services).in_front_of(app.wsgi_app)
    app.wsgi_app = front  # type: ignore[method-assign,assignment]  # the way Flask documents
    return app


def _hooks(services: Services) -> Hooks:
    return Hooks(
        access=services.access,
        submit=services.submit,
        now=services.now,
        tally=services.board.tally(services.number),
        limit=services.body_limit,
        patience=services.patience,
    )
