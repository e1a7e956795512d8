"""Looks for the runs that `watch` expects in what is stored, and tells of those that are missing."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

from relay import durations, watching
from relay.config.watch import DAYS, Watch, days_in
from relay.model import Event, EventKind, Level, Status
from relay.notices import Notice, What
from relay.pipeline import Relay
from relay.render.wording import STATUS_WORDS
from relay.store import Mark, Sought, Store, mark_key
from relay.store.signs import finished_at
from relay.troubles import Tell
from relay.watching import Missed

WATCH = "watch"  # the kind of marks
MORE = timedelta(days=1)  # looked back further than a rhythm asks for
JOBS = (EventKind.JOB, EventKind.BUILD)
WORKFLOWS = (EventKind.WORKFLOW, EventKind.BUILD)


class Expecting:
    """One step for each watch. A watch begins when it is first seen; a changed one begins anew."""

    def __init__(self, store: Store, tell: Tell) -> None:
        self._store = store
        self._tell = tell
        self._learned: dict[str, tuple[datetime, tuple[int, ...]]] = {}  # by mark, with the day it is of

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

    def _look(self, name: str, watch: Watch, mark: Mark, relay: Relay, now: datetime) -> None:
        """`now` is as far as all that came has been planned."""
        missed = _pending(mark)
        begins = min([now - watching.LOOK_BACK - watching.EARLY, *([missed.begins] if missed else [])])
        if watch.every is not None:
            begins = min(begins, now - _rhythm(watch) - MORE)
        found = self._store.signs.runs(_sought(watch, relay), begins)
        if missed is not None:
            at = watching.first_run(missed, [finished_at(run) for run in found.runs])
            if at is not None:
                mark = self._arrived(name, watch, mark, missed, found.runs[at], relay, now)
        finishes = [finished_at(run) for run in found.runs]
        for missing in self._missing(watch, mark, finishes, found.since, relay, now):
            mark = self._missed(name, watch, mark, missing, relay, now)

    def _missing(
        self,
        watch: Watch,
        mark: Mark,
        finishes: Sequence[datetime],
        since: datetime,
        relay: Relay,
        now: datetime,
    ) -> Sequence[Missed]:
        late_after = timedelta(seconds=watch.late_after)
        if watch.every is not None:
            if mark.text:
                return ()  # told, and it has not come since
            last = finishes[-1] if finishes else max(mark.at, since)
            return watching.missed_rhythm(timedelta(seconds=watch.every), late_after, last, now)
        timezone = timezone_of(watch, relay)
        minutes = self._usual(watch, mark.key, relay, now) if watch.usual else minutes_of(watch)
        after = mark.at + watching.TOLERANCE if watch.usual and mark.version > 1 else mark.at
        missed = watching.missed_times(minutes, timezone, late_after, finishes, after, now)
        return [each for each in missed if each.begins >= since]

    def _usual(self, watch: Watch, key: str, relay: Relay, now: datetime) -> tuple[int, ...]:
        """Learned once a day, from whole days, so that all workers know the same."""
        day = datetime.combine(now.date(), time(), UTC)
        if key not in self._learned or self._learned[key][0] != day:
            weeks = watching.WEEKS * watching.WEEK
            found = self._store.signs.runs(_sought(watch, relay), day - weeks)
            finishes = [finished_at(run) for run in found.runs]
            self._learned[key] = day, watching.learned(finishes, timezone_of(watch, relay), day)
        return self._learned[key][1]

    def _missed(
        self, name: str, watch: Watch, mark: Mark, missed: Missed, relay: Relay, now: datetime
    ) -> Mark:
        new = Mark(key=mark.key, at=missed.deadline, text=_as_text(missed), version=mark.version)
        notice = run_missing(name, watch, missed, timezone_of(watch, relay))
        self._tell(self._store, notice, now, new)
        return Mark(key=new.key, at=new.at, text=new.text, version=new.version + 1)

    def _arrived(
        self, name: str, watch: Watch, mark: Mark, missed: Missed, run: Event, relay: Relay, now: datetime
    ) -> Mark:
        new = Mark(key=mark.key, at=mark.at, version=mark.version)
        notice = run_arrived(name, watch, missed, run, timezone_of(watch, relay))
        self._tell(self._store, notice, now, new)
        return Mark(key=new.key, at=new.at, version=new.version + 1)


def timezone_of(watch: Watch, relay: Relay) -> ZoneInfo:
    return ZoneInfo(watch.timezone) if watch.timezone else relay.timezone


def minutes_of(watch: Watch) -> tuple[int, ...]:
    """The minutes of the week that `by` and `days` name."""
    hours, minutes = (watch.by or "00:00").split(":")
    of_day = int(hours) * 60 + int(minutes)
    days = days_in(watch.days) if watch.days else range(len(DAYS))
    return tuple(day * watching.DAY_MINUTES + of_day for day in days)


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
