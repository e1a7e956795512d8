"""Tells what was started, or why nothing was."""

import click

from relay.circleci.slugs import Slug
from relay.circleci.started import Kind, Started
from relay.cli.circleci.failing import AnswerIsNo
from relay.cli.circleci.session import Session
from relay.cli.circleci.showing import show_words
from relay.cli.output import visible


def show_started(session: Session, started: Started, project: Slug | None) -> None:
    """What CircleCI answered with --json. AnswerIsNo when it took the call and nothing will run."""
    for note in started.notes:
        click.echo(visible(f"note: {note}"), err=True)
    if not started.started:
        if session.as_json:
            show_words(session, _answer(started), "")
        raise AnswerIsNo(f"nothing was started: {started.why_not}")
    show_words(session, _answer(started), f"started {_name(started)}, through {started.how}")
    if not session.as_json:
        _say_next(started, project)


def _answer(started: Started) -> object:
    """The answer to a rerun is its new id and nothing else."""
    return started.raw or {f"{started.kind}_id": started.id}


def _name(started: Started) -> str:
    if started.kind is Kind.PIPELINE and started.number:
        return f"pipeline {started.number} ({started.id})"
    known = started.number if started.kind is Kind.BUILD else started.id
    return f"{started.kind} {known}" if known else f"a {started.kind}"


def _say_next(started: Started, project: Slug | None) -> None:
    """On standard error: the first line is for scripts, too."""
    is_build = started.kind is Kind.BUILD
    known = started.number if is_build else started.id
    place = f" -p {project}" if is_build and project else ""
    if known:
        click.echo(visible(f"`relay circleci {started.kind} {known}{place}` shows it"), err=True)
