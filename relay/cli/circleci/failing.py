"""What is said when a command cannot do what it was asked, and the exit status."""

from collections.abc import Iterator
from contextlib import contextmanager

from relay.circleci.errors import CircleCIError, Unauthorized, Unclear
from relay.cli import ANSWER_IS_NO, CANNOT
from relay.cli.output import visible
from relay.errors import RelayError

NO_TOKEN = "set CIRCLECI_TOKEN to a personal API token, or circleci.token in relay.yaml"  # noqa: S105 - words


class AnswerIsNo(RelayError):
    """What was asked for is not there or was not done; exit status 1."""


def exit_status(error: RelayError) -> int:
    """1 where the world said no, 2 where the command line asks for what cannot be meant."""
    return ANSWER_IS_NO if isinstance(error, (CircleCIError, AnswerIsNo)) else CANNOT


def told(error: RelayError) -> str:
    """One line."""
    text = visible(" ".join(str(error).split()))
    wait = error.retry_after if isinstance(error, CircleCIError) else None
    return f"{text} (come back in {wait:.0f} s)" if wait else text


@contextmanager
def without_token(missing: bool) -> Iterator[None]:
    """Says where a token would be read from when the lack of one was the trouble."""
    try:
        yield
    except Unauthorized as error:
        if not missing:
            raise
        raise Unauthorized(
            f"{error.message}; {NO_TOKEN}", request=error.request, status=error.status
        ) from error


@contextmanager
def looking_with(command: str) -> Iterator[None]:
    """An unclear answer says which command shows what came of it."""
    try:
        yield
    except Unclear as error:
        text = f"{error.message}: `relay circleci {command}` shows what came of it"
        raise Unclear(text, request=error.request, status=error.status) from error
