"""One JSON Schema of the whole file, so that editors complete and underline while somebody types.

It describes the file as written: where a value may come from `${NAME}`, a text with `${` is fine too. What
this release does not do yet is left out, so editors do not offer it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from relay.config.file import File
from relay.config.match_schema import match_schema
from relay.config.quiet import SilenceSpec
from relay.config.routes import Route
from relay.config.targets import Types
from relay.config.templates import SERVICES, Override, TemplateSpec

Schema: TypeAlias = dict[str, Any]
Names: TypeAlias = Mapping[type[BaseModel], str]

DRAFT = "https://json-schema.org/draft/2020-12/schema"
PLACEHOLDER: Schema = {"type": "string", "pattern": r"\$\{"}
NARROW_TYPES = ("integer", "number", "boolean")
NARROW = ("enum", "const", "pattern")  # keywords that a text such as `${NAME}` may not pass


def json_schema(notifier_types: Types, action_types: Types) -> Schema:
    """The schema of a configuration that may use these types (JSON Schema draft 2020-12)."""
    definitions, names = _definitions((File, Override, *notifier_types.values(), *action_types.values()))
    _complete_routes(definitions)
    _complete_templates(definitions, notifier_types, names)
    file = definitions.pop(names[File])
    for section, types in (("notifiers", notifier_types), ("actions", action_types)):
        file["properties"][section]["additionalProperties"] = _targets(types, names, definitions)
    return {"$schema": DRAFT, "title": "relay configuration", **_complete_file(file), "$defs": definitions}


def _definitions(models: Sequence[type[BaseModel]]) -> tuple[Schema, Names]:
    """The schemas of models and of what they are made of, and what each model is called there."""
    references, made = models_json_schema([(model, "validation") for model in models])
    named = {model: reference["$ref"].rpartition("/")[2] for (model, _), reference in references.items()}
    return _adapted(made["$defs"]), {model: named[model] for model in models}


def _complete_file(file: Schema) -> Schema:
    """Sections may be left empty; a version and a route may not."""
    sections = {
        key: section if key in ("version", "routes") else _or_empty(section)
        for key, section in file["properties"].items()
    }
    routes = {**sections["routes"], "minItems": 1}
    return {**file, "properties": {**sections, "routes": routes}, "required": ["version", "routes"]}


def _or_empty(section: Schema) -> Schema:
    described = {key: value for key, value in section.items() if key == "description"}
    return {**described, "anyOf": [section, {"type": "null"}]}


def _complete_routes(definitions: Schema) -> None:
    for model in (Route, SilenceSpec):
        properties = definitions[model.__name__]["properties"]
        properties["match"] = {**properties["match"], "$ref": "#/$defs/Match"}
        del properties["match"]["additionalProperties"]
    definitions["Match"] = match_schema()


def _complete_templates(definitions: Schema, types: Types, names: Names) -> None:
    """Any notifier type may be a key of a template."""
    properties = definitions[TemplateSpec.__name__]["properties"]
    del properties[SERVICES]
    for kind in sorted(types):
        properties.setdefault(kind, {"$ref": f"#/$defs/{names[Override]}"})


def _targets(types: Types, names: Names, definitions: Schema) -> Schema | bool:
    """What one entry of `notifiers` or `actions` looks like: its type decides."""
    if not types:
        return False
    for model in types.values():
        definitions[names[model]].setdefault("properties", {})["type"] = {"type": "string"}  # always there
    choices = [
        {
            "if": {"required": ["type"], "properties": {"type": {"const": kind}}},
            "then": {"$ref": f"#/$defs/{names[model]}"},
        }
        for kind, model in sorted(types.items())
    ]
    kinds = {"enum": sorted(types), "description": "Which kind it is."}
    return {"type": "object", "required": ["type"], "properties": {"type": kinds}, "allOf": choices}


def _adapted(schema: Any) -> Any:
    """Without titles and defaults, which repeat the key or show values in other units; open to `${NAME}`."""
    if isinstance(schema, list):
        return [_adapted(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: _adapted(value) for key, value in schema.items() if not _is_noise(key, value, schema)}
    return _open_to_placeholder(kept) if _is_narrow(kept) else kept


def _is_noise(key: str, value: Any, schema: Schema) -> bool:
    return (key == "title" and isinstance(value, str)) or (key == "default" and _is_schema(schema))


def _is_schema(mapping: Schema) -> bool:
    """Whether a mapping is a schema itself, and not `properties` or `$defs`, whose keys are names."""
    return bool({"type", "$ref", "anyOf", "enum", "const"} & mapping.keys())


def _is_narrow(schema: Schema) -> bool:
    is_leaf = isinstance(schema.get("type", ""), str) and "properties" not in schema
    return is_leaf and (schema.get("type") in NARROW_TYPES or any(key in schema for key in NARROW))


def _open_to_placeholder(schema: Schema) -> Schema:
    described = {key: value for key, value in schema.items() if key == "description"}
    narrow = {key: value for key, value in schema.items() if key != "description"}
    return {**described, "anyOf": [narrow, PLACEHOLDER]}
