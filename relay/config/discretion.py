"""Keeps what came from the environment and from secret files out of the messages about faults."""

import re
from collections.abc import Sequence
from dataclasses import replace

from relay.config.substitution import Substituted
from relay.config.tree import Position
from relay.errors import Fault
from relay.secret import Masker

PIECE = re.compile(r"\w{4,}")
SAID_INSTEAD = "the value that comes from outside this file does not fit here"


def discreet(faults: Sequence[Fault], substituted: Substituted) -> tuple[Fault, ...]:
    """The faults with whole values masked; one that quotes a piece of a value only says where it is."""
    mask = Masker(substituted.values)
    pieces = frozenset(piece for value in substituted.values for piece in PIECE.findall(value))
    return tuple(_discreet(fault, mask, pieces, substituted.places) for fault in faults)


def _discreet(fault: Fault, mask: Masker, pieces: frozenset[str], places: frozenset[Position]) -> Fault:
    problem = mask(fault.problem)
    is_outside = Position(line=fault.line, column=fault.column) in places
    quotes = is_outside and not pieces.isdisjoint(PIECE.findall(problem))
    return replace(fault, problem=SAID_INSTEAD if quotes else problem)
