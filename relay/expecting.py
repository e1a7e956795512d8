"""Looks for the runs that `watch` expects in what is stored, and tells of those that are missing."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

import structlog

from relay import durations, schedules, watching
from relay.config.watch import Watch
from relay.model import Event, EventKind, Level, Status
from relay.notices import Notice, What
from relay.pipeline import Relay
from relay.render.wording import STATUS_WORDS
from relay.store import Found, Mark, Sought, Store, mark_key
from relay.store.signs import finished_at
from relay.troubles import Tell
from relay.watching import Missed

WATCH = "watch"  # the kind of marks
MORE = timedelta(days=1)  # looked back further than a rhythm asks for
JOBS = (EventKind.JOB, EventKind.BUILD)
WORKFLOWS = (EventKind.WORKFLOW, EventKind.BUILD)

log = structlog.get_logger()


class Expecting:
    """One step for each watch. A watch begins when it is first seen; a changed one begins anew."""

    def __init__(self, store: Store, tell: Tell) -> None:
        self._store = store
        self._tell = tell
        self._learned: dict[str, tuple[datetime, tuple[int, ...]]] = {}  # by mark, with the day it is of
        self._last: dict[str, datetime] = {}  # finished, by mark: until its time is over nothing is missed

    def steps(self, relay: Relay, now: datetime) -> Iterator[None]:
        if not relay.config.watch:
            return
        marks = self._store.signs.marks(WATCH)
        known = min(now, self._store.signs.oldest_unplanned() or now)
        for name, watch in relay.config.watch.items():
            key = mark_key(WATCH, f"{name} {_digest(watch)}")
            if key in marks:
                self._look(name, watch, marks[key], relay, known)
            else:
                self._store.signs.put(Mark(key=key, at=now))
            yield
        self._forget_gone(marks, relay, now)

    def _forget_gone(self, marks: Mapping[str, Mark], relay: Relay, now: datetime) -> None:
        """Marks of watches that were taken out of the configuration, or changed, long ago."""
        ours = {mark_key(WATCH, f"{name} {_digest(watch)}") for name, watch in relay.config.watch.items()}
        before = now - timedelta(seconds=relay.config.defaults.keep)
        gone = sorted(key for key, mark in marks.items() if key not in ours and mark.at < before)
        if gone:
            self._store.signs.remove(gone)

    def _look(self, name: str, watch: Watch, mark: Mark, relay: Relay, now: datetime) -> None:
        """`now` is as far as all that came has been planned."""
        pending = _pending(mark)
        if pending and pending.ends and now > pending.ends + MORE:
            pending, mark = None, replace(mark, text="")
        if watch.every is not None:
            self._look_at_rhythm(name, watch, mark, pending, relay, now)
        else:
            self._look_at_times(name, watch, mark, pending, relay, now)

    def _look_at_rhythm(
        self, name: str, watch: Watch, mark: Mark, pending: Missed | None, relay: Relay, now: datetime
    ) -> None:
        last = self._last.get(mark.key)
        if pending is None and last is not None and last <= now < last + _rhythm(watch):
            return
        since = now - _rhythm(watch) - MORE
        found = self._found(watch, min(since, pending.begins) if pending else since, relay)
        mark = self._arrived(name, watch, mark, pending, found.runs, relay, now)
        if mark.text:
            return  # told, and none has come since
        last = finished_at(found.runs[-1]) if found.runs else max(mark.at, found.since)
        self._last[mark.key] = last
        every, late_after = timedelta(seconds=watch.every or 0.0), timedelta(seconds=watch.late_after)
        for missed in watching.missed_rhythm(every, late_after, last, now):
            self._missed(name, watch, mark, missed, relay, now)

    def _look_at_times(
        self, name: str, watch: Watch, mark: Mark, pending: Missed | None, relay: Relay, now: datetime
    ) -> None:
        """Runs are only read when a time has come, or one that was missed may still arrive."""
        due = self._due(watch, mark, relay, now)
        begins = [each.begins for each in (*due, *([pending] if pending else []))]
        if not begins:
            return
        found = self._found(watch, min(begins), relay)
        mark = self._arrived(name, watch, mark, pending, found.runs, relay, now)
        finishes = [finished_at(run) for run in found.runs]
        for each in due:
            if each.begins < found.since:
                log.warning("too many events to tell whether a watched run has finished", watch=name)
            elif watching.first_run(each, finishes) is None:
                mark = self._missed(name, watch, mark, each, relay, now)
        if due and mark.at < due[-1].deadline:
            self._store.signs.put(replace(mark, at=due[-1].deadline))

    def _due(self, watch: Watch, mark: Mark, relay: Relay, now: datetime) -> tuple[Missed, ...]:
        """The times whose deadline came since the last one that was looked at."""
        minutes = self._usual(watch, mark.key, relay, now) if watch.usual else minutes_of(watch)
        after = mark.at + watching.TOLERANCE if watch.usual and mark.version > 1 else mark.at
        late_after = timedelta(seconds=watch.late_after)
        return watching.missed_times(minutes, timezone_of(watch, relay), late_after, (), after, now)

    def _found(self, watch: Watch, after: datetime, relay: Relay) -> Found:
        return self._store.signs.runs(_sought(watch, relay), after)

    def _usual(self, watch: Watch, key: str, relay: Relay, now: datetime) -> tuple[int, ...]:
        """Learned once a day, from whole days, so that all workers know the same."""
        day = datetime.combine(now.date(), time(), UTC)
        if key not in self._learned or self._learned[key][0] != day:
            weeks = watching.WEEKS * watching.WEEK
            found = self._found(watch, day - weeks, relay)
            finishes = [finished_at(run) for run in found.runs]
            self._learned[key] = day, watching.learned(finishes, timezone_of(watch, relay), day)
        return self._learned[key][1]

    def _missed(
        self, name: str, watch: Watch, mark: Mark, missed: Missed, relay: Relay, now: datetime
    ) -> Mark:
        new = replace(mark, at=missed.deadline, text=_as_text(missed))
        notice = run_missing(name, watch, missed, timezone_of(watch, relay))
        self._tell(self._store, notice, now, new)
        return replace(new, version=mark.version + 1)

    def _arrived(
        self,
        name: str,
        watch: Watch,
        mark: Mark,
        pending: Missed | None,
        runs: Sequence[Event],
        relay: Relay,
        now: datetime,
    ) -> Mark:
        """Tells of the run that was missing, if it is there now."""
        at = watching.first_run(pending, [finished_at(run) for run in runs]) if pending else None
        if pending is None or at is None:
            return mark
        notice = run_arrived(name, watch, pending, runs[at], timezone_of(watch, relay))
        new = replace(mark, text="")
        self._tell(self._store, notice, now, new)
        return replace(new, version=mark.version + 1)


def timezone_of(watch: Watch, relay: Relay) -> ZoneInfo:
    return ZoneInfo(watch.timezone) if watch.timezone else relay.timezone


def minutes_of(watch: Watch) -> tuple[int, ...]:
    """The minutes of the week that `by` and `days` name."""
    of_day = schedules.parse_time(watch.by or "00:00")
    days = schedules.parse_days(watch.days) if watch.days else range(len(schedules.WEEK))
    return tuple(sorted((day * watching.DAY_MINUTES + of_day) % watching.WEEK_MINUTES for day in days))


def run_missing(name: str, watch: Watch, missed: Missed, timezone: ZoneInfo) -> Notice:
    text = f"misses {name}: {_thing(watch)} has not finished by {_spelt(missed.due, timezone)}"
    return _notice(What.RUN_MISSING, Level.BAD, text, name, watch, missed)


def run_arrived(name: str, watch: Watch, missed: Missed, run: Event, timezone: ZoneInfo) -> Notice:
    finished = finished_at(run)
    late = (finished - missed.due).total_seconds()
    how = f"{durations.spell(late)} late" if late > 0 else "in time, and told late"
    text = (
        f"has {name} after all: {_thing(watch)} {STATUS_WORDS[run.status]}"
        f" at {_spelt(finished, timezone)}, {how}"
    )
    level = Level.GOOD if run.status is Status.SUCCESS else Level.WARNING
    return _notice(What.RUN_ARRIVED, level, text, name, watch, missed, run.url)


def _notice(
    what: What, level: Level, text: str, name: str, watch: Watch, missed: Missed, url: str | None = None
) -> Notice:
    return Notice(
        key=f"{what}:{name}:{_digest(watch)}:{missed.deadline.timestamp():.3f}",
        what=what,
        level=level,
        text=text,
        about=name,
        project=watch.project,
        branch=watch.branch,
        workflow=watch.workflow,
        job=watch.job,
        url=url,
        more={"watch": name, "due": missed.due.isoformat(), "deadline": missed.deadline.isoformat()},
    )


def _thing(watch: Watch) -> str:
    """`nightly on main of gh/acme/api`."""
    what = watch.job or watch.workflow or "a run"
    on = f" on {watch.branch}" if watch.branch else ""
    return f"{what}{on} of {watch.project}"


def _spelt(at: datetime, timezone: ZoneInfo) -> str:
    return f"{at.astimezone(timezone):%a %Y-%m-%d %H:%M %Z}"


def _digest(watch: Watch) -> str:
    return sha256(watch.model_dump_json().encode()).hexdigest()[:12]


def _rhythm(watch: Watch) -> timedelta:
    return timedelta(seconds=(watch.every or 0.0) + watch.late_after)


def _sought(watch: Watch, relay: Relay) -> Sought:
    return Sought(
        project=watch.project,
        kinds=JOBS if watch.job else WORKFLOWS,
        branch=watch.branch,
        workflow=watch.workflow,
        job=watch.job,
        ignored=relay.config.defaults.state.ignore_status,
    )


def _as_text(missed: Missed) -> str:
    times = {"due": missed.due, "deadline": missed.deadline, "begins": missed.begins, "ends": missed.ends}
    return json.dumps({name: at.isoformat() if at else None for name, at in times.items()})


def _pending(mark: Mark) -> Missed | None:
    """The run that was told to be missing and has not come yet."""
    if not mark.text:
        return None
    times = {name: datetime.fromisoformat(at) if at else None for name, at in json.loads(mark.text).items()}
    due, deadline, begins = times["due"], times["deadline"], times["begins"]
    assert due is not None
    assert deadline is not None
    assert begins is not None
    return Missed(due=due, deadline=deadline, begins=begins, ends=times["ends"])
