"""Artifacts: listed, filtered and downloaded."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from relay.circleci.connection import MEGABYTE
from relay.circleci.downloads import Limits
from relay.circleci.types.results import Artifact
from relay.cli.circleci import named
from relay.cli.circleci.builds import FILTERS
from relay.cli.circleci.command import (
    AUTO,
    V1,
    V1_1,
    V2,
    Body,
    build_argument,
    call,
    of_project,
    project_option,
)
from relay.cli.circleci.downloading import download_all
from relay.cli.circleci.failing import AnswerIsNo
from relay.cli.circleci.session import Session
from relay.cli.circleci.showing import Cell, show_list, show_words
from relay.cli.circleci.sizes import Size
from relay.cli.output import Mistake, count
from relay.patterns import PatternError, Regex, glob_source


def picking_options(body: Body) -> Body:
    """Which artifacts, and where to."""
    options = (
        click.option("--include", metavar="GLOB", multiple=True, help="Only paths like this. Repeatable."),
        click.option("--exclude", metavar="GLOB", multiple=True, help="Not paths like this. Repeatable."),
        click.option("--node", type=click.IntRange(0), metavar="N", help="Only of this container."),
        click.option("--download", "folder", metavar="DIR", type=click.Path(path_type=Path), help="Save them."),
        click.option("--limit-files", type=click.IntRange(1), default=1000, show_default=True, metavar="N"),
        click.option("--limit-size", type=Size(), default=1024 * MEGABYTE, help="Of all together. [1GiB]"),
        click.option("--limit-file-size", type=Size(), default=512 * MEGABYTE, help="Of one file. [512MiB]"),
    )
    for option in reversed(options):
        body = option(body)
    return body


@call(AUTO, V1, V1_1, V2)
@build_argument
@project_option
@picking_options
def artifacts(
    session: Session,
    number: str,
    project: str | None,
    include: Sequence[str],
    exclude: Sequence[str],
    node: int | None,
    folder: Path | None,
    limit_files: int,
    limit_size: int,
    limit_file_size: int,
) -> None:
    """List a build's artifacts, or download them.

    \b
      relay circleci artifacts 123
      relay circleci artifacts 123 --download out/ --include 'reports/**'
      relay circleci artifacts 123 --download out/ --exclude '*.zip' --limit-size 200MB

    In a GLOB, * stands for any characters, / too. A GLOB without / also fits the last part of a path. What a
    build names its files is not trusted: all end up below DIR. A broken download goes on where it stopped when
    the command is run again.

    Exit status 1 when something was left out or nothing fitted.
    """
    place = named.build(number, project)
    picked = _picked(_listed(session, place), include, exclude, node, f"build {place}", folder is not None)
    limits = Limits(files=limit_files, total=limit_size, one_file=limit_file_size)
    _show_or_save(session, picked, folder, limits, f"build {place}")


@call(V1_1, V1, name="latest-artifacts")
@of_project
@click.option("--branch", "-b", metavar="NAME", help="Of the latest build of this branch.")
@click.option("--filter", "wanted", type=click.Choice(FILTERS), help="Of the latest such build.")
@picking_options
def latest_artifacts(
    session: Session,
    project: str | None,
    branch: str | None,
    wanted: str | None,
    include: Sequence[str],
    exclude: Sequence[str],
    node: int | None,
    folder: Path | None,
    limit_files: int,
    limit_size: int,
    limit_file_size: int,
) -> None:
    """List or download the artifacts of a project's latest build.

    \b
      relay circleci latest-artifacts --branch main --filter successful --download out/
    """
    slug = named.project(project)
    found = session.classic.latest_artifacts(slug, branch=branch, filter=wanted)
    where = f"the latest build of {slug}"
    picked = _picked(found, include, exclude, node, where, folder is not None)
    limits = Limits(files=limit_files, total=limit_size, one_file=limit_file_size)
    _show_or_save(session, picked, folder, limits, where)


@call(V1_1, V1, name="artifact-address")
@click.argument("number", metavar="NUMBER")
@click.argument("path", metavar="PATH")
@project_option
@click.option("--node", type=click.IntRange(0), default=0, help="The container it comes from.")
def artifact_address(session: Session, number: str, path: str, project: str | None, node: int) -> None:
    """Print the address of an artifact by its path. NUMBER may be "latest". Nothing is asked of CircleCI.

    \b
      relay circleci artifact-address latest coverage/index.html
    """
    if number == "latest":
        found = session.classic.artifact_address(named.project(project), number, node, path)
    else:
        place = named.build(number, project)
        found = session.classic.artifact_address(place.project, place.number, node, path)
    address = f"{session.circle.http.root}{found}"
    show_words(session, address, address)


def _listed(session: Session, place: named.BuildName) -> Iterable[Artifact]:
    if session.version is AUTO:
        return session.circle.artifacts(place.project, place.number)
    if session.version is V2:
        return session.circle.v2.artifacts(place.project, place.number)
    return session.classic.artifacts(place.project, place.number)


def _picked(
    found: Iterable[Artifact],
    include: Sequence[str],
    exclude: Sequence[str],
    node: int | None,
    where: str,
    must: bool,
) -> tuple[Artifact, ...]:
    """Those asked for. AnswerIsNo when there `must` be some, or when the globs fit none."""
    wanted, unwanted = [_globs(globs, name) for globs, name in ((include, "include"), (exclude, "exclude"))]
    everything = tuple(found)
    kept = tuple(
        each
        for each in everything
        if (not wanted or _fits(each, wanted))
        and not _fits(each, unwanted)
        and node in {None, each.node}
    )
    if not kept and (must or everything):
        has = count(len(everything), "artifact")
        raise AnswerIsNo(f"none fits of the {has} of {where}" if everything else f"{where} has no artifacts")
    return kept


Glob = tuple[Regex, bool]  # and whether it may fit the last part alone


def _globs(globs: Sequence[str], option: str) -> tuple[Glob, ...]:
    try:
        return tuple((Regex(glob_source(glob)), "/" not in glob) for glob in globs)
    except PatternError as error:
        raise Mistake(f"--{option}: {error}") from error


def _fits(artifact: Artifact, globs: Sequence[Glob]) -> bool:
    last = artifact.path.rpartition("/")[2]
    return any(
        regex.found_in(artifact.path) or (alone and regex.found_in(last)) for regex, alone in globs
    )


def _show_or_save(
    session: Session, picked: Sequence[Artifact], folder: Path | None, limits: Limits, where: str
) -> None:
    if folder is not None:
        download_all(session, picked, folder, limits)
        return
    several = any(each.node for each in picked)

    def row(each: Artifact) -> tuple[Cell, ...]:
        return each.path, each.node if several else None, each.url

    show_list(session, picked, ("path", "container", "address"), row, empty=f"{where} has no artifacts")
