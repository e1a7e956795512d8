"""Fetches what the event's builds have stored: keeps the files, and reads small reports among them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from relay.actions.base import Action, Doing, Tools, noted
from relay.actions.parts.globs import chooser
from relay.actions.parts.keeping import compile_folder, is_address, kept
from relay.actions.parts.options import Bytes, Texts, spelled
from relay.actions.parts.reports import Counts, counts_in, coverage_in, may_tell
from relay.actions.parts.whereabouts import Whereabouts, whereabouts
from relay.circleci.downloads import Left, Limits, Saved, download
from relay.circleci.errors import CircleCIError
from relay.circleci.facade import CircleCI
from relay.circleci.types.results import Artifact
from relay.model import Answer, Event

FOLDER = "artifacts/{{ project.slug }}/{{ number }}"
MOST_JOBS = 20  # of a workflow
MOST_NOTED = 100  # links kept in the notes
MOST_READ = 20  # reports
REPORT_LIMIT = 2_000_000  # bytes of one report


class Limit(BaseModel):
    """How much is fetched at most."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    files: int = Field(default=50, ge=1, le=10_000, description="How many files.")
    size: Bytes = Field(default=50_000_000, gt=0, description="How much together.")


class Artifacts(Action):
    """Fetches the artifacts of the event's build, job or workflow."""

    longest: ClassVar[float] = 600.0

    type: Literal["artifacts"] = "artifacts"
    include: Texts = Field(
        default=("**",), min_length=1, description="Globs; `**` crosses folders, `*` does not."
    )
    exclude: Texts = Field(default=(), description="Globs of what is left out.")
    limit: Limit = Field(
        default=Limit(), description="How much is fetched at most: `{ files: 50, size: 50MB }`."
    )
    store: str | None = Field(
        default=FOLDER,
        description="A template of the folder to keep them in, or of an address such as `s3://…` with the"
        " extra `fsspec`. `null` keeps only links and numbers.",
    )

    @model_validator(mode="after")
    def _can_be_kept(self) -> "Artifacts":
        if self.store is not None:
            compile_folder(self.store)
        chooser(self.include, self.exclude)
        return self

    def texts(self) -> Iterable[str]:
        return (self.store,) if self.store else ()

    def would(self, event: Event) -> str:
        verb = "fetch" if self.store else "list"
        return f"would {verb} up to {self.limit.files} files, {spelled(self.limit.size)}"

    def act(self, doing: Doing, tools: Tools) -> Answer:
        client = self.client(tools)
        found = self._found(client, whereabouts(doing.event))
        if self.store is None:
            fetched = _Fetched(reports=_read_away(client, found))
            text = f"listed {_count(len(found), 'file')}"
        else:
            place = compile_folder(self.store)(doing.event)
            fetched = self._fetched(client, found, place)
            text = _told(fetched, place)
        tools.note({**noted(doing.name, self.type, text), **_notes(found, fetched)})
        return Answer(excerpt=text)

    def _found(self, client: CircleCI, where: Whereabouts) -> tuple["_Listed", ...]:
        """What is stored and meant, at most as many files as are fetched."""
        is_meant = chooser(self.include, self.exclude)
        listed = (
            _Listed(job=number, artifact=artifact)
            for number in _jobs(client, where)
            for artifact in client.artifacts(where.project, number)
            if is_meant(artifact.path)
        )
        return tuple(islice(listed, self.limit.files))

    def _fetched(self, client: CircleCI, found: Sequence["_Listed"], place: str) -> "_Fetched":
        """One job after the other, each in a folder of its own where there are several."""
        jobs = tuple(dict.fromkeys(each.job for each in found))
        fetched = _Fetched()
        with kept(place) as folder:
            for job in jobs:
                below = folder / str(job) if len(jobs) > 1 else folder
                left = self.limit.size - fetched.size
                fetched = fetched.plus(
                    _download(client, [e.artifact for e in found if e.job == job], below, left)
                )
        return fetched


@dataclass(frozen=True, kw_only=True, slots=True)
class _Listed:
    """An artifact, and the job that stored it."""

    job: int
    artifact: Artifact


@dataclass(frozen=True, kw_only=True, slots=True)
class _Reports:
    """What small reports say together. Of several coverages the last counts."""

    coverage: float | None = None
    counts: Counts | None = None

    def plus(self, path: str, text: str) -> "_Reports":
        counts, coverage = counts_in(path, text), coverage_in(path, text)
        both = counts if self.counts is None or counts is None else self.counts.plus(counts)
        return _Reports(
            coverage=self.coverage if coverage is None else coverage,
            counts=self.counts if both is None else both,
        )

    def notes(self) -> dict[str, Any]:
        coverage = {} if self.coverage is None else {"coverage": self.coverage}
        return {**coverage, **({} if self.counts is None else {"tests": asdict(self.counts)})}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Fetched:
    saved: tuple[Saved, ...] = ()
    left: tuple[Left, ...] = ()
    reports: _Reports = _Reports()

    @property
    def size(self) -> int:
        return sum(each.size for each in self.saved)

    def plus(self, more: "_Fetched") -> "_Fetched":
        known, new = self.reports, more.reports
        counts = known.counts.plus(new.counts) if known.counts and new.counts else new.counts or known.counts
        coverage = known.coverage if new.coverage is None else new.coverage
        return _Fetched(
            saved=(*self.saved, *more.saved),
            left=(*self.left, *more.left),
            reports=_Reports(coverage=coverage, counts=counts),
        )


def _jobs(client: CircleCI, where: Whereabouts) -> tuple[int, ...]:
    """The numbers of the builds that may have stored something."""
    if where.number is not None or where.workflow is None:
        return (where.number,) if where.number is not None else ()
    numbers = (job.number for job in client.v2.workflow_jobs(where.workflow))
    return tuple(islice((number for number in numbers if number is not None), MOST_JOBS))


def _download(client: CircleCI, artifacts: Sequence[Artifact], folder: Path, most: int) -> _Fetched:
    """Into the folder, up to `most` bytes. Reports are read before anything else happens to them."""
    results = tuple(download(client.http, artifacts, folder, limits=Limits(total=most, one_file=most)))
    saved = tuple(result for result in results if isinstance(result, Saved))
    return _Fetched(
        saved=saved,
        left=tuple(result for result in results if isinstance(result, Left)),
        reports=_read(
            (each.artifact.path, _beginning(folder / each.path))
            for each in saved
            if may_tell(each.artifact.path) and each.size <= REPORT_LIMIT
        ),
    )


def _read_away(client: CircleCI, found: Sequence[_Listed]) -> _Reports:
    """Straight from CircleCI. A report that cannot be had says nothing."""
    return _read(_away(client, [each.artifact for each in found if may_tell(each.artifact.path)]))


def _away(client: CircleCI, artifacts: Iterable[Artifact]) -> Iterator[tuple[str, str]]:
    for artifact in artifacts:
        try:
            body, is_cut = client.http.read(artifact.url, REPORT_LIMIT, token=True)
        except CircleCIError:
            continue
        if not is_cut:
            yield artifact.path, body.decode("utf-8", "replace")


def _read(texts: Iterable[tuple[str, str]]) -> _Reports:
    reports = _Reports()
    for path, text in islice(texts, MOST_READ):
        reports = reports.plus(path, text)
    return reports


def _beginning(file: Path) -> str:
    return file.read_bytes().decode("utf-8", "replace")


def _told(fetched: _Fetched, place: str) -> str:
    """ "kept 3 files, 1.2 MB, in artifacts/gh/acme/api/7; left 1: big.bin (…)"."""
    where = place.partition("://")[0] + "://" if is_address(place) else place
    text = f"kept {_count(len(fetched.saved), 'file')}, {spelled(fetched.size)}, in {where}"
    if not fetched.left:
        return text
    first = fetched.left[0]
    return f"{text}; left {len(fetched.left)}: {first.artifact.path} ({first.why})"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _notes(found: Sequence[_Listed], fetched: _Fetched) -> dict[str, Any]:
    links = [{"path": each.artifact.path, "url": each.artifact.url} for each in found[:MOST_NOTED]]
    return {"artifacts": links, **fetched.reports.notes()}
