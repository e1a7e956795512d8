"""Reads the configuration file: YAML with positions, checked models, every fault at once."""

from relay.config.config import Config
from relay.config.people import Person
from relay.config.quiet import Hours, SilenceSpec
from relay.config.reading import check, load, load_text, text_of
from relay.config.schema import json_schema
from relay.config.signatures import Signatures, SignatureSpec

__all__ = [
    "Config",
    "Hours",
    "Person",
    "SignatureSpec",
    "Signatures",
    "SilenceSpec",
    "check",
    "json_schema",
    "load",
    "load_text",
    "text_of",
]
