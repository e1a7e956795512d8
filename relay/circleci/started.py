"""What came of asking CircleCI to run something, and the choices one has when asking."""

from dataclasses import dataclass, field
from enum import StrEnum

from relay.circleci.errors import NotABuild, Unclear
from relay.circleci.reading import Raw
from relay.circleci.types.builds import BuildSummary
from relay.circleci.types.pipelines import PipelineStart
from relay.circleci.v1 import V1
from relay.circleci.v1_1 import V11
from relay.circleci.v2 import V2


class Version(StrEnum):
    """Which API to use; AUTO takes v2 where it can."""

    AUTO = "auto"
    V1 = "v1"
    V1_1 = "v1.1"
    V2 = "v2"


class RetryFrom(StrEnum):
    """Where a workflow is run again from."""

    FAILED = "failed"
    START = "start"


class Kind(StrEnum):
    """What was started."""

    BUILD = "build"
    WORKFLOW = "workflow"
    PIPELINE = "pipeline"


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    """The new run. When `started` is False CircleCI took the call but nothing will run: see `why_not`."""

    kind: Kind
    id: str | None = None  # of the workflow or pipeline
    number: int | None = None  # of the build or pipeline
    how: str  # "v2 rerun"
    started: bool = True
    why_not: str | None = None
    notes: tuple[str, ...] = ()  # what had to be decided on the way
    raw: Raw = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Apis:
    """The three versions, over one connection."""

    v1: V1
    v1_1: V11
    v2: V2

    def classic(self, version: Version) -> V1 | V11:
        """v1 where that was asked for, else v1.1."""
        return self.v1 if version is Version.V1 else self.v1_1


def started_build(
    build: BuildSummary, how: str, *, notes: tuple[str, ...] = (), root: int | None = None
) -> Started:
    """From the build in the answer; `root` is the one that was to be run again."""
    why_not = build.why_never_run()
    if why_not is None and build.number == root:
        why_not = "CircleCI answered with the same build and started no other"
    return Started(
        kind=Kind.BUILD,
        number=build.number,
        id=build.workflow_id,
        how=how,
        started=why_not is None,
        why_not=why_not,
        notes=notes,
        raw=build.raw,
    )


def no_build(error: NotABuild, how: str, notes: tuple[str, ...] = ()) -> Started:
    """From an answer that names no build. Raises Unclear when it does not say why."""
    if error.said is None:
        raise Unclear(f"{error.message}; it may have been started all the same") from error
    return Started(kind=Kind.BUILD, how=how, started=False, why_not=error.message, notes=notes, raw=error.raw)


def started_pipeline(start: PipelineStart, how: str, notes: tuple[str, ...] = ()) -> Started:
    """From the pipeline in the answer. Raises Unclear when there is none and no reason either."""
    why_not = None if start.id else start.message
    if start.id is None and why_not is None:
        raise Unclear("CircleCI answered with no pipeline; it may have been started all the same")
    return Started(
        kind=Kind.PIPELINE,
        id=start.id,
        number=start.number,
        how=how,
        started=why_not is None,
        why_not=why_not,
        notes=notes,
        raw=start.raw,
    )
