"""What a build leaves behind: artifacts and test results."""

from dataclasses import dataclass, field
from typing import Self

from relay.circleci.reading import Raw, number, seconds, text


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifact:
    """A stored file. `path` is chosen by whoever wrote the build: `places.place` makes it safe."""

    raw: Raw = field(repr=False, compare=False)
    path: str
    node: int  # the container it comes from
    url: str

    @classmethod
    def read(cls, raw: Raw) -> Self:
        return cls(
            raw=raw,
            path=_relative(text(raw, "pretty_path") or text(raw, "path") or ""),
            node=number(raw, "node_index") or 0,
            url=text(raw, "url") or "",
        )


def _relative(path: str) -> str:
    """Paths of platform 1.0 start with a variable's name."""
    return path.removeprefix("$CIRCLE_ARTIFACTS/").replace("$CIRCLE_TEST_REPORTS/", "test-reports/", 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class TestResult:
    """One test; `result` is success, failure or skipped."""

    __test__ = False  # pytest is not to collect it

    raw: Raw = field(repr=False, compare=False)
    name: str | None
    classname: str | None
    file: str | None
    result: str | None
    run_time: float | None  # seconds
    message: str | None
    source: str | None

    @classmethod
    def read(cls, raw: Raw) -> Self:
        return cls(
            raw=raw,
            name=text(raw, "name"),
            classname=text(raw, "classname"),
            file=text(raw, "file"),
            result=text(raw, "result"),
            run_time=seconds(raw, "run_time"),
            message=text(raw, "message"),
            source=text(raw, "source"),
        )

    @property
    def is_failure(self) -> bool:
        return self.result in {"failure", "failed", "error"}
