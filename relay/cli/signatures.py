"""`relay signatures`: the lines by which failures are recognised, and what a log comes to."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from relay import wiring
from relay.cli import ANSWER_IS_NO
from relay.cli.opening import looking
from relay.cli.output import (
    Mistake,
    ago,
    aligned,
    json_option,
    mask_lines,
    masked,
    print_json,
    print_lines,
    print_table,
    visible,
)
from relay.config import Config
from relay.failures import BadStep, Catalogue, Failure, Signature, as_notes, recognise, shipped
from relay.failures.loglines import lines_of
from relay.failures.matching import Hit
from relay.store.retried import Hits

MOST_READ = 64 * 1024 * 1024  # bytes of a log
LONGEST_SHOWN = 160  # characters of a line


@click.group()
def signatures() -> None:
    """How failures are recognised: lines of a failed step's log, each the sign of a class of failure.

    Yours stand in the configuration under `signatures`; docs/failures.md explains all of it.
    """


@signatures.command(name="list")
@click.option("--class", "failure_class", metavar="CLASS", help="Only of this class: net, genuine.lint, …")
@json_option
@click.pass_obj
def list_(path: str, failure_class: str | None, as_json: bool) -> None:
    """List the signatures in use: those that come with the relay and those of the configuration.

    LR says how many times likelier the line is in a failure that passes on retry than in one that does not:
    above 1 it speaks for a retry, below 1 against. Hits are the failed jobs of the ledger that the signature
    decided, and the last of them; both are empty without a database. Only failures that were judged are in
    the ledger, under `retry` in the configuration. Logs of jobs that pass are never fetched, so nobody knows
    how often a signature is in those.

    \b
      relay signatures list
      relay signatures list --class quota
    """
    settings, catalogue = _configured(path)
    hits = _hits(settings)
    wanted = [
        each
        for each in catalogue.signatures.values()
        if failure_class is None or each.failure_class == failure_class
    ]
    if as_json:
        print_json([{**_listed(each), **_hits_record(each, hits)} for each in wanted])
        return
    rows = [
        (each.failure_class, each.id, f"{each.lr:g}", *_hit_cells(each, hits), each.pattern[:LONGEST_SHOWN])
        for each in wanted
    ]
    headings = ("class", "id", "lr", "hits", "last hit", "pattern")
    print_table(headings, rows, empty=f"no signatures of class {failure_class}")


@signatures.command(name="test")
@click.argument("log", metavar="LOG")
@click.option("--step", metavar="NAME", default="", help="The step that failed.")
@click.option("--exit-code", type=int, metavar="NUMBER", help="Its exit code.")
@click.option("--job", metavar="NAME", help="The job.")
@json_option
@click.pass_obj
def test_(path: str, log: str, step: str, exit_code: int | None, job: str | None, as_json: bool) -> None:
    """Say which signatures a log has, on which lines, and what kind of failure follows.

    LOG is a file with the log of one failed step, as CircleCI shows it, or `-` for standard input. Only its
    end is looked at: the last 4,000 lines, and of them the last 256 KiB. Nothing is sent or stored.

    \b
      relay signatures test build.log
      relay signatures test build.log --step "npm ci" --exit-code 1 --job unit
      relay circleci logs gh/acme/api 123 --failed | relay signatures test -

    A failure that is not recognised is a reason to write a signature: take the line that says what went
    wrong, put it under `signatures` in the configuration, and run this again.

    Exit status 0: the failure is recognised. 1: it is not. 2: the log or configuration cannot be read.
    """
    settings, catalogue = _configured(path)
    text = _text_of(log)
    mask = settings.masker if settings else str
    failure = recognise(
        [BadStep(name=step, exit_code=exit_code, log=text)], catalogue=catalogue, job=job, mask=mask
    )
    hits = catalogue.matcher.hits(lines_of(text))
    if as_json:
        print_json(masked({**as_notes(failure), "found": [_found(hit, text) for hit in hits]}, mask))
    else:
        print_lines(mask_lines(_lines(failure, hits, text), mask))
    sys.exit(0 if failure.signatures else ANSWER_IS_NO)


def _hits(settings: Config | None) -> Mapping[str, Hits] | None:
    """By signature; None where there is no ledger."""
    if settings is None:
        return None
    with looking(settings) as looked:
        return looked.store.hits() if looked.store else None


def _hit_cells(signature: Signature, hits: Mapping[str, Hits] | None) -> tuple[str, str]:
    if hits is None:
        return "", ""
    found = hits.get(signature.id)
    return (str(found.count), ago(found.last)) if found else ("0", "")


def _hits_record(signature: Signature, hits: Mapping[str, Hits] | None) -> dict[str, Any]:
    found = hits.get(signature.id) if hits is not None else None
    count = None if hits is None else found.count if found else 0
    return {"hits": count, "last_hit": found.last if found else None}


def _configured(path: str) -> tuple[Config | None, Catalogue]:
    """With the changes of the configuration; without one, unless it was asked for, what is shipped."""
    source = click.get_current_context().find_root().get_parameter_source("config_path")
    if source is click.core.ParameterSource.DEFAULT and not Path(path).exists():
        return None, shipped()
    settings = wiring.load_config(path)
    return settings, wiring.catalogue_of(settings)


def _listed(signature: Signature) -> dict[str, Any]:
    return {
        "id": signature.id,
        "class": signature.failure_class,
        "lr": signature.lr,
        "re": signature.pattern,
        "not": signature.excluded,
    }


def _text_of(name: str) -> str:
    try:
        if name == "-":
            raw = sys.stdin.buffer.read(MOST_READ + 1)
        else:
            with Path(name).open("rb") as file:
                raw = file.read(MOST_READ + 1)
    except OSError as error:
        raise Mistake(visible(f"{name}: cannot be read: {error.strerror}")) from error
    except ValueError as error:
        raise Mistake(visible(f"{name}: is no name of a file")) from error
    if len(raw) > MOST_READ:
        raise Mistake(
            f"{visible(name)}: larger than {MOST_READ // 1024**2} MiB; give its end, by `tail -n 4000`"
        )
    return raw.decode("utf-8", "replace")


def _found(hit: Hit, text: str) -> dict[str, Any]:
    signature, lines = hit.signature, lines_of(text)
    return {
        "line": _number(hit, text),
        "signature": signature.id,
        "class": signature.failure_class,
        "lr": signature.lr,
        "text": lines[hit.at],
    }


def _number(hit: Hit, text: str) -> int:
    """The number of the line in the whole log, from 1."""
    whole = text.replace("\r\n", "\n").rstrip().count("\n") + 1
    return whole - len(lines_of(text)) + hit.at + 1


def _lines(failure: Failure, hits: tuple[Hit, ...], text: str) -> Iterator[Text]:
    shown = lines_of(text)
    rows = [
        [
            Text(str(_number(hit, text)), style="dim"),
            Text(hit.signature.id),
            Text(f"{hit.signature.lr:g}"),
            Text(visible(shown[hit.at].strip()[:LONGEST_SHOWN]), style="dim"),
        ]
        for hit in hits
    ]
    yield from aligned([[Text("line"), Text("signature"), Text("lr"), Text("text")], *rows] if rows else [])
    yield from [Text()] if rows else []
    yield Text(_verdict(failure), style="bold")
    yield from aligned([[Text(name), Text(visible(value))] for name, value in _facts(failure)])


def _verdict(failure: Failure) -> str:
    if not failure.signatures:
        return "not recognised: no signature was found"
    return f"class {failure.failure_class}"


def _facts(failure: Failure) -> Iterator[tuple[str, str]]:
    if failure.evidence:
        yield "decided by", failure.evidence.signature
        yield "evidence", failure.evidence.line
    if failure.signatures:
        yield "odds", _odds(failure)
    if failure.step_kind and failure.step:
        yield "step", f"{failure.step} ({failure.step_kind})"
    yield "fingerprint", failure.fingerprint


def _odds(failure: Failure) -> str:
    """For and against its being transient; the history of the job says the rest."""
    both = failure.lr_transient * failure.lr_genuine
    parts = f"{failure.lr_transient:.3g} × {failure.lr_genuine:.3g}"
    if both >= 1:
        return f"{both:.3g} : 1 that it is transient, by the log alone ({parts})"
    return f"{1 / both:.3g} : 1 that it is not transient, by the log alone ({parts})"
