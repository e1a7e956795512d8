"""Downloads with something to look at: a progress bar on a terminal, a line per file, a summary."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from relay.circleci.downloads import Left, Limits, Progress, Saved, download
from relay.circleci.types.results import Artifact
from relay.cli.circleci.failing import AnswerIsNo
from relay.cli.circleci.session import Session
from relay.cli.circleci.showing import show_json
from relay.cli.circleci.sizes import spell
from relay.cli.output import count, visible

Watch = Callable[[Artifact], Progress]

NAME_WIDTH = 40  # characters of a path in the progress bar


def download_all(session: Session, artifacts: Sequence[Artifact], folder: Path, limits: Limits) -> None:
    """Saves them and says what became of each. AnswerIsNo when something was left out."""
    with _bar(len(artifacts), wanted=not session.as_json) as watch:
        found = download(session.circle.http, artifacts, folder, limits=limits, progress=watch)
        results = list(_told(session, found))
    saved = [each for each in results if isinstance(each, Saved)]
    left = [each for each in results if isinstance(each, Left)]
    if session.as_json:
        show_json(session, [_record(each) for each in results])
    else:
        size = spell(sum(each.size for each in saved))
        click.echo(visible(f"{count(len(saved), 'file')}, {size}, saved in {folder}"))
    if left:
        raise AnswerIsNo(f"{count(len(left), 'artifact')} left out")


def _told(session: Session, results: Iterable[Saved | Left]) -> Iterator[Saved | Left]:
    """A line for each as it comes."""
    for result in results:
        if isinstance(result, Left):
            said = f"left out {result.artifact.path}: {result.why}"
            click.echo(session.mask(visible(said)), err=True)
        elif not session.as_json:
            click.echo(session.mask(visible(f"{result.path}  {spell(result.size)}")))
        yield result


def _record(result: Saved | Left) -> dict[str, Any]:
    about = {"path": result.artifact.path, "node_index": result.artifact.node}
    if isinstance(result, Saved):
        return {**about, "saved": str(result.path), "size": result.size}
    return {**about, "left_out": result.why}


@contextmanager
def _bar(files: int, *, wanted: bool) -> Iterator[Watch | None]:
    """On a terminal: the file at hand, how many are done, how fast."""
    if not wanted or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TransferSpeedColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        begun = iter(range(1, files + 1))

        def watch(artifact: Artifact) -> Progress:
            name = visible(artifact.path[-NAME_WIDTH:])
            bar.reset(task, description=f"{next(begun, files)}/{files} {name}")
            return lambda done, total: bar.update(task, completed=done, total=total)

        yield watch
