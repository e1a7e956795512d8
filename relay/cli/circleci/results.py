"""Test results of a build, and tests that are flaky."""

from collections.abc import Iterable

import click

from relay.circleci.types.projects import FlakyTest
from relay.circleci.types.results import TestResult
from relay.cli.circleci import named
from relay.cli.circleci.command import AUTO, V1, V1_1, V2, build_argument, call, of_project, project_option
from relay.cli.circleci.session import Session
from relay.cli.circleci.showing import Cell, show_list, status, took
from relay.cli.output import count, visible


@call(AUTO, V1, V1_1, V2)
@build_argument
@project_option
@click.option("--failed", is_flag=True, help="Only those that failed, with what they said.")
def tests(session: Session, number: str, project: str | None, failed: bool) -> None:
    """List a build's test results.

    \b
      relay circleci tests 123 --failed
      relay circleci tests 123 --json | jq '[.[] | select(.run_time > 10)]'

    Empty unless the build stores its results with `store_test_results`.
    """
    place = named.build(number, project)
    results = tuple(_results(session, place))
    shown = [each for each in results if each.is_failure] if failed else results
    empty = f"none of {count(len(results), 'test')} failed" if results else f"build {place} stored no tests"
    headings = ("test", "class", "file", "result", "took")
    show_list(session, shown, headings, _row, empty=empty)
    if not session.as_json and results:
        _say_more(session, results, with_messages=failed)


def _results(session: Session, place: named.BuildName) -> Iterable[TestResult]:
    if session.version is AUTO:
        return session.circle.tests(place.project, place.number)
    if session.version is V2:
        return session.circle.v2.tests(place.project, place.number)
    return session.classic.tests(place.project, place.number)


def _row(test: TestResult) -> tuple[Cell, ...]:
    return test.name, test.classname, test.file, status(test.result), took(test.run_time)


def _say_more(session: Session, results: Iterable[TestResult], *, with_messages: bool) -> None:
    """What the failed ones said, and how many there were."""
    everything = list(results)
    bad = [each for each in everything if each.is_failure]
    for test in bad if with_messages else []:
        if test.message:
            click.echo(f"\n{session.mask(visible(test.name or 'unnamed'))}:")
            for line in test.message.splitlines():
                click.echo(f"  {session.mask(visible(line.expandtabs()))}")
    if bad or not with_messages:
        click.echo(f"\n{count(len(everything), 'test')}, {len(bad):,} failed")


@call(name="flaky-tests")
@of_project
def flaky_tests(session: Session, project: str | None) -> None:
    """List tests that failed and passed on the same commit in the last two weeks, the worst first."""

    def row(each: FlakyTest) -> tuple[Cell, ...]:
        return each.name, each.classname, each.file, each.times_flaked, each.job_name, each.job_number

    found = session.circle.v2.flaky_tests(named.project(project))
    worst = found if session.as_json else sorted(found, key=_times, reverse=True)
    headings = ("test", "class", "file", "times", "job", "last build")
    show_list(session, worst, headings, row, empty="no flaky tests")


def _times(test: FlakyTest) -> int:
    return test.times_flaked or 0
