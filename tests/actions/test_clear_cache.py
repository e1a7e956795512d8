"""Clearing the cache, where CircleCI still has a call for it."""

import pytest

from relay.actions.clear_cache import ClearCache
from relay.errors import DeliveryError
from tests.actions.conftest import Bench
from tests.factories import make_event
from tests.fakes.circleci_server import says


def test_the_projects_cache_is_cleared(bench: Bench) -> None:
    answer = bench.do(ClearCache(), make_event())

    assert bench.project.cleared == 1
    assert answer.excerpt == "cleared the build cache: build dependency caches deleted"


def test_where_there_is_no_such_call_the_remedy_is_told(bench: Bench) -> None:
    bench.server.script("DELETE", "", says(404, {"message": "Not found"}))

    with pytest.raises(DeliveryError, match="change the key of the cache") as caught:
        bench.do(ClearCache(), make_event())
    assert caught.value.permanent


def test_it_says_what_it_would_do() -> None:
    assert ClearCache().would(make_event()) == "would clear the build cache of gh/acme/api"
