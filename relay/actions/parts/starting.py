"""Starting something at CircleCI at most once: the intent first, then one call, then looking, never a second.

`Starter` is what retry and trigger have in common; they differ in what they ask for and in how they look
for what came of it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from relay.actions.base import Doing, Tools, Unresolved, noted
from relay.actions.parts.whereabouts import key_of, page_of, told
from relay.circleci.errors import CircleCIError, Unclear
from relay.circleci.started import Started
from relay.errors import DeliveryError, UsageError
from relay.model import Answer
from relay.runs import ASKED_ALREADY, Earlier, Intent, Outcome, Run, RunState

LOOK_FOR = timedelta(minutes=2)  # how long after the call CircleCI may take to show what came of it
LOST = "the answer was lost"
STAYS_UNKNOWN = "nothing that came of it was found; look at CircleCI before you start it by hand"


@dataclass(frozen=True, kw_only=True, slots=True)
class Starter:
    """One attempt at starting something.

    why_not: what speaks against it, given what was started before. ask: the one call. look: what the call
    started, if that shows; None where it cannot be known. did: what was done, in words.
    """

    doing: Doing
    tools: Tools
    type: str
    did: str
    intent: Intent
    why_not: Callable[[Earlier], str | None]
    ask: Callable[[], Started]
    look: Callable[[Run], Started | None]

    def start(self) -> Answer:
        """Intends, asks, and keeps what came of it. Call it when there is no run yet, or a refused one.

        Whoever finds the intent of another attempt, such as one that was given up for dead and still goes
        on, only looks.
        """
        judged: list[str | None] = []
        run = self.tools.runs.intend(self.intent, lambda earlier: _kept_in(judged, self.why_not(earlier)))
        if not judged:
            return self.resume(run)
        return self._asked(run) if run.state is RunState.INTENDED else self._refrained(run)

    def resume(self, run: Run) -> Answer:
        """For a run that was intended before: never asks again, only looks."""
        if run.state is RunState.STARTED:
            return Answer(excerpt=f"{self.did} before: {run.child}")
        return self._found(run, LOST)

    def refrain(self, why: str, *, leads_on: bool = False) -> Answer:
        """Nothing is started, and that is right. leads_on: somebody else has started it."""
        return replace(self._answer(f"not started: {why}"), leads_on=leads_on)

    def _asked(self, run: Run) -> Answer:
        try:
            started = self.ask()
        except Unclear as error:
            return self._found(run, str(error))
        except (CircleCIError, UsageError) as error:
            self._settle(Outcome(state=RunState.REFUSED, why=str(error)))
            raise
        return self._kept(started)

    def _kept(self, started: Started) -> Answer:
        return self._started(started) if started.started else self._came_to_nothing(started)

    def _came_to_nothing(self, started: Started) -> Answer:
        """CircleCI took the call and will run nothing: that is no success."""
        why = f"CircleCI took the call and will run nothing: {started.why_not}"
        self._settle(Outcome(state=RunState.REFUSED, how=started.how, why=why))
        raise DeliveryError(why, permanent=True)

    def _found(self, run: Run, why: str) -> Answer:
        """Looks for what a call with a lost answer started."""
        is_over = self.doing.now >= run.requested_at + LOOK_FOR
        try:
            started = self.look(run)
        except (CircleCIError, UsageError) as error:
            raise Unresolved(f"{why}; looking for what came of it failed: {error}") from error
        if started is not None:
            return self._kept(started)
        if not is_over:
            raise Unresolved(f"{why}; nothing that came of it is to be seen yet")
        self._settle(Outcome(state=RunState.UNKNOWN, why=STAYS_UNKNOWN))
        raise Unresolved(f"{why}; {STAYS_UNKNOWN}", permanent=True)

    def _started(self, started: Started) -> Answer:
        child = key_of(started, self.intent.project)
        self._settle(Outcome(state=RunState.STARTED, child=child, number=started.number, how=started.how))
        notes = "".join(f"; {note}" for note in started.notes)
        return self._answer(f"{self.did}: {told(started)} ({started.how}){notes}", started)

    def _refrained(self, run: Run) -> Answer:
        why = run.why or "refused"
        return self.refrain(why, leads_on=why.endswith(ASKED_ALREADY))

    def _answer(self, text: str, started: Started | None = None) -> Answer:
        url = page_of(started, self.doing.event) if started else None
        self.tools.note(noted(self.doing.name, self.type, text, url))
        receipt = {"url": url} if url else {}
        return Answer(excerpt=text, receipt=receipt)

    def _settle(self, outcome: Outcome) -> None:
        self.tools.runs.settle(self.doing.delivery_id, outcome)


def _kept_in(judged: list[str | None], verdict: str | None) -> str | None:
    """The verdict; that it was asked for shows that the intent is this attempt's own."""
    judged.append(verdict)
    return verdict
