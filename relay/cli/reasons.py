"""Why a result changes nothing, why nobody is told, and which route came nearest. Pure."""

from collections.abc import Sequence

from relay import changes
from relay.cli.explained import Explained
from relay.cli.output import short
from relay.model import Change, EventKind, Status
from relay.routing import Result, TraceLine


def nearest_miss(trace: Sequence[TraceLine]) -> TraceLine | None:
    """The route that failed by the fewest conditions, of those that met at least half of theirs."""
    misses = [line for line in trace if line.result is Result.NO and 0 < line.wanted <= 2 * line.passed]
    return min(misses, key=lambda line: (line.wanted - line.passed, -line.passed), default=None)


def why_no_change(explained: Explained) -> str | None:
    """Why the result does not count, when it does not."""
    event, judgement = explained.decided.event, explained.decided.judgement
    silent = {*explained.relay.config.defaults.state.ignore_status, Status.UNKNOWN}
    if event.kind not in changes.RESULTS:
        return f"{_article(event.kind)} says nothing about a branch"
    if event.status in silent:
        return f"{event.status.value} results are ignored, the state stays as it was"
    if judgement.is_repeat:
        return f"this run was counted before{_where_counted(explained)}"
    if event.change is Change.NONE:
        return "older than the newest result known, so nothing changes"
    return None


def _where_counted(explained: Explained) -> str:
    own = changes.judge(explained.decided.event, (), ()).outcome
    same = (each.event_id for each in explained.past.outcomes if own and own.run and each.run == own.run)
    counted = next(same, None)
    return f", by event {short(counted)}; explain that id to see it as it arrived" if counted else ""


def _article(kind: EventKind) -> str:
    return "an event of unknown type" if kind is EventKind.UNKNOWN else f"a {kind.value}"


def why_nothing(explained: Explained) -> str:
    """Why nobody is told, for an event without deliveries."""
    if explained.decided.event.kind is EventKind.PING:
        return "the relay only answers a ping"
    if explained.decided.quiet:
        return "everything is kept quiet"
    fired = [decision.route for decision in explained.decided.resolution.decisions]
    if not fired:
        return "no route fires"
    verb = "fires and notifies" if len(fired) == 1 else "fire and notify"
    return f"{', '.join(fired)} {verb} nobody"
