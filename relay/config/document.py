"""A document → models and all its faults: a fault in one part does not hide those in others."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from relay.config.crosschecks import Subject, cross_check
from relay.config.faults import Page, from_validation
from relay.config.file import File
from relay.config.targets import Types, read_targets
from relay.config.templates import TemplateSpec
from relay.config.tree import Path, child, plain, with_above, without
from relay.errors import Fault

ROUNDS = 5  # of taking out what is wrong; each can bring a model's own check to light
MOST_REPAIRED = 500  # faults; with more of them the rest is not worth a second look
NOT_A_MAPPING = "wanted keys and values, beginning with version: 1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """What could be made of a document. `file` lacks the places that have faults."""

    file: File
    notifiers: Mapping[str, BaseModel]
    actions: Mapping[str, BaseModel]
    faults: tuple[Fault, ...]


def check_document(page: Page, notifier_types: Types, action_types: Types) -> Checked:
    """Checks every part by itself, then what lies between them."""
    if not isinstance(page.root.value, Mapping):
        nothing = File(version=1)
        return Checked(file=nothing, notifiers={}, actions={}, faults=(page.fault((), NOT_A_MAPPING),))
    file, faults = _read_file(page, notifier_types)
    notifiers, notifier_faults = read_targets("notifiers", file.notifiers, notifier_types, page)
    actions, action_faults = read_targets("actions", file.actions, action_types, page)
    between = cross_check(
        Subject(file=file, page=page, notifiers=_names(page, "notifiers"), actions=_names(page, "actions"))
    )
    together = (*faults, *notifier_faults, *action_faults, *between)
    return Checked(file=file, notifiers=notifiers, actions=actions, faults=together)


def _read_file(page: Page, notifier_types: Types) -> tuple[File, tuple[Fault, ...]]:
    """The file as far as it makes sense: what is wrong is noted, taken out, and the rest read again."""
    faults: list[Fault] = []
    root = page.root
    for _ in range(ROUNDS):
        try:
            return _validate(plain(root), faults, notifier_types), tuple(faults)
        except ValidationError as error:
            found = from_validation(error, page, File, {TemplateSpec: notifier_types})
            # A key that went with what was wrong inside it is not missing.
            told = {place for fault in faults for place in with_above(fault.path)}
            faults.extend(fault for fault in found if fault.path not in told)
            if error.error_count() > MOST_REPAIRED:
                break
            for path in _places(error, page):
                root = without(root, path)
    return File(version=1), tuple(faults)


def _validate(values: dict[str, Any], faults: Iterable[Fault], notifier_types: Types) -> File:
    version = {"version": 1} if any(fault.path == "version" for fault in faults) else {}
    return File.model_validate({**values, **version}, context={"notifier_types": notifier_types})


def _places(error: ValidationError, page: Page) -> tuple[Path, ...]:
    return tuple(page.clean(detail["loc"]) for detail in error.errors(include_url=False, include_input=False))


def _names(page: Page, section: str) -> frozenset[str] | None:
    written = child(page.root, section)
    if written is None:
        return frozenset()
    return frozenset(written.value) if isinstance(written.value, Mapping) else None
