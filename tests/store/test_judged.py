"""Events as they were judged, by pages, on both databases."""

from relay.store import Store
from tests.factories import NOON, make_event
from tests.store.parts import accept_one, claim_plans, make_planned


def plan_event(store: Store, branch: str) -> str:
    ident = accept_one(store)
    with store.turn() as turn:
        (held,) = claim_plans(turn)
        turn.record_plan(held, make_planned(ident, event=make_event(id=ident, branch=branch)), NOON)
    return ident


def test_the_newest_come_first_with_all_their_fields(store: Store) -> None:
    ident = plan_event(store, "dev")

    (judged,) = store.judged()

    assert (judged.id, judged.received_at) == (ident, NOON)
    assert judged.event == make_event(id=ident, branch="dev")


def test_pages_follow_each_other(store: Store) -> None:
    idents = sorted((plan_event(store, f"b{number}") for number in range(5)), reverse=True)

    first = store.judged(limit=2)
    second = store.judged(limit=2, before=first[-1].id)
    third = store.judged(limit=2, before=second[-1].id)

    assert [judged.id for judged in first + second + third] == idents


def test_what_was_not_planned_is_left_out(store: Store) -> None:
    accept_one(store)

    assert store.judged() == ()
