"""The part of the file about the wording of messages."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import Field, ValidationInfo, model_validator

from relay.config.section import Section
from relay.config.values import Template

STANDARD = "standard"  # the template that is always there
SERVICES: Final = "(services)"  # where the keys that are notifier types are gathered; nobody writes this


class ButtonSpec(Section):
    """A link shown as a button."""

    text: Template = Field(description="What the button says.")
    url: Template = Field(description="Where it leads.")


class Wording(Section):
    """What a message says. What is left out comes from the template `standard`."""

    title: Template | None = Field(default=None, description="The first line.")
    body: Template | None = Field(default=None, description="The text below it.")
    facts: Mapping[str, Template] | None = Field(
        default=None, description="Short facts, shown as a small table: name and value."
    )
    buttons: tuple[ButtonSpec, ...] | None = Field(default=None, description="Links, shown as buttons.")
    footer: Template | None = Field(default=None, description="The small print: why it was sent.")
    summary: Template | None = Field(
        default=None, description="The title when several events share a message; `count` says how many."
    )
    line: Template | None = Field(default=None, description="What such a message says about one event.")


class Override(Wording):
    """The same for one service only; what is left out comes from the template around it."""

    blocks_file: str | None = Field(
        default=None, description="A template file that renders the service's own JSON, such as Slack blocks."
    )


class TemplateSpec(Wording):
    """One named template. Any notifier type may be a key as well, with wording for that service only."""

    services: Mapping[str, Override] = Field(default_factory=dict, alias=SERVICES, exclude=True)

    @model_validator(mode="before")
    @classmethod
    def _gather_services(cls, value: Any, info: ValidationInfo) -> Any:
        """Moves the keys that are notifier types to `services`."""
        types = (info.context or {}).get("notifier_types", ())
        if not isinstance(value, dict) or not any(key in types for key in value):
            return value
        rest = {key: item for key, item in value.items() if key not in types}
        return {**rest, SERVICES: {key: item for key, item in value.items() if key in types}}
