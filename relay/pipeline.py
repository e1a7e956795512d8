"""The only place where the steps meet: a webhook becomes a plan, a delivery becomes an answer.

Everything here is given what it needs; the store's transactions are the worker's.
"""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import structlog

from relay import cards, changes, notices, payloads, people, planning, quieting, retries
from relay.actions.base import Action
from relay.changes import Judgement
from relay.config import Config
from relay.enriching import Enricher, Needs
from relay.errors import DeliveryError, RelayError
from relay.ids import new_id
from relay.judging import Judged, Known, RetryTerms, as_record, gate
from relay.model import (
    Answer,
    AttemptOutcome,
    Author,
    Event,
    EventKind,
    Generation,
    Message,
    Outcome,
    Reason,
)
from relay.notifiers.base import Notifier, Outgoing
from relay.people import PersonSpec
from relay.planning import NewDelivery, TargetSpec
from relay.quieting import NO_TERMS, NOTHING_KNOWN, Facts, Quiet, Terms, Wanted
from relay.rejections import Rejections
from relay.render import Renderer
from relay.routing import Decision, Resolution, Router
from relay.sandbox.filters import duration, plural
from relay.store import Claim, Finish, Limit, Planned, Step, StoredDelivery, StoredEvent
from relay.transport import Transport

if TYPE_CHECKING:
    from relay.circleci.facade import CircleCI
    from relay.judging.bench import Bench
    from relay.judging.known import Ledger

INSTEAD_OF = planning.INSTEAD_OF
NEXT = "fallbacks_left"  # among a delivery's settings: the notifiers that are still to be asked
NOT_SENT = "shadow, not sent"
NOTHING_LEFT = "nothing was sent: what was held is fixed by now"
PLAN_RETRIES = (1.0, 10.0, 60.0, 600.0)  # seconds; an event that cannot be planned is then stuck
PLAN_TRIES = len(PLAN_RETRIES) + 1
LONGEST_PAUSE_S = 3600.0  # a destination that asks to be left alone for longer is asked again by then
PROBE_DEAD_S = 3600.0  # a disabled notifier is tried again this long after its last failure
DEFAULT_LIMIT = Limit(in_flight=4)  # of a destination whose notifier is gone from the configuration

log = structlog.get_logger()

LookUp = Callable[[Wanted], Facts]


def know_nothing(wanted: Wanted) -> Facts:
    return NOTHING_KNOWN


@dataclass(frozen=True, kw_only=True)
class Relay:
    """A configuration with its parts put together. Replaced as a whole when the file is read again."""

    config: Config
    router: Router
    targets: Mapping[str, TargetSpec]
    notifiers: Mapping[str, Notifier]
    people: Mapping[str, PersonSpec]
    renderer: Renderer
    transport: Transport
    timezone: ZoneInfo
    limits: Mapping[str, Limit]  # by destination
    actions: Mapping[str, Action] = field(default_factory=dict)
    circleci: "CircleCI | None" = None  # None without a token
    enricher: Enricher | None = None  # None when nothing is ever fetched
    needs: Needs | None = None
    rejections: Rejections = field(default_factory=Rejections)  # of the token, by CircleCI
    quiet: Terms = NO_TERMS
    retry: RetryTerms | None = None  # None: nothing is judged
    judged_actions: frozenset[str] = frozenset()  # done only when the policy says so

    @property
    def recognises_runs(self) -> bool:
        """Whether an event may tell of something that an action started."""
        return any(action.starts_runs for action in self.actions.values())


@dataclass(frozen=True, kw_only=True)
class Decided:
    """What was decided for one event, before anything is written."""

    judgement: Judgement
    judged: Judged
    state_key: str
    resolution: Resolution
    deliveries: tuple[NewDelivery, ...]
    unreached: tuple[str, ...] = ()  # direct messages that cannot be sent, and why
    quiet: tuple[Quiet, ...] = ()  # messages that the noise controls keep back
    missed: tuple[str, ...] = ()  # slots for which a message was kept back
    facts: Facts = NOTHING_KNOWN  # as they are after it

    @property
    def event(self) -> Event:
        return self.judgement.event


def normalise(stored: StoredEvent, relay: Relay) -> Event:
    """The event of a stored webhook, its author looked up among the people."""
    if stored.generation is Generation.OURS:
        return notices.event_of(stored.body, id=stored.id, received_at=stored.received_at)
    event = payloads.parse(stored.body, stored.content_type, id=stored.id, received_at=stored.received_at)
    return replace(event, author=people.identify(event.author, relay.people))


def key_of(event: Event, relay: Relay) -> str:
    if event.kind is EventKind.RELAY:
        return notices.subject_of(event)
    return changes.state_key(event, relay.config.defaults.state.key)


def keys_of(event: Event, relay: Relay) -> tuple[str, ...]:
    """The state keys whose histories deciding needs: its own, and trunk's where that may inhibit it."""
    return (key_of(event, relay), *quieting.trunk_keys(event, relay.quiet).values())


def decide(
    event: Event,
    history: Sequence[Outcome],
    relay: Relay,
    now: datetime,
    look_up: LookUp = know_nothing,
    known: Mapping[str, Known] | None = None,
) -> Decided:
    """Change, routes and deliveries of one event. Pure; `explain` is the same call with nothing stored."""
    drafted = draft(event, history, relay, now, bench_of(relay, known, now))
    return quieten(drafted, relay, now, look_up(wanted([drafted], relay)))


def wanted(drafts: Iterable[Decided], relay: Relay) -> Wanted:
    """What the store has to be asked before these can be decided."""
    each = (
        quieting.wanted(
            it.event, it.deliveries, it.state_key, relay.quiet, it.judgement.turned_by, it.judgement.earlier
        )
        for it in drafts
    )
    return reduce(or_, each, Wanted())


def quieten(drafted: Decided, relay: Relay, now: datetime, facts: Facts) -> Decided:
    """What the noise controls leave of a draft."""
    left = quieting.quieted(
        drafted.event,
        drafted.deliveries,
        relay.quiet,
        facts,
        now,
        drafted.state_key,
        drafted.judgement.earlier,
        _unheld(drafted, relay),
    )
    return replace(
        drafted,
        judgement=_as_heard(drafted.judgement, facts, is_untold=left.is_untold),
        deliveries=left.deliveries,
        quiet=(*drafted.quiet, *left.quiet),
        missed=left.missed,
        facts=left.facts,
    )


def _as_heard(judgement: Judgement, facts: Facts, *, is_untold: bool) -> Judgement:
    """Where the branch stands for those who are told of it."""
    if judgement.turned_by in facts.unsaid:
        return changes.as_never_red(judgement)
    return changes.as_untold(judgement) if is_untold else judgement


def _unheld(drafted: Decided, relay: Relay) -> frozenset[str]:
    """Routes whose retry the policy decided against."""
    if not relay.judged_actions or drafted.judged.awaits_retry:
        return frozenset()
    return frozenset(
        decision.route
        for decision in drafted.resolution.decisions
        if not relay.judged_actions.isdisjoint(decision.act)
    )


def _judged(event: Event, bench: "Bench | None") -> Judged:
    """A failure that cannot be judged is told all the same."""
    try:
        return bench.judge(event) if bench else Judged(event=event)
    except Exception:
        log.exception("a failure could not be judged", event_id=event.id)
        return Judged(event=event)


def known_of(ledger: "Ledger", events: Iterable[Event], relay: Relay, now: datetime) -> Mapping[str, Known]:
    """What judging these events needs, by event."""
    if relay.retry is None:
        return {}
    from relay.judging import known

    return known.known_of(ledger, events, relay.retry, now)


def bench_of(relay: Relay, known: Mapping[str, Known] | None, now: datetime) -> "Bench | None":
    """None where nothing is judged."""
    if relay.retry is None:
        return None
    from relay.judging.bench import Bench

    return Bench(terms=relay.retry, known=known or {}, now=now)


def draft(
    event: Event, history: Sequence[Outcome], relay: Relay, now: datetime, bench: "Bench | None" = None
) -> Decided:
    """The decision as the routes have it, before anything is quieted."""
    judgement = changes.judge(event, history, relay.config.defaults.state.ignore_status)
    judged = _judged(judgement.event, bench)
    judgement = replace(judgement, event=judged.event)
    resolution = relay.router.resolve(judgement.event)
    unmatched = Decision(route="unmatched", notify=relay.config.unmatched.notify, settings={})
    state_key = key_of(event, relay)
    deliveries = planning.plan(
        judgement.event,
        resolution,
        relay.targets,
        now,
        state_key=state_key,
        substitute=relay.config.defaults.unknown_author,
        unmatched=None if event.kind is EventKind.RELAY else unmatched,
    )
    allowed = (each for each in deliveries if not notices.is_avoided(event, each.destination))
    gated = gate(
        allowed,
        judged,
        relay.judged_actions,
        now,
        yields=relay.retry is None or relay.retry.yields,
    )
    if bench:
        bench.take(gated.judged)
    return Decided(
        judgement=replace(judgement, event=gated.judged.event),
        judged=gated.judged,
        state_key=state_key,
        resolution=resolution,
        deliveries=gated.deliveries,
        quiet=gated.refused,
        unreached=planning.unreached(
            judgement.event, resolution, relay.targets, relay.config.defaults.unknown_author
        ),
    )


def plan(
    event: Event,
    history: Sequence[Outcome],
    relay: Relay,
    now: datetime,
    look_up: LookUp = know_nothing,
    known: Mapping[str, Known] | None = None,
) -> Planned:
    """The decision as the store records it."""
    return as_plan(decide(event, history, relay, now, look_up, known), relay, now)


def as_plan(decided: Decided, relay: Relay, now: datetime, place: int = 0) -> Planned:
    """`place` is the event's among those that were decided together."""
    return Planned(
        event=decided.event,
        state_key=decided.state_key,
        outcome=decided.judgement.outcome,
        deliveries=decided.deliveries,
        decision={
            **planning.decision_record(decided.resolution, decided.deliveries, decided.unreached),
            "quiet": quieting.as_records(decided.quiet),
            "planned": _circumstances(decided, now, place),
            **({"ruling": ruling} if (ruling := as_record(decided.judged)) else {}),
        },
        config=relay.config.fingerprint,
        missed=decided.missed,
        ruled=decided.judged.ruled,
        ended=decided.judged.ended,
    )


def _circumstances(decided: Decided, now: datetime, place: int) -> dict[str, Any]:
    """What it takes to decide the same again; see `relay.backtest`."""
    known = {
        "silences": [silence.id for silence in decided.facts.silences],
        "missed": list(decided.missed),
        "notes": sorted(decided.event.notes),
    }
    return {"at": now.isoformat(), "place": place, **{name: found for name, found in known.items() if found}}


def decide_all(
    events: Iterable[Event],
    histories: Mapping[str, Sequence[Outcome]],
    relay: Relay,
    now: datetime,
    look_up: LookUp = know_nothing,
    known: Mapping[str, Known] | None = None,
) -> tuple[Planned | Exception, ...]:
    """Plans in order; each sees what the ones before it did to the state of its branch, and to the slots.
    `known` is by event what judging failures needs.

    An event that cannot be planned is answered with its exception, and the others go on. `look_up` is asked
    once, for all of them.
    """
    events = tuple(events)
    bench = bench_of(relay, known, now)
    drafts = _drafts(events, histories, relay, now, bench)
    batch = _Batch(relay=relay, now=now, look_up=look_up, histories=dict(histories), bench=bench)
    batch.ask(wanted((each for each in drafts if isinstance(each, Decided)), relay))
    decided = [batch.decide(event, drafted) for event, drafted in zip(events, drafts, strict=True)]
    return tuple(
        as_plan(each, relay, now, place) if isinstance(each, Decided) else each
        for place, each in enumerate(decided)
    )


@dataclass(kw_only=True)
class _Batch:
    """Events that are planned together, one after the other. `histories` and `facts` are as the last one
    left them."""

    relay: Relay
    now: datetime
    look_up: LookUp
    histories: dict[str, Sequence[Outcome]]
    bench: "Bench | None"
    facts: Facts = NOTHING_KNOWN
    asked: Wanted = field(default_factory=Wanted)
    misjudged: set[str] = field(default_factory=set)  # state keys of which less was told than was thought

    def ask(self, more: Wanted) -> None:
        """Ask for what is not known yet, if there is such a thing."""
        known = Wanted(states=tuple(self.histories))
        fresh = more - self.asked - known
        if fresh != Wanted() or self.asked == Wanted():
            found = self.look_up(fresh)
            self.facts = self.facts | found
            self.histories.update(found.histories)
            self.asked = self.asked | fresh

    def decide(self, event: Event, drafted: Decided | Exception) -> Decided | Exception:
        """A draft that took something for told which was not is made again."""
        if isinstance(drafted, Decided) and drafted.state_key in self.misjudged:
            drafted = _drafted(event, self.histories, self.relay, self.now, self.bench)
            if isinstance(drafted, Decided):
                self.ask(wanted([drafted], self.relay))
        if isinstance(drafted, Exception):
            return drafted
        facts = replace(self.facts, histories=self.histories)
        decided = quieten(drafted, self.relay, self.now, facts)
        self.facts = decided.facts
        if decided.judgement.outcome is not None:
            earlier = self.histories.get(decided.state_key, ())
            self.histories[decided.state_key] = (decided.judgement.outcome, *earlier)
        if decided.judgement.outcome != drafted.judgement.outcome:
            self.misjudged.add(decided.state_key)
        return decided


def _drafts(
    events: Iterable[Event],
    histories: Mapping[str, Sequence[Outcome]],
    relay: Relay,
    now: datetime,
    bench: "Bench | None",
) -> tuple[Decided | Exception, ...]:
    known = {key: tuple(history) for key, history in histories.items()}
    drafts: list[Decided | Exception] = []
    for event in events:
        drafted = _drafted(event, known, relay, now, bench)
        if isinstance(drafted, Decided) and drafted.judgement.outcome is not None:
            outcome = drafted.judgement.outcome
            known[drafted.state_key] = (outcome, *known.get(drafted.state_key, ()))
        drafts.append(drafted)
    return tuple(drafts)


def _drafted(
    event: Event,
    histories: Mapping[str, Sequence[Outcome]],
    relay: Relay,
    now: datetime,
    bench: "Bench | None",
) -> Decided | Exception:
    try:
        return draft(event, histories.get(key_of(event, relay), ()), relay, now, bench)
    except Exception as error:  # noqa: BLE001 - one event must not hold up the others; the worker records it
        return error


def given_up(claim: Claim) -> RelayError | None:
    """Why an event is not planned once more: the tries before ended with their worker, as if it killed it."""
    if claim.step is Step.PLAN and claim.lost and claim.attempt > PLAN_TRIES:
        return RelayError(
            "the worker vanished in the last try to plan it; perhaps planning it is what ends it"
        )
    return None


def plan_failed(claim: Claim, error: Exception, relay: Relay, now: datetime) -> Finish:
    """A try at planning that failed: again later, and stuck after the last one."""
    again = PLAN_RETRIES[claim.attempt - 1] if claim.attempt <= len(PLAN_RETRIES) else None
    return Finish(
        claim=claim,
        outcome=AttemptOutcome.PERMANENT if again is None else AttemptOutcome.TEMPORARY,
        started_at=now,
        ended_at=now,
        error=relay.config.masker(f"{type(error).__name__}: {error}"),
        again_at=None if again is None else now + timedelta(seconds=again),
    )


def deliver_one(
    claim: Claim,
    delivery: StoredDelivery,
    relay: Relay,
    clock: Callable[[], datetime],
    message: Message | None = None,
) -> Finish:
    """One attempt: render unless that is done, send, and what follows from the answer."""
    started = clock()
    try:
        notifier = notifier_of(delivery, relay)
        refuse_dead(claim, delivery.target, started)
        if not delivery.events:
            return _nothing_left(claim, started)
        if notifier.shadow or delivery.settings.get(planning.SHADOW):
            said = message or render(delivery, notifier, relay, started)
            return _in_shadow(claim, said, relay, started)
        message = message or render(delivery, notifier, relay, started)
        answer = notifier.send(message, outgoing(claim, delivery, relay, started), relay.transport)
    except DeliveryError as error:
        return failed(claim, delivery, relay, error, started, clock(), message)
    return Finish(
        claim=claim,
        outcome=AttemptOutcome.DELIVERED,
        started_at=started,
        ended_at=clock(),
        answer=_masked(answer, relay),
        error=relay.config.masker(message.problem) if message.problem else None,
        title=message.fallback or message.title,
    )


def _nothing_left(claim: Claim, now: datetime) -> Finish:
    """A held message of which nothing is news any more."""
    return Finish(
        claim=claim,
        outcome=AttemptOutcome.DELIVERED,
        started_at=now,
        ended_at=now,
        is_told=False,
        title=NOTHING_LEFT,
    )


def _in_shadow(claim: Claim, message: Message, relay: Relay, now: datetime) -> Finish:
    """Everything was done but the sending, so it says nothing about the destination either."""
    return Finish(
        claim=claim,
        outcome=AttemptOutcome.SHADOW,
        started_at=now,
        ended_at=now,
        error=relay.config.masker(message.problem) if message.problem else None,
        is_fault=False,
        title=f"{NOT_SENT}: {message.fallback or message.title}",
    )


def refuse_dead(claim: Claim, target: str, now: datetime) -> None:
    """DeliveryError while nothing gets through to the destination; now and then one try is made.

    A failure far in the future is one from before the clock was set back.
    """
    if claim.dead_since is None or abs(now.timestamp() - claim.dead_since) >= PROBE_DEAD_S:
        return
    since = datetime.fromtimestamp(claim.dead_since, now.tzinfo)
    raise DeliveryError(
        f"notifier {target} is disabled since {since:%Y-%m-%d %H:%M} UTC: {claim.dead_why};"
        f" mend it, try it with `relay send-test {target}`, then"
        f" `relay replay --dead --target {target}`",
        permanent=True,
    )


def notifier_of(delivery: StoredDelivery, relay: Relay) -> Notifier:
    """DeliveryError when the configuration no longer has it."""
    try:
        return relay.notifiers[delivery.target]
    except KeyError:
        raise DeliveryError(
            f"notifier {delivery.target} is no longer in the configuration; add it again and replay",
            permanent=True,
        ) from None


def render(delivery: StoredDelivery, notifier: Notifier, relay: Relay, now: datetime) -> Message:
    """The message for this notifier, in its markup."""
    template = delivery.settings.get("template") or notifier.template or relay.config.defaults.template
    return relay.renderer.render(
        notifier.markup,
        notifier.type,
        template,
        told_by(delivery, notifier),
        reason_of(delivery),
        now,
        relay.timezone,
        limit=notifier.body_limit,
        account=delivery.account,
    )


def told_by(delivery: StoredDelivery, notifier: Notifier) -> Sequence[Event]:
    """The events a message tells: with a card that changes in place, the newest of all it was about."""
    if notifier.style != "update" or not notifier.can_edit or delivery.lane is None:
        return delivery.events
    return cards.current((*delivery.earlier, *delivery.events))


def reason_of(delivery: StoredDelivery) -> Reason:
    failed = delivery.settings.get(INSTEAD_OF, ())
    missed = delivery.settings.get(quieting.MISSED)
    return Reason(
        route=delivery.route,
        change=speaker_of(delivery).change,
        **_gathered(delivery),
        instead_of=str(failed[-1]) if failed else None,
        missed=missed["count"] if missed else 0,
        missed_since=datetime.fromisoformat(missed["since"]) if missed else None,
    )


def speaker_of(delivery: StoredDelivery) -> Event:
    """The event that says what the message is about: the last one, in an account the worst."""
    return delivery.events[0] if delivery.account else delivery.events[-1]


def _gathered(delivery: StoredDelivery) -> dict[str, Any]:
    """What the reason says of a message that gathers many."""
    told = delivery.settings.get(planning.GATHERED)
    if told is None:
        return {}
    times = {name: datetime.fromisoformat(told[name]) for name in ("since", "until")}
    budget = (
        f"{plural(told['messages'], 'message')} in {duration(told['per'])}" if "messages" in told else None
    )
    return {"digest": True, **times, "budget": budget}


def outgoing(claim: Claim, delivery: StoredDelivery, relay: Relay, now: datetime) -> Outgoing:
    """What a notifier may need to know beside the message."""
    substitute = relay.config.defaults.unknown_author
    last = speaker_of(delivery)
    author = Author() if delivery.account else last.author  # those of an account are mentioned by their names
    mentions = people.resolve_mentions(delivery.mention, author, relay.people, substitute)
    conversation = notifier_of(delivery, relay).conversation
    return Outgoing(
        delivery_id=delivery.id,
        attempt=claim.attempt,
        events=delivery.events,
        more_events=delivery.account.count - len(delivery.events) if delivery.account else 0,
        reason=reason_of(delivery),
        sent_at=now,
        mentions=tuple(relay.people[key] for key in mentions),
        subject=(None if delivery.account else cards.subject(last, conversation, key_of(last, relay))) or "",
        card=delivery.card,
        direct=relay.people.get(delivery.direct or ""),
        is_silent=bool(delivery.settings.get(quieting.SILENT)),
    )


def broke_down(
    claim: Claim,
    delivery: StoredDelivery | None,
    relay: Relay,
    error: Exception,
    started: datetime,
    ended: datetime,
) -> Finish:
    """An attempt that ended in an error nobody foresaw: tried again like a temporary one."""
    fault = DeliveryError(f"{type(error).__name__}: {error}", permanent=delivery is None)
    return failed(claim, delivery, relay, fault, started, ended, None)


def failed(
    claim: Claim,
    delivery: StoredDelivery | None,
    relay: Relay,
    error: DeliveryError,
    started: datetime,
    ended: datetime,
    message: Message | None = None,
) -> Finish:
    """What follows from a failed attempt: another one later, or the end."""
    terms = relay.config.defaults.delivery
    again = retries.next_try(
        terms.retries,
        claim.attempt,
        error,
        ended,
        give_up_after=terms.give_up_after,
        first_at=delivery.queued_at if delivery else started,
        jitter=random.random,
    )
    pause_s = None if error.retry_after is None else min(error.retry_after, LONGEST_PAUSE_S)
    return Finish(
        claim=claim,
        outcome=AttemptOutcome.PERMANENT if error.permanent else AttemptOutcome.TEMPORARY,
        started_at=started,
        ended_at=ended,
        answer=_masked(Answer(status=error.status, excerpt=error.excerpt), relay),
        error=relay.config.masker(str(error)),
        again_at=again,
        pause_until=None if pause_s is None else ended + timedelta(seconds=pause_s),
        is_dead=error.is_dead,
        instead=instead(delivery, relay) if again is None and delivery else (),
        title=message.fallback or message.title if message else None,
    )


def instead(delivery: StoredDelivery, relay: Relay) -> tuple[NewDelivery, ...]:
    """What another notifier owes when a delivery has failed for good: the next fallback, none twice."""
    notifier = relay.notifiers.get(delivery.target)
    failed = (*delivery.settings.get(INSTEAD_OF, ()), delivery.target)
    others = (*delivery.settings.get(NEXT, ()), *(notifier.fallback if notifier else ()))
    left = [
        name
        for name in dict.fromkeys(others)
        if name not in failed and name in relay.targets and not _is_avoided(delivery, relay.targets[name])
    ]
    if not left:
        return ()
    settings = {key: value for key, value in delivery.settings.items() if key != "group"}
    settings |= {INSTEAD_OF: list(failed), NEXT: left[1:]}
    return (_instead(delivery, relay.targets[left[0]], settings, relay),)


def _is_avoided(delivery: StoredDelivery, target: TargetSpec) -> bool:
    return any(notices.is_avoided(event, target.destination) for event in delivery.events)


def _instead(
    delivery: StoredDelivery, target: TargetSpec, settings: Mapping[str, Any], relay: Relay
) -> NewDelivery:
    """It is sent whatever is left of the other's budget, and costs one of that."""
    return NewDelivery(
        id=new_id(),
        target=target.name,
        kind=delivery.kind,
        destination=target.destination,
        route=delivery.route,
        also=delivery.also,
        direct=delivery.direct if delivery.direct in target.reaches else None,
        spends=target.name in relay.quiet.budgets,
        mention=delivery.mention,
        settings=settings,
    )


def _masked(answer: Answer, relay: Relay) -> Answer:
    return replace(answer, excerpt=relay.config.masker(answer.excerpt))
