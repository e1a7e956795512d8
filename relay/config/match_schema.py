"""The JSON Schema of a `match` block, made from the table of fields."""

from typing import Any, TypeAlias

from relay.config.meanings import MEANINGS
from relay.fields import ALL, FieldType
from relay.routing.match import WORDS

Schema: TypeAlias = dict[str, Any]

MATCHES: Schema = {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/Match"}}
BLOCKS = {
    "any": "At least one of these matches must hold.",
    "all": "All of these matches must hold.",
    "not": "None of these matches may hold.",
}
PATTERNS = {
    FieldType.TEXT: "Text: a pattern such as `main`, `release/*`, `!main` or `/^v\\d+/`.",
    FieldType.NUMBER: 'A number: 3, "> 3", "!= 3".',
    FieldType.DURATION: 'A duration: "> 20m", "<= 90s".',
    FieldType.FLAG: "true or false.",
    FieldType.TEXTS: "Several texts: a pattern that one of them matches; `every:` and `none:` change that.",
}
SCALARS = {
    FieldType.NUMBER: ["string", "number"],
    FieldType.TEXTS: ["string", "number", "boolean"],
    FieldType.FLAG: ["boolean", "string"],
}


def match_schema() -> Schema:
    """Fields that can be matched now, and the blocks that join matches."""
    fields = {name: _field(name, kind) for name, kind in ALL.items() if kind in PATTERNS}
    blocks = {name: {**MATCHES, "description": meaning} for name, meaning in BLOCKS.items()}
    open_names = "|".join(name.replace(".", r"\.") for name, kind in ALL.items() if kind is FieldType.MAPPING)
    return {
        "type": "object",
        "description": "Conditions on the fields of an event; all must hold.",
        "properties": {**fields, **blocks},
        "patternProperties": {rf"^({open_names})\..": _patterns(FieldType.TEXTS, ())},
        "additionalProperties": False,
    }


def _field(name: str, kind: FieldType) -> Schema:
    words = WORDS.get(name, ())
    meaning = f"One of {', '.join(words)}." if words else PATTERNS[kind]
    return {"description": f"{MEANINGS[name]} {meaning}", **_patterns(kind, words)}


def _patterns(kind: FieldType, words: tuple[str, ...]) -> Schema:
    """One pattern or a list of them."""
    scalar: Schema = {"type": SCALARS.get(kind, "string")}
    one: Schema = {"anyOf": [{"enum": list(words)}, scalar]} if words else scalar
    several: Schema = {"type": "array", "minItems": 1, "items": one}
    if kind is not FieldType.TEXTS:
        return {"anyOf": [one, several]}
    either: Schema = {"anyOf": [one, several]}
    reaches = {
        "type": "object",
        "properties": {"every": either, "none": either},
        "minProperties": 1,
        "additionalProperties": False,
    }
    return {"anyOf": [one, several, reaches]}
