"""The inside of JSON strings in a template of a service's own message format."""

import json
from collections.abc import Mapping
from typing import Any

from relay.markup.plain import Markup
from relay.markup.text import clean


class JsonText(str):
    """The inside of a JSON string, or a whole JSON value."""

    __slots__ = ()


class Json(Markup):
    """The inside of JSON strings in a template of a service's own message format."""

    name = "json"
    marked = JsonText

    def __init__(self, inner: Markup) -> None:
        self._inner = inner

    def escape(self, text: str) -> str:
        return _json_inside(self._inner.escape(text))

    def text(self, value: object) -> str:
        if isinstance(value, JsonText):
            return value
        return JsonText(_json_inside(self._inner.text(value)))

    def bold(self, value: object) -> str:
        return JsonText(_json_inside(self._inner.bold(value)))

    def code(self, value: object) -> str:
        return JsonText(_json_inside(self._inner.code(value)))

    def code_block(self, value: object) -> str:
        return JsonText(_json_inside(self._inner.code_block(value)))

    def link(self, value: object, url: object) -> str:
        return JsonText(_json_inside(self._inner.link(value, url)))

    def json(self, value: Any) -> str:
        return JsonText(json.dumps(self._escaped(value), ensure_ascii=False, default=str))

    def _escaped(self, value: Any) -> Any:
        """The value with each text in it escaped for the service."""
        if isinstance(value, str):
            return str(self._inner.text(value))
        if isinstance(value, Mapping):
            return {clean(str(key)): self._escaped(item) for key, item in value.items()}
        return [self._escaped(item) for item in value] if isinstance(value, (list, tuple)) else value


def _json_inside(text: str) -> str:
    return json.dumps(str(text), ensure_ascii=False)[1:-1]
