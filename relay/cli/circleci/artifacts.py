"""Artifacts: listed, filtered and downloaded."""

from collections.abc import Iterable
from typing import Any

import click

from relay.circleci.types.results import Artifact
from relay.cli.circleci import named
from relay.cli.circleci.builds import FILTERS
from relay.cli.circleci.command import AUTO, V1, V1_1, V2, build_argument, call, of_project, project_option
from relay.cli.circleci.downloading import download_all
from relay.cli.circleci.picking import Picking, picking_options
from relay.cli.circleci.session import Session
from relay.cli.circleci.showing import Cell, show_list, show_words


@call(AUTO, V1, V1_1, V2)
@build_argument
@project_option
@picking_options
def artifacts(session: Session, number: str, project: str | None, **picking: Any) -> None:
    """List a build's artifacts, or download them.

    \b
      relay circleci artifacts 123
      relay circleci artifacts 123 --download out/ --include 'reports/**'
      relay circleci artifacts 123 --download out/ --exclude '*.zip' --limit-size 200MB

    In a GLOB, * stands for any characters, / too. A GLOB without / also fits the last part of a path. What
    a build names its files is not trusted: all end up below DIR. A broken download goes on where it stopped
    when the command is run again.

    Exit status 1 when something was left out or nothing fitted.
    """
    place = named.build(number, project)
    _show_or_save(session, _listed(session, place), Picking(**picking), f"build {place}")


@call(V1_1, V1, name="latest-artifacts")
@of_project
@click.option("--branch", "-b", metavar="NAME", help="Of the latest build of this branch.")
@click.option("--filter", "wanted", type=click.Choice(FILTERS), help="Of the latest such build.")
@picking_options
def latest_artifacts(
    session: Session, project: str | None, branch: str | None, wanted: str | None, **picking: Any
) -> None:
    """List or download the artifacts of a project's latest build.

    \b
      relay circleci latest-artifacts --branch main --filter successful --download out/
    """
    slug = named.project(project)
    found = session.classic.latest_artifacts(slug, branch=branch, filter=wanted)
    _show_or_save(session, found, Picking(**picking), f"the latest build of {slug}")


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


def _show_or_save(session: Session, found: Iterable[Artifact], picking: Picking, where: str) -> None:
    picked = picking.of(found, where)
    if picking.folder is not None:
        download_all(session, picked, picking.folder, picking.limits)
        return
    several = any(each.node for each in picked)

    def row(each: Artifact) -> tuple[Cell, ...]:
        return each.path, each.node if several else None, each.url

    show_list(session, picked, ("path", "container", "address"), row, empty=f"{where} has no artifacts")
