"""The randomised share."""

import pytest

from relay.odds.explore import explore


def test_the_same_key_is_always_decided_alike() -> None:
    assert [explore("acme/web#7812", 0.1) for _ in range(3)] == [False, False, False]
    assert explore("acme/web#7812", 0.9)


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5])
def test_about_the_share_is_chosen(share: float) -> None:
    chosen = sum(explore(f"acme/web#{number}", share) for number in range(20_000))

    assert chosen / 20_000 == pytest.approx(share, abs=0.012)


def test_none_of_nothing_and_all_of_everything() -> None:
    keys = [f"acme/web#{number}" for number in range(1000)]

    assert [any(explore(key, 0.0) for key in keys), all(explore(key, 1.0) for key in keys)] == [False, True]


def test_a_larger_share_holds_the_smaller() -> None:
    keys = [f"acme/web#{number}" for number in range(1000)]

    assert {key for key in keys if explore(key, 0.05)} < {key for key in keys if explore(key, 0.2)}


def test_a_key_of_broken_text_is_decided_too() -> None:
    assert explore("\ud800", 1.0)
