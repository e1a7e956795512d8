"""What was spent of a budget, on both databases."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay import pipeline
from relay.ids import new_id
from relay.model import AttemptOutcome
from relay.pipeline import Relay
from relay.planning import NewDelivery
from relay.quieting import Budget, Facts, Spent, Wanted
from relay.store import Planned, Store, Turn
from tests.factories import MINUTE, NOON, body, workflow_completed
from tests.relays import arrival_of, make_relay
from tests.store.parts import claim, done, failed, finish, make_delivery, owe

HOUR = 60 * MINUTE
NUMBERS = count(1)
LIMITS = {"team-slack": Budget(messages=2, per=3600.0)}
GROUP = {"group_key": "g", "due_at": NOON + MINUTE, "latest_at": NOON + 5 * MINUTE}


def costly(**overrides: Any) -> NewDelivery:
    return make_delivery(spends=True, **overrides)


def spent(store: Store, now: datetime = NOON, **more: Any) -> Spent:
    wanted = Wanted(targets=LIMITS, **more)
    with store.turn() as turn:
        return turn.spent(wanted, now)["team-slack"]


def test_nothing_is_asked_where_there_is_no_budget(store: Store) -> None:
    assert store.spent(Wanted(groups=("g",), lanes=("l",)), NOON) == {}


def test_what_waits_costs_at_the_time_when_it_is_due(store: Store) -> None:
    owe(store, costly(), costly(due_at=NOON + MINUTE), make_delivery(), costly(target="other"))

    assert spent(store).times == (NOON + MINUTE, NOON)


def test_a_group_costs_at_its_latest_until_it_was_sent(store: Store) -> None:
    owe(store, costly(**GROUP))
    owe(store, make_delivery(**GROUP))
    before = spent(store).times
    (held,) = claim(store, NOON + MINUTE)
    finish(store, done(held, ended_at=NOON + 2 * MINUTE))

    assert (before, spent(store).times) == ((NOON + 5 * MINUTE,), (NOON + 2 * MINUTE,))


def test_a_message_that_is_tried_again_costs_then(store: Store) -> None:
    owe(store, costly())
    (held,) = claim(store)
    finish(store, failed(held, again_at=NOON + 10 * MINUTE))

    assert spent(store).times == (NOON + 10 * MINUTE,)


def test_a_message_that_failed_for_good_costs_nothing(store: Store) -> None:
    owe(store, costly())
    (held,) = claim(store)
    finish(store, failed(held, outcome=AttemptOutcome.PERMANENT))

    assert spent(store).times == ()


def test_what_was_sent_is_forgotten_with_the_time(store: Store) -> None:
    owe(store, costly())

    assert spent(store, NOON + HOUR - MINUTE).times == (NOON,)
    assert spent(store, NOON + HOUR).times == ()


def test_of_many_the_newest_are_told(store: Store) -> None:
    owe(store, *(costly(due_at=NOON + number * MINUTE) for number in range(9)))

    assert spent(store).times == tuple(NOON + number * MINUTE for number in (8, 7, 6, 5))


def test_groups_that_are_open_may_be_joined(store: Store) -> None:
    owe(store, costly(**GROUP), costly(**{**GROUP, "group_key": "other"}))
    before = spent(store, groups=("g", "new")).open
    claim(store, NOON + MINUTE)

    assert before == {"g": NOON + MINUTE}
    assert spent(store, groups=("g",)).open == {}


def test_conversations_that_have_begun_go_on_unless_their_message_failed(store: Store) -> None:
    owe(store, costly(lane="l"), costly(lane="dead"))
    held = claim(store)
    finish(
        store,
        *(
            done(each) if each.lane == "l" else failed(each, outcome=AttemptOutcome.PERMANENT)
            for each in held
        ),
    )

    assert spent(store, lanes=("l", "dead", "new")).lanes == {"l"}


def test_as_of_an_earlier_time_what_came_after_is_not_counted(store: Store) -> None:
    owe(store, costly())
    owe(store, costly(), now=NOON + 5 * MINUTE)

    assert store.spent(Wanted(targets=LIMITS), NOON + MINUTE)["team-slack"].times == (NOON,)


# Planning in batches of any size

LIMITED = """\
version: 1
notifiers:
  console: { type: console, budget: 3 per 10m }
routes:
  - match: { branch: grouped }
    group: { by: [branch], wait: 30s, max_wait: 2m }
    notify: console
  - match: { branch: main }
    notify: console
"""


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Relay]:
    relay = make_relay(tmp_path, LIMITED)
    yield relay
    relay.transport.close()


def hook(branch: str) -> dict[str, Any]:
    made = workflow_completed(number=next(NUMBERS))
    made["pipeline"]["vcs"]["branch"] = branch
    return made


def facts(turn: Turn, now: datetime, wanted: Wanted) -> Facts:
    return Facts(spent=turn.spent(wanted, now))


def planned(store: Store, relay: Relay, hooks: Sequence[dict[str, Any]], now: datetime) -> list[Planned]:
    """Plan these in one turn, as a worker does."""
    ids = sorted(new_id() for _ in hooks)
    store.accept([arrival_of(body(each), id) for each, id in zip(hooks, ids, strict=True)])
    with store.turn() as turn:
        claims = turn.claim_plans(now, "worker", 60.0, len(hooks))
    load = store.load(claims)
    events = [pipeline.normalise(load.events[claim.ref], relay) for claim in claims]
    with store.turn() as turn:
        known = turn.histories({pipeline.key_of(event, relay) for event in events})
        answers = pipeline.decide_all(events, known, relay, now, partial(facts, turn, now))
        plans = [answer for answer in answers if isinstance(answer, Planned)]
        assert turn.record_plans(list(zip(claims, plans, strict=True)), now) == (True,) * len(hooks)
    return plans


def told(plans: Sequence[Planned]) -> list[tuple[Any, ...]]:
    owed = [each for plan in plans for each in plan.deliveries]
    return [(each.group_key, each.due_at, each.spends) for each in owed]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    minutes=st.lists(
        st.lists(st.sampled_from(["main", "main", "grouped"]), min_size=1, max_size=6),
        min_size=1,
        max_size=5,
    )
)
def test_planned_one_by_one_or_at_once_a_budget_lets_the_same_through(
    sqlite_url: str, relay: Relay, minutes: list[list[str]]
) -> None:
    with Store.open(sqlite_url) as store:
        start = NOON + _played(store) * 10 * HOUR
        one_by_one = _told(store, relay, minutes, start, 1)
        start += 5 * HOUR
        at_once = _told(store, relay, minutes, start, 6)

    assert one_by_one == at_once


def _played(store: Store) -> int:
    """How many events were played before, so that each example has times of its own."""
    return len(store.deliveries(limit=10_000))


def _told(
    store: Store, relay: Relay, minutes: list[list[str]], start: datetime, size: int
) -> list[tuple[Any, ...]]:
    """What becomes of events that come minute by minute; in the end everything is sent."""
    found: list[tuple[Any, ...]] = []
    for minute, branches in enumerate(minutes):
        hooks = [hook(branch) for branch in branches]
        now = start + minute * MINUTE
        for at in range(0, len(hooks), size):
            found += told(planned(store, relay, hooks[at : at + size], now))
    end = start + HOUR
    while held := claim(store, end):
        finish(store, *(done(each, ended_at=end) for each in held))
    return [(key, due and due - start, spends) for key, due, spends in found]
