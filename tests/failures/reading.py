"""The corpus: logs as CircleCI shows them, each in the folder of the class it should be recognised as."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from relay.failures import BadStep, Failure, recognise, shipped
from tests.failures.excerpts import is_held_out

CORPUS = Path(__file__).parent / "corpus"
PASSING = "passing"  # the folder of ordinary logs of jobs that passed
MARK = "#: "


@dataclass(frozen=True, kw_only=True, slots=True)
class Specimen:
    name: str  # "net/npm_reset"
    expected: str  # the class, or PASSING
    head: dict[str, str]
    log: str
    is_held_out: bool = False  # from those who write the catalogue

    def recognised(self) -> Failure:
        """As the log of the only failed step of a job."""
        code = self.head.get("exit_code")
        step = BadStep(
            name=self.head.get("step", "Run"),
            status=self.head.get("status"),
            exit_code=int(code) if code else None,
            log=self.log,
        )
        return recognise(
            [step], catalogue=shipped(), job=self.head.get("job"), status=self.head.get("status")
        )


def corpus(folder: Path = CORPUS) -> tuple[Specimen, ...]:
    return tuple(_read(path) for path in sorted(folder.glob("*/*.log")))


def _read(path: Path) -> Specimen:
    lines = path.read_text(encoding="utf-8").split("\n")
    head = dict(_entries(lines))
    return Specimen(
        name=f"{path.parent.name}/{path.stem}",
        expected=path.parent.name,
        head=head,
        log="\n".join(lines[len(head) + bool(head) :]),
        is_held_out=is_held_out(path),
    )


def _entries(lines: list[str]) -> Iterator[tuple[str, str]]:
    """`#: key: value`, at the beginning of the file."""
    for line in lines:
        if not line.startswith(MARK):
            return
        key, _, value = line.removeprefix(MARK).partition(":")
        yield key.strip(), value.strip()
