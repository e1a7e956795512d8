"""The schema, with the life of each row written beside it. The same on SQLite and PostgreSQL.

Life of an event                          Life of a delivery

    accept                                    record_plan
      | new                                     | open      a group, still collecting events
      |-- record_plan --> planned               |           (claim closes it)
      `-- tries used up -> stuck                | waiting   due now or later, or behind its lane
           (replay -> new)                      |-- finish --> delivered | dead | unknown
                                                `-- replay of dead or unknown --> waiting

Life of a row of `work`, which holds what is still owed and nothing else

    insert --> ready | blocked         blocked: an older row of its lane is still live
    blocked --> ready                  that older one ended
    ready --> leased                   claim: attempt + 1, a worker and a lease
    leased --> ready                   finish with another try, or the worker is gone (lost = true)
    leased --> deleted                 finish for good; the history tables keep the story

Life of a run, what an action starts at CircleCI, is drawn in `relay/runs.py`.

A delivery whose work row is leased is shown as leased, and one that was delivered in shadow, which is to
nobody, as shadow; those words are never stored in `deliveries.state`.
Times are seconds since 1970 in UTC. `due_at` 0 means now, whatever the clock says. `wait_s` is how long
the present wait was meant to be, so `due_at > now + wait_s` shows that the clock was set back.

`info` says what the migrations make that each database has its own words for: the rows that are in a partial
index, and how a table is stored. As SQLAlchemy's options they would load the dialects of both databases into
every process, of which each needs one.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    false,
    literal_column,
    text,
)
from sqlalchemy.types import TypeDecorator


class Step(StrEnum):
    PLAN = "plan"
    DELIVER = "deliver"


class WorkState(StrEnum):
    READY = "ready"
    BLOCKED = "blocked"
    LEASED = "leased"


class EventState(StrEnum):
    NEW = "new"
    PLANNED = "planned"
    STUCK = "stuck"


PLANNING = "plan"  # the destination of every plan step
NO_NUMBER = -1  # stored for an outcome without a number, so that both databases sort it after all pipelines
FIRST_BUILD = -(2**62)  # build numbers are stored from here on: another scale than pipelines, sorted apart


class Moment(TypeDecorator[datetime]):
    """An aware datetime, kept as seconds since 1970."""

    impl = Double
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> float | None:
        return None if value is None else value.timestamp()

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        return None if value is None else datetime.fromtimestamp(value, UTC)


# Keys compare byte by byte on both databases, whatever the locale of the server.
Key = Text().with_variant(Text(collation="C"), "postgresql")
Serial = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData()

events = Table(
    "events",
    metadata,
    Column("id", Key, primary_key=True),
    Column("dedupe_key", Key, nullable=False, unique=True),
    Column("source_id", Text),
    Column("received_at", Moment, nullable=False),
    Column("kind", Text, nullable=False),
    Column("generation", Text, nullable=False),
    Column("type", Text),
    Column("content_type", Text),
    Column("body", LargeBinary, nullable=False),  # what was sent, packed
    Column("state", Text, nullable=False),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("error", Text),
    # From here on filled in by planning.
    Column("project", Key),
    Column("branch", Text),
    Column("tag", Text),
    Column("status", Text),
    Column("change", Text),
    Column("number", BigInteger),
    Column("state_key", Text),
    Column("commit_sha", Text),
    Column("author", Text),
    Column("workflow", Text),
    Column("job", Text),
    Column("url", Text),
    Column("facts", LargeBinary),  # the judged Event, packed
    Column("decision", LargeBinary),  # why it was routed as it was, packed
    Column("config", Text),  # fingerprint of the configuration that decided
    CheckConstraint("state IN ('new', 'planned', 'stuck')", name="events_state"),
)
Index(
    "events_project",
    events.c.project,
    events.c.id,
    info={"where": "project IS NOT NULL"},
)
Index(
    "events_stuck",
    events.c.id,
    info={"where": "state = 'stuck'"},
)

outcomes = Table(
    "outcomes",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("state_key", Key, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("event_id", Key, nullable=False),
    Column("run", Key),
    Column("status", Text, nullable=False),
    Column("commit_sha", Text),
    Column("red", Boolean),
    Column("finished_at", Moment),
    Column("recorded_at", Moment, nullable=False),
    Column("how", Text),  # names of the steps that failed, as JSON
)
Index("outcomes_order", outcomes.c.state_key, outcomes.c.number, outcomes.c.started_at, outcomes.c.event_id)
Index("outcomes_once", outcomes.c.state_key, outcomes.c.run, outcomes.c.status, unique=True)

# An event's webhook that came again, by any sender's or network's fault.
repeats = Table(
    "repeats",
    metadata,
    Column("dedupe_key", Key, primary_key=True),  # as the event has it
    Column("times", Integer, nullable=False),  # after the first
    Column("last_at", Moment, nullable=False),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Key, primary_key=True),
    Column("target", Key, nullable=False),
    Column("kind", Text, nullable=False),
    Column("route", Text, nullable=False),
    Column("destination", Key, nullable=False),
    Column("lane", Key),
    Column("group_key", Key),
    Column("open", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("queued_at", Moment, nullable=False),  # created or last replayed: when giving up is counted from
    Column("due_at", Double, nullable=False),
    Column("latest_at", Double),  # a group never waits longer than this
    Column("closed_at", Double),  # when a group was claimed; what is planned in that turn is still part of it
    Column("finished_at", Moment),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("terms", LargeBinary, nullable=False),  # other routes, mentions and settings, packed
    Column("title", Text),
    Column("error", Text),
    Column("receipt", LargeBinary),
    Column("as_of", BigInteger),  # the last outcome recorded when it closed; what came later does not count
    Column("shadow", Boolean, nullable=False, server_default=false()),  # what was delivered was not sent
    Column("spends_at", Moment),  # when it costs one of its notifier's budget; NULL when it costs nothing
    CheckConstraint("state IN ('open', 'waiting', 'delivered', 'dead', 'unknown')", name="deliveries_state"),
)
Index(
    "deliveries_open",
    deliveries.c.target,
    deliveries.c.group_key,
    unique=True,
    info={"where": "open"},
)
Index(
    "deliveries_failed",
    deliveries.c.state,
    deliveries.c.id,
    info={"where": "state IN ('dead', 'unknown')"},
)
Index(
    "deliveries_lane",
    deliveries.c.target,
    deliveries.c.lane,
    deliveries.c.id,
    info={"where": "lane IS NOT NULL"},
)
Index(
    "deliveries_spent",
    deliveries.c.target,
    deliveries.c.spends_at,
    info={"where": "spends_at IS NOT NULL"},
)
Index(
    "deliveries_dead",
    deliveries.c.finished_at,
    info={"where": "state = 'dead'"},
)

delivery_events = Table(
    "delivery_events",
    metadata,
    Column("delivery_id", Key, ForeignKey("deliveries.id", ondelete="CASCADE"), primary_key=True),
    Column("event_id", Key, ForeignKey("events.id", ondelete="CASCADE"), primary_key=True),
    info={"sqlite": "WITHOUT ROWID"},
)
Index("delivery_events_event", delivery_events.c.event_id)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("ref", Key, nullable=False),  # a delivery's id, or an event's for tries at planning it
    Column("number", Integer, nullable=False),
    Column("worker", Text, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("ended_at", Moment, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("status", Integer),
    Column("error", Text),
    Column("excerpt", Text),
    Column("recorded_at", Moment),  # the time of the turn that did; plans of that turn do not know of it yet
    Column("again_at", Moment),  # when the next one was to be made
)
Index("attempts_ref", attempts.c.ref, attempts.c.id)

work = Table(
    "work",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("step", Text, nullable=False),
    Column("ref", Key, nullable=False, unique=True),
    Column("destination", Key, nullable=False),
    Column("lane", Key),
    Column("state", Text, nullable=False),
    Column("grouped", Boolean, nullable=False),  # its delivery may still be open
    Column("due_at", Double, nullable=False),
    Column("wait_s", Double, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("worker", Text),
    Column("lease_until", Double),
    Column("lost", Boolean, nullable=False),  # the attempt before this one never reported back
    CheckConstraint("state IN ('ready', 'blocked', 'leased')", name="work_state"),
    info={
        "sqlite": "AUTOINCREMENT",  # an id is never used twice, or a late result could meet a new row
        "postgresql": {
            "fillfactor": 50,
            "autovacuum_vacuum_scale_factor": 0.01,
            "autovacuum_vacuum_threshold": 500,
            "autovacuum_vacuum_cost_delay": 0,
            "autovacuum_analyze_scale_factor": 0.05,
        },
    },
)
Index(
    "work_ready",
    work.c.destination,
    work.c.due_at,
    work.c.id,
    info={"where": "state = 'ready'"},
)
Index(
    "work_leased",
    work.c.destination,
    work.c.lease_until,
    work.c.worker,
    info={"where": "state = 'leased'"},
)
Index(
    "work_lane",
    work.c.lane,
    work.c.id,
    info={"where": "lane IS NOT NULL"},
)

destinations = Table(
    "destinations",
    metadata,
    Column("key", Key, primary_key=True),
    Column("arrival_at", Double, nullable=False),  # GCRA: the theoretical arrival time
    Column("paused_until", Double, nullable=False),
    Column("pause_s", Double, nullable=False),  # how long that pause was meant to be
    Column("failures", Integer, nullable=False),  # temporary ones in a row
    Column("failed_at", Double, nullable=False),
    Column("dead_since", Double),  # nothing gets through until somebody mends it; asked again now and then
    Column("dead_why", Text),
)

cards = Table(
    "cards",
    metadata,
    Column("lane", Key, primary_key=True),
    Column("destination", Key, nullable=False),
    Column("receipt", LargeBinary, nullable=False),  # of the message the conversation has there, packed
    Column("changed_at", Moment, nullable=False),
)
Index("cards_changed", cards.c.changed_at)

silences = Table(
    "silences",
    metadata,
    Column("id", Key, primary_key=True),
    Column("created_at", Moment, nullable=False),
    Column("until_at", Moment, nullable=False),
    Column("match", LargeBinary, nullable=False),  # fields and patterns as written, packed
    Column("who", Text),
    Column("why", Text),
    Column("removed_at", Moment),
)
Index("silences_until", silences.c.until_at)

# What a slot is worth hangs on its delivery: waiting keeps it, delivered uses it up, dead gives it back.
slots = Table(
    "slots",
    metadata,
    Column("name", Key, primary_key=True),  # control, target and key
    Column("delivery_id", Key, nullable=False),
    Column("reserved_at", Moment, nullable=False),
    Column("missed", Integer, nullable=False),  # kept back since, and nobody was told
    Column("missed_since", Moment),
    Column("carried", Integer, nullable=False),  # kept back before, which the delivery tells
    Column("carried_since", Moment),
)
Index("slots_delivery", slots.c.delivery_id)
Index("slots_reserved", slots.c.reserved_at)

workers = Table(
    "workers",
    metadata,
    Column("id", Key, primary_key=True),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("beat", BigInteger, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
)

generations = Table(
    "generations",
    metadata,
    Column("fingerprint", Text, primary_key=True),
    Column("routes", LargeBinary, nullable=False),  # packed JSON
    Column("loaded_at", Moment, nullable=False),
)

marks = Table(
    "marks",
    metadata,
    Column("key", Key, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("text", Text, nullable=False),
    Column("version", BigInteger, nullable=False),  # who changes a mark names the one it read
)

rulings = Table(
    "rulings",
    metadata,
    Column("event_id", Key, primary_key=True),
    Column("root", Key, nullable=False),  # what all attempts of one run share
    Column("project", Key, nullable=False),
    Column("branch", Text),
    Column("commit_sha", Text),
    Column("at", Moment, nullable=False),
    Column("jobs_failed", Integer, nullable=False),
    Column("tests_failed", Integer, nullable=False),
    Column("minutes", Double, nullable=False),  # that another run would take
    Column("mode", Text, nullable=False),
    Column("retry", Boolean, nullable=False),  # the ruling
    Column("explored", Boolean, nullable=False),  # tried again by lot
    Column("rule", Text),
    Column("stop", Text),
    Column("p_transient", Double),
    Column("p_passes", Double),
    Column("passed", Boolean),  # whether a later attempt did
    Column("verdict", Text),
    Column("ended_at", Moment),
)
Index("rulings_root", rulings.c.root, rulings.c.at)
Index("rulings_project", rulings.c.project, rulings.c.at)
Index("rulings_retried", rulings.c.at, info={"where": "retry"})

failures = Table(
    "failures",
    metadata,
    Column("event_id", Key, primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("project", Key, nullable=False),
    Column("branch", Text),
    Column("commit_sha", Text),
    Column("author", Text),
    Column("job", Text),
    Column("failure_class", Text, nullable=False),
    Column("signature", Key),
    Column("fingerprint", Key, nullable=False),
    Column("evidence", Text),  # the decisive line, without secrets
    Column("tests", LargeBinary),  # ids of those that failed, packed
)
Index("failures_signature", failures.c.signature, failures.c.at)
Index("failures_fingerprint", failures.c.fingerprint, failures.c.at)

runs = Table(
    "runs",
    metadata,
    Column("delivery_id", Key, primary_key=True),  # in order of time, like every id of ours
    Column("kind", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("project", Text, nullable=False),
    Column("root", Key, nullable=False),
    Column("origin", Key, nullable=False),
    Column("family", Key),
    Column("scope", Key, nullable=False),
    Column("depth", Integer, nullable=False),
    Column("requested_at", Moment, nullable=False),
    Column("state", Text, nullable=False),
    Column("child", Key),
    Column("number", BigInteger),
    Column("how", Text),
    Column("why", Text),
    CheckConstraint("state IN ('intended', 'started', 'refused', 'unknown')", name="runs_state"),
)
Index("runs_root", runs.c.root)
Index("runs_origin", runs.c.origin)
Index("runs_family", runs.c.family)
Index("runs_child", runs.c.child)
Index("runs_scope", runs.c.scope, runs.c.requested_at)

# Written out, not bound: SQLite uses a partial index only when it sees the value in the statement.
IS_READY = work.c.state == literal_column("'ready'")
IS_BLOCKED = work.c.state == literal_column("'blocked'")
IS_LEASED = work.c.state == literal_column("'leased'")
