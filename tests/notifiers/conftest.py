"""What the tests of notifiers share."""

from collections.abc import Iterator

import pytest

from relay.transport import Transport
from tests.factories import NOON


@pytest.fixture
def transport() -> Iterator[Transport]:
    made = Transport(clock=lambda: NOON)
    yield made
    made.close()
