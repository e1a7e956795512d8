"""What every type of action keeps to."""

import pytest
from pydantic import ValidationError

from relay import actions
from relay.actions.base import CIRCLECI, Action
from relay.errors import DeliveryError
from tests.actions.conftest import Bench
from tests.factories import make_event

OPTIONS = {"http": {"url": "https://previews.example.com/{{ branch }}"}}
EVERY = sorted(actions.types())


def make(name: str) -> Action:
    return actions.types()[name].model_validate({"type": name, **OPTIONS.get(name, {})})


def test_the_files_are_the_types() -> None:
    assert EVERY == ["artifacts", "cancel", "clear_cache", "http", "retry", "trigger"]


@pytest.mark.parametrize("name", EVERY)
def test_it_says_what_it_would_do(name: str) -> None:
    assert make(name).would(make_event()).startswith("would ")


@pytest.mark.parametrize("name", EVERY)
def test_its_destination_is_bounded(name: str) -> None:
    action = make(name)

    assert action.destination() == CIRCLECI or action.destination().startswith(f"{name}:")
    assert action.in_flight is not None


@pytest.mark.parametrize("name", EVERY)
def test_unknown_options_are_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        actions.types()[name].model_validate({"type": name, **OPTIONS.get(name, {}), "sped": 1})


@pytest.mark.parametrize("name", EVERY)
def test_a_delay_needs_a_unit(name: str) -> None:
    with pytest.raises(ValidationError, match="wanted a duration"):
        actions.types()[name].model_validate({**OPTIONS.get(name, {}), "delay": "30"})


@pytest.mark.parametrize("name", [name for name in EVERY if actions.types()[name].needs_circleci])
def test_without_a_token_it_says_what_is_missing(name: str, bench: Bench) -> None:
    bench.client = None

    with pytest.raises(DeliveryError, match=r"there is no circleci\.token") as caught:
        bench.do(make(name), make_event())
    assert caught.value.permanent
