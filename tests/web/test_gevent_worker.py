"""Which process should take the next connection."""

import pytest

from relay.web.gevent_worker import SLACK, Seats


def seats(*held: int) -> Seats:
    """As many processes as numbers, each with so many connections."""
    made = Seats()
    for number, connections in enumerate(held):
        made.open(number)
        made.add(number, connections)
    return made


@pytest.mark.parametrize(
    ("held", "expected"),
    [((0,), False), ((30,), False), ((SLACK, 0), False), ((SLACK + 1, 0), True), ((0, 30), False)],
    ids=["alone", "alone and busy", "a few more", "too many more", "fewest"],
)
def test_a_process_with_too_many_leaves_the_next_connection_to_others(
    held: tuple[int, ...], expected: bool
) -> None:
    assert seats(*held).has_too_many(0) is expected


def test_a_process_that_is_gone_is_not_waited_for() -> None:
    made = seats(30, 0)

    made.close(1)

    assert not made.has_too_many(0)


def test_a_connection_that_ends_counts_no_more() -> None:
    made = seats(SLACK + 1, 0)

    made.add(0, -1)

    assert not made.has_too_many(0)
