"""pydantic's errors → faults with positions, in words for people, without any value that was given."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias, get_args

from pydantic import BaseModel, ValidationError

from relay.config.suggestions import closest, unknown
from relay.config.tree import Node, Path, Position, child, find, written_path
from relay.errors import Fault

AlsoKnown: TypeAlias = Mapping[type[BaseModel], Iterable[str]]  # keys that a model's fields do not show

IN_A_KEY = "[key]"  # pydantic's mark for "the key itself is wrong"

PROBLEMS: Mapping[str, str] = {
    "string_type": "wanted a text; write it in quotes",
    "int_type": "wanted a whole number",
    "int_parsing": "wanted a whole number",
    "int_from_float": "wanted a whole number",
    "float_type": "wanted a number",
    "float_parsing": "wanted a number",
    "bool_type": "wanted true or false",
    "bool_parsing": "wanted true or false",
    "dict_type": "wanted keys and values below it",
    "mapping_type": "wanted keys and values below it",
    "model_type": "wanted keys and values below it",
    "model_attributes_type": "wanted keys and values below it",
    "list_type": "wanted a list",
    "tuple_type": "wanted a list",
    "set_type": "wanted a list",
}


class Page:
    """A document and its file name: makes faults that point into it."""

    def __init__(self, file: str, root: Node) -> None:
        self.file = file
        self.root = root

    def fault(self, path: Path, problem: str, *, at_key: bool = False) -> Fault:
        """One fault at the nearest place to `path` that is written in the document."""
        while path and isinstance(path[-1], int) and find(self.root, path) is None:
            path = path[:-1]  # one name instead of a list of them
        at = self._position(path, at_key=at_key)
        where = written_path(path)
        return Fault(file=self.file, line=at.line, column=at.column, path=where, problem=problem)

    def clean(self, location: Sequence[str | int]) -> Path:
        """pydantic's location without the parts that only its types know; a missing last key stays."""
        node, path = self.root, []
        for part in location[:-1]:
            below = child(node, part)
            if below is not None:
                path.append(part)
                node = below
        last = location[-1:] if _may_hold(node, location) else ()
        return (*path, *last)

    def _position(self, path: Path, *, at_key: bool) -> Position:
        node = find(self.root, path)
        if node is not None:
            return (node.key_at if at_key else None) or node.at
        while path and find(self.root, path) is None:
            path = path[:-1]
        nearest = find(self.root, path) or self.root
        return nearest.key_at or nearest.at


def _may_hold(node: Node, location: Sequence[str | int]) -> bool:
    """Whether the last part of a location names something the document has or could have there."""
    part = location[-1] if location else ""
    return child(node, part) is not None or (isinstance(part, str) and isinstance(node.value, Mapping))


def from_validation(
    error: ValidationError, page: Page, model: type[BaseModel], also: AlsoKnown, prefix: Path = ()
) -> tuple[Fault, ...]:
    """One fault for each of pydantic's errors; `prefix` is where the model stands in the document."""
    details = error.errors(include_url=False)
    mistyped = {_meant(detail, model, also) for detail in details}
    told = (detail for detail in details if _key_of(detail) not in mistyped)
    return tuple(_fault(detail, page, model, also, prefix) for detail in told)


def _key_of(detail: Any) -> tuple[Any, ...] | None:
    """The key that is said to be missing, which an unknown key next to it may explain."""
    return detail["loc"] if detail["type"] == "missing" else None


def _meant(detail: Any, model: type[BaseModel], also: AlsoKnown) -> tuple[Any, ...]:
    """The place of the key that an unknown key was probably meant to be."""
    if detail["type"] != "extra_forbidden":
        return ()
    *above, key = detail["loc"]
    return (*above, closest(str(key), _known_at(model, above, also)))


def _known_at(model: type[BaseModel], location: Sequence[str | int], also: AlsoKnown) -> frozenset[str]:
    responsible = model_at(model, location)
    return known_keys(responsible) | frozenset(also.get(responsible, ()))


def _fault(detail: Any, page: Page, model: type[BaseModel], also: AlsoKnown, prefix: Path) -> Fault:
    location = tuple(part for part in detail["loc"] if part != IN_A_KEY)
    path = page.clean((*prefix, *location))
    if detail["type"] == "extra_forbidden":
        known = _known_at(model, location[:-1], also)
        return page.fault(path, unknown("unknown key", str(location[-1]), known), at_key=True)
    if detail["type"] == "missing":
        return page.fault(path, "missing; this key is required", at_key=True)
    return page.fault(path, _problem(detail), at_key=IN_A_KEY in detail["loc"])


def _problem(detail: Any) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in PROBLEMS:
        return PROBLEMS[kind]
    if kind in ("value_error", "assertion_error"):
        return str(context.get("error") or detail["msg"])
    if kind in ("enum", "literal_error"):
        return _not_one_of(re.findall(r"'([^']*)'|(\d+)", context["expected"]), detail["input"])
    if kind == "greater_than":
        return f"wanted more than {context['gt']:g}"
    return str(detail["msg"]).replace("Input should", "should").replace("Value should", "should")


def _not_one_of(words: Sequence[tuple[str, str]], given: object) -> str:
    """The given value only chooses the suggestion; it is not repeated."""
    known = [quoted or number for quoted, number in words]
    return f"wanted {known[0]}" if len(known) == 1 else unknown("unknown word", str(given), known)


def known_keys(model: type[BaseModel]) -> frozenset[str]:
    """The keys that a model takes, as people write them."""
    return frozenset(info.alias or name for name, info in model.model_fields.items() if not info.exclude)


def model_at(model: type[BaseModel], location: Sequence[str | int]) -> type[BaseModel]:
    """The model that is responsible for a location below `model`."""
    for part in location:
        if isinstance(part, str) and (field := _field(model, part)) is not None:
            model = _model_in(field.annotation) or model
    return model


def _field(model: type[BaseModel], key: str) -> Any:
    return next((info for name, info in model.model_fields.items() if key in (name, info.alias)), None)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model inside `X | None`, `tuple[X, ...]`, `Mapping[str, X]` and the like."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)
