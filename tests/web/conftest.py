"""A web application on a real SQLite store, asked through Flask's test client."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from relay.store import Store
from relay.store.group_commit import GroupCommit
from relay.web.access import Access
from relay.web.app import Services, create_app
from relay.web.body import BODY_LIMIT
from tests.web.bodies import SECRET, TOKEN
from tests.web.ledgers import NOON

BOTH = Access(secrets=(SECRET,), url_tokens=(TOKEN,))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{tmp_path}/relay.db")
    store.upgrade()
    yield store
    store.close()


@pytest.fixture
def writer(store: Store) -> Iterator[GroupCommit]:
    writer = GroupCommit(store)
    yield writer
    writer.close()


@pytest.fixture
def client_for(store: Store, writer: GroupCommit) -> Callable[..., FlaskClient]:
    """A client of the application with this access."""

    def make(access: Access = BOTH, body_limit: int = BODY_LIMIT) -> FlaskClient:
        services = Services(
            access=access, submit=writer.submit, store=store, now=lambda: NOON, body_limit=body_limit
        )
        return create_app(services).test_client()

    return make


@pytest.fixture
def client(client_for: Callable[..., FlaskClient]) -> FlaskClient:
    return client_for()
