"""What a retry costs, and how many are worth making."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.odds.economics import Costs, break_even, expected_value, floor, retries_needed, retries_worth

SMALL = Costs(minutes=12)
LARGE = Costs(minutes=40, credits_per_minute=40)
GPU = Costs(minutes=90, credits_per_minute=160, urgency=0.1)
COSTS = st.builds(
    Costs, minutes=st.floats(0, 500), credits_per_minute=st.floats(0, 500), urgency=st.floats(0, 1)
)


@pytest.mark.parametrize(
    ("costs", "machine", "lateness", "percent"),
    [(SMALL, 0.07, 0.65, 5), (LARGE, 0.96, 2.05, 18), (GPU, 8.64, 9.1, 74)],
    ids=["12 minutes, medium", "40 minutes, xlarge", "90 minutes, GPU"],
)
def test_the_break_even_is_that_of_the_table(
    costs: Costs, machine: float, lateness: float, percent: int
) -> None:
    assert (round(costs.machine, 2), round(costs.lateness, 2)) == (machine, lateness)
    assert round(100 * break_even(costs)) == percent


@given(COSTS)
def test_a_retry_at_break_even_is_worth_nothing(costs: Costs) -> None:
    assert expected_value(break_even(costs), costs) == pytest.approx(0, abs=1e-9)


@given(COSTS, st.floats(0, 100))
def test_a_longer_job_never_costs_less(costs: Costs, more: float) -> None:
    longer = replace(costs, minutes=costs.minutes + more)

    assert longer.machine >= costs.machine
    assert longer.lateness >= costs.lateness


def test_delay_costs_nothing_when_the_message_is_not_held() -> None:
    assert break_even(Costs(minutes=12, urgency=0)) == pytest.approx(0.072 / 15)


@pytest.mark.parametrize(("pull_request", "least"), [(False, 0.25), (True, 0.35)])
def test_pull_requests_have_a_higher_floor(pull_request: bool, least: float) -> None:
    assert floor(pull_request=pull_request) == least


@pytest.mark.parametrize(("success", "needed"), [(0.99, 1), (0.95, 1), (0.94, 2), (0.78, 2), (0.64, 3)])
def test_the_surer_a_retry_the_fewer_are_needed(success: float, needed: int) -> None:
    assert retries_needed(success) == needed


def test_never_more_than_two_are_worth_making() -> None:
    assert [retries_worth(each) for each in (0.96, 0.8, 0.5, 0.01)] == [1, 2, 2, 2]
