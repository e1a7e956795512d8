"""Which of a build's artifacts are wanted, and how much of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from relay.circleci.downloads import Limits
from relay.circleci.types.results import Artifact
from relay.cli.circleci import sizes
from relay.cli.circleci.command import Body, Decorator
from relay.cli.circleci.failing import AnswerIsNo
from relay.cli.output import Mistake, count
from relay.patterns import PatternError, Regex, glob_source


@dataclass(frozen=True, kw_only=True, slots=True)
class Picking:
    """What the options say. A glob without a slash also fits the last part of a path."""

    include: tuple[str, ...]
    exclude: tuple[str, ...]
    node: int | None
    folder: Path | None
    limit_files: int
    limit_size: int
    limit_file_size: int

    @property
    def limits(self) -> Limits:
        return Limits(files=self.limit_files, total=self.limit_size, one_file=self.limit_file_size)

    def of(self, artifacts: Iterable[Artifact], where: str) -> tuple[Artifact, ...]:
        """Those that fit. AnswerIsNo when none of several does, or when there is nothing to save."""
        wanted, unwanted = _globs(self.include, "--include"), _globs(self.exclude, "--exclude")
        every = tuple(artifacts)
        picked = tuple(
            each
            for each in every
            if (not wanted or _fits(each, wanted))
            and not _fits(each, unwanted)
            and self.node in {None, each.node}
        )
        if every and not picked:
            raise AnswerIsNo(f"none of the {count(len(every), 'artifact')} of {where} fits")
        if self.folder and not picked:
            raise AnswerIsNo(f"{where} has no artifacts")
        return picked


def picking_options(body: Body) -> Body:
    """The options of a Picking."""
    path, number = click.Path(path_type=Path), click.IntRange(1)
    options: tuple[Decorator, ...] = (
        click.option("--include", multiple=True, metavar="GLOB", help="Only paths like this. Repeatable."),
        click.option("--exclude", multiple=True, metavar="GLOB", help="Not paths like this. Repeatable."),
        click.option("--node", type=click.IntRange(0), metavar="N", help="Only of this container."),
        click.option("--download", "folder", metavar="DIR", type=path, help="Save them below this folder."),
        _limit_option("--limit-files", number, 1000, "At most so many."),
        _limit_option("--limit-size", sizes.parse, "1GiB", "At most so much of all together."),
        _limit_option("--limit-file-size", sizes.parse, "512MiB", "No file larger than this."),
    )
    for option in reversed(options):
        body = option(body)
    return body


def _limit_option(name: str, type_: Any, default: object, words: str) -> Decorator:
    metavar = "SIZE" if isinstance(default, str) else "N"
    return click.option(name, type=type_, metavar=metavar, default=default, show_default=True, help=words)


Glob = tuple[Regex, bool]  # and whether it may fit the last part alone


def _globs(globs: Sequence[str], option: str) -> tuple[Glob, ...]:
    try:
        return tuple((Regex(glob_source(glob)), "/" not in glob) for glob in globs)
    except PatternError as error:
        raise Mistake(f"{option}: {error}") from error


def _fits(artifact: Artifact, globs: Sequence[Glob]) -> bool:
    last = artifact.path.rpartition("/")[2]
    return any(regex.found_in(artifact.path) or (alone and regex.found_in(last)) for regex, alone in globs)
