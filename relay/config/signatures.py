"""The part of the file that adds to the catalogue of signatures, by which failures are recognised."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import AfterValidator, Field

from relay.config.section import Section
from relay.config.values import Kind, Texts
from relay.failures.lacking import problem_with
from relay.failures.record import FailureClass
from relay.failures.signature import LEAST_LR, MOST_LR

CLASS_PATTERN = r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*\Z"
ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,79}\Z"


def _pattern(value: str) -> str:
    problem = problem_with(value)
    if problem:
        raise ValueError(problem)
    return value


def _id(value: str) -> str:
    if not re.match(ID_PATTERN, value):
        raise ValueError("an id is made of letters, digits, _ . - and begins with a letter or digit")
    return value


def _class(value: str) -> str:
    if not re.match(CLASS_PATTERN, value):
        raise ValueError(
            "a class is written like device or genuine.schema: small letters, digits, _ and dots"
        )
    if value == FailureClass.UNKNOWN:
        raise ValueError("unknown is the class of what no signature recognises; choose another name")
    return value


Pattern = Annotated[str, AfterValidator(_pattern), Kind(name="regular expression")]
SignatureId = Annotated[str, AfterValidator(_id), Kind(name="text")]
ClassName = Annotated[str, AfterValidator(_class), Kind(name="name")]


class SignatureSpec(Section):
    """One signature: a line by which a kind of failure is recognised."""

    id: SignatureId = Field(
        description="Shown wherever it matched; the id of a shipped signature replaces that one."
    )
    lr: float | None = Field(
        default=None,
        ge=LEAST_LR,
        le=MOST_LR,
        description="How many times likelier the line is in a failure that passes on retry than in one that"
        " does not. Without it 5; for classes named `genuine.…` 0.1.",
    )
    re: Pattern = Field(description="Searched in each line of the failed step, ignoring case (RE2 syntax).")
    excluded: Annotated[Pattern | None, Field(alias="not")] = Field(
        default=None, description="A line in which this is found too does not count."
    )


class FailureClassSpec(Section):
    """A kind of failure: one the relay knows, or one of your own. No retry helps those named `genuine.…`."""

    passes: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="How often a retry is expected to pass, from 0 to 1, before anything is known of the job."
        " Without it what the catalogue says; for a class of your own 0.2.",
    )
    add: tuple[SignatureSpec, ...] = Field(default=(), description="Signatures of this class.")


class Signatures(Section):
    """Changes to the catalogue by which failures are recognised; `relay signatures list` shows it."""

    off: Texts = Field(default=(), description="Ids of shipped signatures that are not used.")
    classes: Mapping[ClassName, FailureClassSpec] = Field(
        default_factory=dict, description="What you add, by class of failure."
    )

    def each(self) -> Iterator[tuple[str, int, SignatureSpec]]:
        """Every added signature with its class and its place there."""
        for name, spec in self.classes.items():
            for at, signature in enumerate(spec.add):
                yield name, at, signature
